"""What a run shows while it runs."""

import os
from typing import Any

import lightning as L
from lightning.pytorch.callbacks import ProgressBar
from lightning.pytorch.trainer.states import TrainerFn
from rich.console import Console

from emlit import progress
from emlit.callbacks.progress_display import Bars, Lines, Ticker, duration
from emlit.callbacks.samples_page import planned_steps
from emlit.errors import require_at_least
from emlit.progress import Phase
from emlit.rollout.trainer import Trainer

_SHOWN = {
    "accuracy/pass@1": "pass@1",
    "entropy/token_mean": "entropy",
    "reward/mean": "reward",
    "length/mean": "length",
    "format/rate": "format",
}


class RolloutProgress(ProgressBar):
    """What is being done and how far it is: bars in a terminal, lines elsewhere.

    From before the prompts are read to after the report is written; without a terminal a line every few optimiser
    steps, and wherever nothing else was said for 10 seconds one of what is under way, from inside a batch too:
    completions and tokens a second, and the time left. Of several processes the first one speaks. With `TQDM_DISABLE`
    set nothing is shown.

    Args:
        lines: of optimiser steps, which a run without a terminal prints at most, the ends aside
        enabled: False shows nothing
    """

    def __init__(self, lines: int = 25, enabled: bool = True) -> None:
        super().__init__()
        require_at_least(1, "RolloutProgress", lines=lines)
        self.lines, self.enabled = lines, enabled and not _disabled_by_environment()
        self.console = Console()
        self.display: Lines | Bars | None = None
        self.root: Phase | None = None
        self.optimising: Phase | None = None
        self.step = 0

    def disable(self) -> None:
        self.enabled = False

    def enable(self) -> None:
        self.enabled = True

    def on_begin(self, trainer: Trainer, pl_module: L.LightningModule, stage: str) -> None:
        """Before anything that takes time."""
        if not self.enabled or not trainer.is_global_zero:
            return
        self._close()  # of an earlier run of the same trainer, that failed
        self.display = Bars(self.console) if self.console.is_terminal else Lines(self.console)
        progress.watch(self.display)
        assert trainer.state.fn is not None
        self.root = progress.begin(trainer.state.fn.value)  # "fit", "predict"
        self.ticker = Ticker(self.display.every, self.display.look)

    def _close(self) -> None:
        if self.display is None or self.root is None:
            return
        self.ticker.stop()
        progress.end(self.root)
        progress.unwatch(self.display)
        self.display.close()
        self.display = self.root = self.optimising = None

    def on_train_start(self, trainer: Trainer, pl_module: L.LightningModule) -> None:
        self.step, self.steps, self.started = trainer.global_step, planned_steps(trainer), progress.clock()
        if self.root is not None:
            self.root.name = "step"
            self.root.restart(self.step, self.steps)

    def on_train_batch_start(self, trainer: Trainer, pl_module: L.LightningModule, batch: Any, batch_idx: int) -> None:
        if self.root is not None and self.optimising is None:
            self.optimising = progress.begin("optimising", trainer.accumulate_grad_batches, "micro-batches")

    def on_after_backward(self, trainer: Trainer, pl_module: L.LightningModule) -> None:
        if self.optimising is not None:
            self.optimising.advance()

    def on_before_optimizer_step(self, trainer: Trainer, pl_module: L.LightningModule, optimizer: Any) -> None:
        self._end_optimising()
        if self.root is not None:  # what other callbacks do after the step is done after it
            self.root.done = trainer.global_step + 1

    def _end_optimising(self) -> None:
        if self.optimising is not None:
            progress.end(self.optimising)
            self.optimising = None

    def on_train_batch_end(self, trainer: Trainer, pl_module: L.LightningModule, *_: Any) -> None:
        if self.root is None or trainer.global_step == self.step:
            return
        self._end_optimising()
        self.step = self.root.done = trainer.global_step
        self.root.note = note = self._note(trainer)
        every = max(1, self.steps // self.lines) if self.steps else 10
        if isinstance(self.display, Lines) and (self.step % every == 0 or self.step in (1, self.steps)):
            of = f"/{self.steps}" if self.steps else ""
            self.display.say(f"step {self.step}{of}  {note}  {duration(progress.clock() - self.started)}")

    @staticmethod
    def _note(trainer: Trainer) -> str:
        metrics = trainer.callback_metrics
        return "  ".join(f"{label} {metrics[name]:.3f}" for name, label in _SHOWN.items() if name in metrics)

    def _count_batches(self, batches: int | list[int] | list[int | float]) -> None:
        if self.root is not None:
            self.root.unit = "batches"
            self.root.restart(0, int(batches if isinstance(batches, int) else sum(batches)))

    def on_validation_start(self, trainer: Trainer, pl_module: L.LightningModule) -> None:
        if trainer.state.fn != TrainerFn.FITTING:
            self._count_batches(trainer.num_val_batches)

    def on_test_start(self, trainer: Trainer, pl_module: L.LightningModule) -> None:
        self._count_batches(trainer.num_test_batches)

    def on_predict_start(self, trainer: Trainer, pl_module: L.LightningModule) -> None:
        self._count_batches(trainer.num_predict_batches)

    def _batch_answered(self, trainer: L.Trainer, *_: Any, **__: Any) -> None:
        if self.root is not None and trainer.state.fn != TrainerFn.FITTING:
            self.root.advance()

    on_validation_batch_end = _batch_answered
    on_test_batch_end = _batch_answered
    on_predict_batch_end = _batch_answered

    def on_exception(self, trainer: Trainer, pl_module: L.LightningModule, exception: BaseException) -> None:
        self._close()

    def teardown(self, trainer: Trainer, pl_module: L.LightningModule, stage: str) -> None:
        self._close()


def _disabled_by_environment() -> bool:
    return os.environ.get("TQDM_DISABLE", "").lower() not in ("", "0", "false")
