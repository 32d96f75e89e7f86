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
        self._check(trainer, loss, "the loss")

    def on_before_optimizer_step(self, trainer: L.Trainer, pl_module: L.LightningModule, optimizer: Any) -> None:
        if getattr(trainer.precision_plugin, "scaler", None) is not None:
            return  # float16 overflows now and then, and its scaler skips such steps
        gradients = [parameter.grad for parameter in pl_module.parameters() if parameter.grad is not None]
        self._check(trainer, torch.nn.utils.get_total_norm(gradients), "the gradient's norm")

    def _check(self, trainer: L.Trainer, value: Tensor, name: str) -> None:
        """Raise on every process if `value` is not finite on one: the others would wait for it for ever."""
        broken = not bool(torch.isfinite(value))
        if trainer.strategy.reduce_boolean_decision(broken, all=False):
            what = f"{name} is {value.item()}" if broken else f"{name} is not finite on another process"
            raise NonFiniteError(self._message(trainer, what))

    @staticmethod
    def _message(trainer: L.Trainer, what: str) -> str:
        kept = [f"the last checkpoint is {RunCheckpoint.path(trainer)}"] if RunCheckpoint.path(trainer).exists() else []
        for callback in trainer.callbacks:
            if isinstance(callback, HFExport) and callback.enabled:
                kept.append(f"the weights before it are in {callback.path(trainer)}")
        return f"{what} in step {trainer.global_step + 1}, so the run stopped before using it; " + ", ".join(
            kept or ["no state was saved yet"]
        )
