"""Callbacks that disturb runs which are processes of their own."""

import os
import signal
from typing import Any

import lightning as L


class BreaksOnOne(L.Callback):
    """The second process has an entropy of nan in step 2; the first gets a SIGTERM in step 4."""

    def on_before_backward(self, trainer: L.Trainer, pl_module: L.LightningModule, loss: Any) -> None:
        if trainer.global_step == 1 and trainer.global_rank == 1:
            pl_module.step_output.stats.entropy.fill_(float("nan"))
        if trainer.global_step == 3 and trainer.global_rank == 0:
            os.kill(os.getpid(), signal.SIGTERM)


class SignalsTwice(L.Callback):
    """A SIGTERM in step 3, and at once another."""

    def on_before_backward(self, trainer: L.Trainer, pl_module: L.LightningModule, loss: Any) -> None:
        if trainer.global_step == 2:
            os.kill(os.getpid(), signal.SIGTERM)
            os.kill(os.getpid(), signal.SIGTERM)
