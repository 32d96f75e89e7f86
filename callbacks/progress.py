"""What a run shows while it runs."""

import time
from typing import Any

import lightning as L
from lightning.pytorch.callbacks import ProgressBar
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from emlit.errors import ConfigError

_SHOWN = {
    "accuracy/pass@1": "pass@1",
    "entropy/token_mean": "entropy",
    "reward/mean": "reward",
    "length/mean": "length",
    "format/rate": "format",
}


class RolloutProgress(ProgressBar):
    """Three bars in a terminal (rounds, sampling, optimising); without one, a line every few rounds.

    Args:
        lines: how many lines a run without a terminal prints at most, the ends aside
    """

    def __init__(self, lines: int = 25) -> None:
        super().__init__()
        if lines < 1:
            raise ConfigError(f"lines of RolloutProgress is {lines}; it must be at least 1")
        self.lines = lines
        self.console = Console()
        self.bars: Progress | None = None
        self.tasks: dict[str, TaskID] = {}
        self.step = 0

    def disable(self) -> None:
        self.enabled = False

    def enable(self) -> None:
        self.enabled = True

    enabled = True

    def _start(self, **totals: int | None) -> None:
        if self.enabled and self.trainer.is_global_zero and self.console.is_terminal:
            self.bars = Progress(
                TextColumn("{task.description:>10}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
                TextColumn("{task.fields[note]}"),
                console=self.console,
                transient=True,
            )
            self.bars.start()
            self.tasks = {name: self.bars.add_task(name, total=total, note="") for name, total in totals.items()}

    def _update(self, name: str, completed: int, total: int | None = None, note: str = "") -> None:
        if self.bars is not None:
            self.bars.update(self.tasks[name], completed=completed, total=total, note=note)

    def _stop(self) -> None:
        if self.bars is not None:
            self.bars.stop()
            self.bars = None

    def _say(self, text: str) -> None:
        if self.enabled and self.trainer.is_global_zero and self.bars is None:
            self.console.print(text, highlight=False, soft_wrap=True)

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self.step, self.started = trainer.global_step, time.perf_counter()
        steps = trainer.max_steps if trainer.max_steps > 0 else None
        self._start(rounds=steps, sampling=None, optimising=trainer.accumulate_grad_batches)
        self._update("rounds", self.step, steps)
        trainer.datamodule.stream.on_generated = lambda done, wanted: self._update("sampling", done, wanted)

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        parts = trainer.accumulate_grad_batches
        self._update("optimising", batch_idx % parts + 1, parts)
        if trainer.global_step == self.step:
            return
        self.step = trainer.global_step
        note = self._note(trainer)
        self._update("rounds", self.step, trainer.max_steps if trainer.max_steps > 0 else None, note)
        every = max(1, trainer.max_steps // self.lines) if trainer.max_steps > 0 else 10
        if self.bars is None and (self.step % every == 0 or self.step in (1, trainer.max_steps)):
            of = f"/{trainer.max_steps}" if trainer.max_steps > 0 else ""
            self._say(f"step {self.step}{of}  {note}  {time.perf_counter() - self.started:.0f} s")

    @staticmethod
    def _note(trainer: L.Trainer) -> str:
        metrics = trainer.callback_metrics
        return "  ".join(f"{label} {metrics[name]:.3f}" for name, label in _SHOWN.items() if name in metrics)

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self._stop()

    def on_exception(self, trainer: L.Trainer, pl_module: L.LightningModule, exception: BaseException) -> None:
        self._stop()

    def _start_answering(self, trainer: L.Trainer, batches: int) -> None:
        self.answered = 0
        wanted = batches if isinstance(batches, int) else sum(batches)
        self._start(answering=wanted, grading=None)
        self.trainer.lightning_module.on_graded = lambda done, of: self._update("grading", done, of)
        self._say(f"answering {wanted} batches of prompts")

    def _count_answer(self, *_: Any, **__: Any) -> None:
        self.answered += 1
        self._update("answering", self.answered)

    def on_predict_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self._start_answering(trainer, trainer.num_predict_batches)

    def on_predict_batch_end(self, *args: Any, **kwargs: Any) -> None:
        self._count_answer()

    def on_predict_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self._stop()
