"""Before and after: measured by the run itself, printed at its end, kept in summary.json."""

import json
import logging
import os
import shlex
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import lightning as L
from lightning.pytorch.loggers import TensorBoardLogger
from rich.table import Table

from emlit.callbacks.collapse_guard import CollapseGuard
from emlit.callbacks.run_checkpoint import RunCheckpoint
from emlit.callbacks.samples_page import SamplesPage
from emlit.errors import require_at_least
from emlit.evaluation import NAMES, evaluate
from emlit.modules import CausalLM
from emlit.resilience.files import write_whole
from emlit.rollout.trainer import Trainer
from emlit.terminal import Terminal

log = logging.getLogger(__name__)

Measured = dict[str, float | None]


class RunSummary(L.Callback):
    """Evaluate before the first step and after the last, and now and then between.

    The labels that this reads are for the table alone; no training signal touches them. A resumed run keeps the
    measurements of its beginning.

    Args:
        every_n_steps: also evaluate every so many optimiser steps; None for the two ends alone
        enabled: False leaves all of it out
    """

    def __init__(self, every_n_steps: int | None = None, enabled: bool = True) -> None:
        require_at_least(1, "RunSummary", every_n_steps=every_n_steps)
        self.every_n_steps, self.enabled = every_n_steps, enabled
        self.curve: dict[int, Measured] = {}
        self.summary: dict[str, Any] | None = None  # once the run has ended
        self.seconds = 0.0
        self._resumed_at = 0.0

    def state_dict(self) -> dict[str, Any]:
        return {"curve": self.curve, "seconds": self.seconds + time.perf_counter() - self._resumed_at}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.curve, self.seconds = state["curve"], state["seconds"]

    def on_train_start(self, trainer: Trainer, pl_module: CausalLM) -> None:
        if self.enabled and not self.curve and trainer.global_step and trainer.is_global_zero:
            log.warning("the checkpoint has no measurement of the run's start: summary.json's `before` is of step %d",
                        trainer.global_step)  # fmt: skip
        if self.enabled and (not self.curve or self._is_due(trainer.global_step)):  # one may have been given up
            self._measure(trainer, pl_module, trainer.global_step)
        self._resumed_at = time.perf_counter()

    def on_train_batch_end(self, trainer: Trainer, pl_module: CausalLM, outputs: Any, batch: Any, *_: Any) -> None:
        # Between rounds: within one the engine holds older weights.
        if self.enabled and batch.ends_round and self._is_due(trainer.global_step):
            self._pause()
            self._measure(trainer, pl_module, trainer.global_step)
            self._resumed_at = time.perf_counter()

    def _is_due(self, step: int) -> bool:
        every = self.every_n_steps
        return every is not None and step // every > max(self.curve) // every

    def _pause(self) -> None:
        self.seconds += time.perf_counter() - self._resumed_at
        self._resumed_at = time.perf_counter()

    def _measure(self, trainer: Trainer, module: CausalLM, step: int) -> None:
        values = self.curve[step] = evaluate(module)
        known = {f"evaluation/{name}": value for name, value in values.items() if value is not None}
        for logger in trainer.loggers:
            logger.log_metrics(known, step=step)

    def on_train_end(self, trainer: Trainer, pl_module: CausalLM) -> None:
        self._pause()
        if not self.enabled:
            return
        guard = CollapseGuard.of(trainer)
        final = trainer.global_step if guard is None else guard.final_step(trainer)
        if final not in self.curve:
            self._measure(trainer, pl_module, final)
        if trainer.is_global_zero:
            self._write(trainer, final, guard)

    def _write(self, trainer: Trainer, final: int, guard: CollapseGuard | None) -> None:
        steps = sorted(self.curve)
        before, after = self.curve[steps[0]], self.curve[final]
        directory = Path(trainer.default_root_dir)
        self.summary = summary = {
            "before": before,
            "after": after,
            "steps": trainer.global_step,
            "seconds": round(self.seconds, 2),
            "seed": trainer.datamodule.seed,
            "curve": [{"step": step, **self.curve[step]} for step in steps],
        }
        if guard is not None and (report := guard.report()) and (cost := guard.cost(trainer)):
            summary["guard"], summary["guard_cost"] = report, asdict(cost)
        kept = f"{directory / 'checkpoints'} is kept; make room and resume with --ckpt_path auto"
        write_whole(directory / "summary.json", json.dumps(summary, indent=2) + "\n", kept)
        console = Terminal()
        taken = f"{trainer.global_step} steps, {self.seconds:.0f} s of training"
        if trainer.datamodule.evaluation_tasks:
            console.print(_table(before, after, taken))
        else:
            console.print(f"{taken}; nothing was evaluated (data.evaluation null)")
        if guard is not None and (sentence := guard.sentence()):
            console.named("guard", f"{sentence}; {guard.cost(trainer)}")
        for logger in trainer.loggers:
            if isinstance(logger, TensorBoardLogger):
                console.named("curves", f"tensorboard --logdir {shlex.quote(str(directory))}")
            else:
                place = logger.log_dir or logger.save_dir  # None of a server or a database
                console.named("curves", type(logger).__name__ + (f", {os.path.normpath(place)}" if place else ""))
        if (
            any(isinstance(callback, SamplesPage) for callback in trainer.callbacks)
            and SamplesPage.path(trainer).exists()
        ):
            console.named("samples", SamplesPage.path(trainer))
        if any(isinstance(callback, RunCheckpoint) for callback in trainer.callbacks) and (
            RunCheckpoint.path(trainer).exists()
        ):  # none of a run that the guard ended before its first step
            console.named("checkpoint", RunCheckpoint.path(trainer))
        console.named("summary", directory / "summary.json")


def _table(before: Measured, after: Measured, title: str) -> Table:
    table, missing = Table(title=title), "no labels"
    for heading in ("", "before", "after", "change"):
        table.add_column(heading, justify="left" if not heading else "right")
    extra = [name for name in after if name not in NAMES and after[name] is not None]
    for name in [*NAMES, *extra]:
        first, last = before.get(name), after.get(name)
        table.add_row(
            name,
            missing if first is None else f"{first:.3f}",
            missing if last is None else f"{last:.3f}",
            "" if first is None or last is None else f"{last - first:+.3f}",
        )
    return table
