"""Where `fit --ckpt_path last` goes on from."""

import os
from pathlib import Path
from typing import Any

import lightning as L
from lightning.pytorch.callbacks import Checkpoint

from emlit.errors import ConfigError


class RunCheckpoint(Checkpoint):
    """Keep `checkpoints/last.ckpt` up to date, replaced whole: a kill while writing leaves the one before.

    Saved right after the last optimiser step of a round, and always at the end. Lightning's ModelCheckpoint, for the
    best of a monitored value, may stand beside it in `trainer.callbacks`.

    Args:
        every_n_steps: optimiser steps from one to the next
        keep: also keep each one as `step-N.ckpt`
    """

    def __init__(self, every_n_steps: int = 10, keep: bool = False) -> None:
        if every_n_steps < 1:
            raise ConfigError(f"every_n_steps of RunCheckpoint is {every_n_steps}; it must be at least 1")
        self.every_n_steps, self.keep = every_n_steps, keep
        self.saved_step = 0

    @staticmethod
    def path(trainer: L.Trainer) -> Path:
        return Path(trainer.default_root_dir) / "checkpoints" / "last.ckpt"

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self.saved_step = trainer.global_step

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        step = trainer.global_step
        if step == self.saved_step or not batch.ends_round:
            return
        if step == trainer.max_steps or trainer.should_stop:
            # Put in place by on_train_end, after evaluation and export: a run killed in between goes on from the
            # checkpoint before, and so gets to them.
            self.saved_step = step
            trainer.save_checkpoint(self._scratch(trainer))
        elif step // self.every_n_steps > self.saved_step // self.every_n_steps:
            self.saved_step = step
            trainer.save_checkpoint(self._scratch(trainer))
            self._publish(trainer, step)

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if trainer.global_step != self.saved_step:  # stopped early
            trainer.save_checkpoint(self._scratch(trainer))
        if trainer.is_global_zero and self._scratch(trainer).exists():
            self._publish(trainer, trainer.global_step)

    @classmethod
    def _scratch(cls, trainer: L.Trainer) -> Path:
        return cls.path(trainer).with_suffix(".partial")

    def _publish(self, trainer: L.Trainer, step: int) -> None:
        if not trainer.is_global_zero:
            return
        scratch, target = self._scratch(trainer), self.path(trainer)
        if self.keep:
            kept = target.with_name(f"step-{step}.ckpt")
            kept.unlink(missing_ok=True)
            os.link(scratch, kept)
        os.replace(scratch, target)
