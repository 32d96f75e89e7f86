"""A step that breaks is skipped; a run that breaks keeps its last good state."""

import logging
import math
from pathlib import Path
from typing import Any

import lightning as L
import torch
from torch import Tensor

from emlit.callbacks.hf_export import HFExport
from emlit.callbacks.run_checkpoint import RunCheckpoint
from emlit.errors import NonFiniteError, require_at_least
from emlit.modules import EntropyObjectiveMixin, StepOutput
from emlit.parallel import gradient_norm
from emlit.resilience import checkpoint_files
from emlit.resilience.files import replacing
from emlit.rollout.trainer import Trainer

log = logging.getLogger(__name__)


class SkipNonFinite(L.Callback):
    """Skip an optimiser step whose loss, log-probabilities or gradient are nan or infinite; stop when it goes on.

    The whole step is dropped on every process, all of its micro-batches with it: neither weights nor the optimiser's
    moments change. It still counts as a step, and the next round has other prompts. Each is logged, and counted in the
    curve `non_finite/skipped`. With float16 the gradient is left to the scaler, which skips overflows by itself.

    Args:
        max_in_a_row: stop the run at so many skipped steps in a row and save the last one's batch

    Raises:
        NonFiniteError: it came to that
    """

    def __init__(self, max_in_a_row: int = 3) -> None:
        require_at_least(1, "SkipNonFinite", max_in_a_row=max_in_a_row)
        self.max_in_a_row = max_in_a_row
        self.skipped = 0
        self.in_a_row = 0
        # Of the step under way, with the loss and what is wrong: on the device, and looked at once.
        self._records: list[tuple[StepOutput, Tensor, Tensor]] = []
        self._logged = 0

    def state_dict(self) -> dict[str, Any]:
        return {"skipped": self.skipped, "in_a_row": self.in_a_row}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.skipped, self.in_a_row = state["skipped"], state["in_a_row"]

    def on_train_start(self, trainer: Trainer, pl_module: EntropyObjectiveMixin) -> None:
        self._logged = trainer.global_step
        self._records.clear()

    def on_before_backward(self, trainer: Trainer, pl_module: EntropyObjectiveMixin, loss: Tensor) -> None:
        # Not decided yet: the backward pass goes on as on the other processes, which would wait for this one's.
        self._records.append((pl_module.step_output, loss.detach(), faults(pl_module.step_output, loss)))

    def on_before_optimizer_step(self, trainer: Trainer, pl_module: EntropyObjectiveMixin, optimizer: Any) -> None:
        fault = next((fault for fault in self._sentences() if fault is not None), None)
        if getattr(trainer.precision_plugin, "scaler", None) is None:
            norm = float(gradient_norm(pl_module))
            fault = fault if math.isfinite(norm) else fault or f"the gradient's norm is {norm}"
        if trainer.strategy.reduce_boolean_decision(fault is not None, all=False):
            self._skip(trainer, optimizer, fault or "another process has a value that is not finite")
        else:
            self.in_a_row = 0
        self._records.clear()

    def _sentences(self) -> list[str | None]:
        """What is wrong with each micro-batch of the step, as yet: here the host waits for the device."""
        if not self._records:
            return []
        losses = torch.stack([loss for _, loss, _ in self._records]).tolist()
        found = torch.stack([wrong for _, _, wrong in self._records]).tolist()
        names = [[name for name, is_so in zip(_FAULTS, wrong, strict=True) if is_so] for wrong in found]
        return [
            None if not wrong else f"the loss is {loss}" if wrong[0] == "the loss" else f"{wrong[0]} is not finite"
            for loss, wrong in zip(losses, names, strict=True)
        ]

    def _skip(self, trainer: Trainer, optimizer: Any, fault: str) -> None:
        optimizer.zero_grad(set_to_none=True)  # a parameter without a gradient is not touched
        self.skipped += 1
        self.in_a_row += 1
        step = trainer.global_step + 1
        if self.in_a_row >= self.max_in_a_row:
            raise NonFiniteError(self._message(trainer, fault, self._save(trainer, step)))
        log.warning("step %d is skipped: %s (%d in a row, %d so far)", step, fault, self.in_a_row, self.skipped)

    def _save(self, trainer: Trainer, step: int) -> Path:
        """The step's micro-batches of this process, to be read by `torch.load`."""
        name = f"step-{step}" + ("" if trainer.world_size == 1 else f".rank{trainer.global_rank}")
        path = Path(trainer.default_root_dir) / "non_finite" / f"{name}.pt"
        with replacing(path, "the run stopped on non-finite values") as scratch:
            records = zip(self._records, self._sentences(), strict=True)
            checkpoint_files.write([_content(record, fault) for (record, *_), fault in records], scratch)
        return path

    def _message(self, trainer: Trainer, fault: str, saved: Path) -> str:
        checkpoint = RunCheckpoint.path(trainer)
        kept = [f"the batch is in {saved}"]
        kept += [f"the last checkpoint is {checkpoint}"] if checkpoint.exists() else []
        for callback in trainer.callbacks:
            if isinstance(callback, HFExport) and callback.enabled:
                kept.append(f"the last good weights are in {callback.path(trainer)}")
        steps = f"{self.in_a_row} steps in a row were skipped, and " if self.in_a_row > 1 else ""
        return (
            f"{fault} in step {trainer.global_step + 1}: {steps}the run stops at non_finite.max_in_a_row of "
            f"{self.max_in_a_row}; {', '.join(kept)}"
        )

    def on_train_batch_end(self, trainer: Trainer, pl_module: EntropyObjectiveMixin, *_: Any) -> None:
        if trainer.global_step == self._logged:
            return
        self._logged = trainer.global_step
        for logger in trainer.loggers:
            logger.log_metrics({"non_finite/skipped": self.skipped}, step=trainer.global_step)


_FAULTS = ("the loss", "a log-probability by the trainer", "a log-probability by the sampler", "an entropy")


def faults(record: StepOutput, loss: Tensor) -> Tensor:
    """Which of _FAULTS a micro-batch has, (4,), bool, on its device."""
    mask, sampled = record.batch.completion_mask, record.batch.sampler_logprobs
    values = record.stats.logprob, torch.zeros_like(record.stats.logprob) if sampled is None else sampled
    wrong = [(~torch.isfinite(value) & mask).any() for value in (*values, record.stats.entropy)]
    return torch.stack([~torch.isfinite(loss.detach()), *wrong])


def _content(record: StepOutput, fault: str | None) -> dict[str, Any]:
    """A micro-batch in types that `torch.load(weights_only=True)` knows."""
    batch = record.batch
    return {
        "fault": fault,
        "round": batch.round,
        "weights_version": batch.weights_version,
        "temperature": batch.temperature,
        "loss": record.loss.cpu(),
        "tokens": batch.tokens.cpu(),
        "attention_mask": batch.attention_mask.cpu(),
        "completion_mask": batch.completion_mask.cpu(),
        "sampler_logprobs": None if batch.sampler_logprobs is None else batch.sampler_logprobs.cpu(),
        "logprobs": record.stats.logprob.cpu(),
        "entropies": record.stats.entropy.cpu(),
        **{name: value.cpu() for name, value in record.values.items()},
        "ids": [group.prompt.row.id for group in batch.groups],
        "texts": [list(group.texts) for group in batch.groups],
        "finish_reasons": list(batch.finish_reasons),
    }
