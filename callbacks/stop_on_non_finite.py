"""A run that breaks keeps its last good state."""

from typing import Any

import lightning as L
import torch
from torch import Tensor

from callbacks.hf_export import HFExport
from callbacks.run_checkpoint import RunCheckpoint
from emlit.errors import NonFiniteError


class StopOnNonFinite(L.Callback):
    """Stop before a nan or infinite loss or gradient reaches the weights."""

    def on_before_backward(self, trainer: L.Trainer, pl_module: L.LightningModule, loss: Tensor) -> None:
        if not torch.isfinite(loss):
            raise NonFiniteError(self._message(trainer, f"the loss is {loss.item()}"))

    def on_before_optimizer_step(self, trainer: L.Trainer, pl_module: L.LightningModule, optimizer: Any) -> None:
        gradients = [parameter.grad for parameter in pl_module.parameters() if parameter.grad is not None]
        norm = torch.nn.utils.get_total_norm(gradients)
        if not torch.isfinite(norm):
            raise NonFiniteError(self._message(trainer, f"the gradient's norm is {norm.item()}"))

    @staticmethod
    def _message(trainer: L.Trainer, what: str) -> str:
        kept = [f"the last checkpoint is {RunCheckpoint.path(trainer)}"] if RunCheckpoint.path(trainer).exists() else []
        for callback in trainer.callbacks:
            if isinstance(callback, HFExport) and callback.enabled:
                kept.append(f"the weights before it are in {callback.path(trainer)}")
        return f"{what} in step {trainer.global_step + 1}, so the run stopped before using it; " + ", ".join(
            kept or ["no state was saved yet"]
        )
