"""The engine runs the trained weights, and proves it."""

import math
import time
from collections.abc import Callable, Iterator
from typing import Any

import lightning as L
import torch
from torch import Tensor

from emlit.errors import ConfigError, WeightSyncError
from emlit.modules import CausalLM, StepRecord
from emlit.modules.lora import is_adapter, merged_weights
from emlit.parallel import gathered


def engine_weights(module: CausalLM) -> Iterator[tuple[str, Tensor]]:
    """The policy's weights under their Hugging Face names, one whole tensor at a time.

    From `state_dict()`, which has tied weights under both of their names; `named_parameters()` skips the second, and a
    vLLM on the CPU would then keep its old output head. Adapters come merged, and the base stays as it is.
    """
    # map holds on to no tensor while the next one is computed; the variable of a loop would.
    return map(_whole(module), merged_weights(module.model))


def adapter_weights(module: CausalLM) -> Iterator[tuple[str, Tensor]]:
    """The weights of LoRA adapters alone, under peft's names; none where there are no adapters."""
    return map(_whole(module), (item for item in module.model.state_dict().items() if is_adapter(item[0])))


def _whole(module: CausalLM) -> Callable[[tuple[str, Tensor]], tuple[str, Tensor]]:
    def whole(item: tuple[str, Tensor]) -> tuple[str, Tensor]:
        name, tensor = item
        return name.replace("_orig_mod.", ""), gathered(tensor, module.device).detach()

    return whole


def logprob_gap(record: StepRecord) -> tuple[float, float]:
    """Mean and largest |log p by the trainer - log p by the sampler| over the tokens of a sampled batch, nats."""
    mask = record.batch.completion_mask
    gap = (record.stats.logprob - record.batch.sampler_logprobs)[mask].abs()
    return (gap.mean().item(), gap.max().item()) if gap.numel() else (0.0, 0.0)


class WeightSync(L.Callback):
    """Push the policy's weights to the engine after each round, in memory, and check them on the next.

    The check: before each backward pass, the trainer's log-probabilities of the sampled tokens are compared with those
    that the sampler reported. Both come from the same weights, so the gap is rounding: about 1e-6 nats in float32 and
    1e-2 in bfloat16. It is skipped where training samples are filtered, and where nothing was sampled (SFT).

    Args:
        max_gap: stop the run when the mean gap of a micro-batch is larger, nats
    """

    def __init__(self, max_gap: float = 0.05) -> None:
        if max_gap <= 0:
            raise ConfigError(f"max_gap is {max_gap}; it must be positive")
        self.max_gap = max_gap
        self.seconds = 0.0

    def preflight(self, trainer: L.Trainer, module: CausalLM, stage: str) -> None:
        if trainer.ckpt_path is not None and not module.score:
            raise ConfigError(
                "ckpt_path is set and model.score is false, but a checkpoint's weights reach the engine through the "
                "scoring model; set model.score to true, or give the exported model as model.pretrained"
            )

    def push(self, trainer: L.Trainer, module: CausalLM) -> None:
        """Hand over the weights as they are now."""
        trainer.datamodule.sampler.settle()  # the wait for a round that is being sampled is none for this
        started = time.perf_counter()
        with torch.no_grad():
            trainer.datamodule.sampler.load_weights(engine_weights(module), version=trainer.global_step)
        self.seconds = time.perf_counter() - started

    def _push_at_start(self, trainer: L.Trainer, module: CausalLM) -> None:
        # The engine started from the files on disk; the module may come out of a checkpoint, or of training.
        if module.model is not None:
            trainer.datamodule.sampler.push = lambda: self.push(trainer, module)
            self.push(trainer, module)

    on_train_start = _push_at_start
    on_validation_start = _push_at_start
    on_test_start = _push_at_start
    on_predict_start = _push_at_start

    def on_before_backward(self, trainer: L.Trainer, pl_module: CausalLM, loss: Tensor) -> None:
        record = pl_module.record
        if (
            record.batch.sampler_logprobs is None
            or record.batch.filtered
            or record.batch.weights_version != trainer.global_step
        ):
            return
        mean, largest = logprob_gap(record)
        if mean > self.max_gap and math.isfinite(mean):  # what is not finite is SkipNonFinite's affair
            raise WeightSyncError(
                f"at step {trainer.global_step} trainer and sampler disagree by {mean:.2g} nats a token on average "
                f"({largest:.2g} at most), more than sync.max_gap of {self.max_gap}: the engine does not run the "
                "trained weights, or computes in a coarser dtype (raise --sync.max_gap if that is meant)"
            )

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: CausalLM, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if batch.ends_round:
            self._push_if_newer(trainer, pl_module)

    def _push_if_newer(self, trainer: L.Trainer, module: CausalLM) -> None:
        engine = trainer.datamodule.engine
        if engine.asleep or engine.weights_version != trainer.global_step:
            self.push(trainer, module)

    on_train_end = _push_if_newer  # of a run that another callback ended inside a round
