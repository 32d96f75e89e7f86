"""The engine runs the trained weights, and proves it."""

import logging
import time
from collections.abc import Callable, Iterator
from math import inf, isfinite
from typing import Any

import lightning as L
import torch
from torch import Tensor

from emlit.engines import Engine, push_weights, wait_for_round
from emlit.errors import ConfigError, WeightSyncError, require_positive
from emlit.modules import CausalLM, EntropyObjectiveMixin, StepOutput
from emlit.parallel import gathered
from emlit.policy.lora import is_adapter, merged_weights
from emlit.policy.scoring import unwrapped
from emlit.rollout.trainer import Trainer

log = logging.getLogger(__name__)

# A gap that has grown so much since the first round is told. Below so many nats it says nothing: it is rounding.
_GROWTH, _ROUNDING = 5.0, 1e-4


def engine_weights(module: CausalLM, dtype: torch.dtype | None = None) -> Iterator[tuple[str, Tensor]]:
    """The policy's weights under their Hugging Face names, one whole tensor at a time.

    From `state_dict()`, which has tied weights under both of their names; `named_parameters()` skips the second, and a
    vLLM on the CPU would then keep its old output head. Adapters come merged, and the base stays as it is.

    Args:
        module: whose they are
        dtype: that an engine computes in. Matrices are rounded to it, adapters merged, before they are gathered: half
            the traffic and half the memory. Vectors, and what transformers keeps in float32, stay as they are
    """
    assert module.model is not None
    # map holds on to no tensor while the next one is computed; the variable of a loop would.
    return map(_whole(module), map(_rounded(module, dtype), merged_weights(module.model)))


def load_into(engine: Engine, module: CausalLM, version: int) -> None:
    """Hand the policy's weights to an engine as they are now, in what it computes in."""
    dtype = engine.weights_dtype
    with torch.no_grad():
        push_weights(engine, engine_weights(module) if dtype is None else engine_weights(module, dtype), version)


def adapter_weights(module: CausalLM) -> Iterator[tuple[str, Tensor]]:
    """The weights of LoRA adapters alone, under peft's names; none where there are no adapters."""
    assert module.model is not None
    return map(_whole(module), (item for item in module.model.state_dict().items() if is_adapter(item[0])))


def _rounded(module: CausalLM, dtype: torch.dtype | None) -> Callable[[tuple[str, Tensor]], tuple[str, Tensor]]:
    base = unwrapped(module.model)
    exact = [*(getattr(base, "_keep_in_fp32_modules", None) or ()),
             *(getattr(base, "_keep_in_fp32_modules_strict", None) or ())]  # fmt: skip

    def rounded(item: tuple[str, Tensor]) -> tuple[str, Tensor]:
        name, tensor = item
        # Stacked experts have no ".weight"; of two dimensions, other parameters are no layer's (Mamba's A_log).
        matrix = tensor.ndim > 2 or (tensor.ndim == 2 and name.endswith(".weight"))
        if dtype is None or not matrix or not tensor.is_floating_point() or any(part in name for part in exact):
            return item
        return name, tensor.to(dtype)

    return rounded


def _whole(module: CausalLM) -> Callable[[tuple[str, Tensor]], tuple[str, Tensor]]:
    def whole(item: tuple[str, Tensor]) -> tuple[str, Tensor]:
        name, tensor = item
        return name.replace("_orig_mod.", ""), gathered(tensor, module.device).detach()

    return whole


def logprob_gap(record: StepOutput) -> Tensor:
    """Mean and largest |log p by the trainer - log p by the sampler| over the tokens of a sampled batch.

    Returns:
        (2,), nats, on the batch's device; 0 where the batch has no token
    """
    mask, sampled = record.batch.completion_mask, record.batch.sampler_logprobs
    assert sampled is not None
    gap = (record.stats.logprob - sampled).abs().masked_fill(~mask, 0.0)
    if not gap.numel():
        return gap.new_zeros(2)
    return torch.stack([gap.sum() / mask.sum().clamp(min=1), gap.max()])


class WeightSync(L.Callback):
    """Push the policy's weights to the engine after each round, in memory, and check them on the next.

    The check: before each optimiser step, the trainer's log-probabilities of the sampled tokens are compared with those
    that the sampler reported. Both come from the same weights, so the gap is rounding: about 1e-6 nats in float32 and
    1e-2 in bfloat16. It is skipped where training samples are filtered, and where nothing was sampled (SFT). The gap of
    the first round is told by the log; a later one that is five times as large is told by a warning, once: `max_gap` of
    an engine in bfloat16 is too wide to see weights that are a few steps old.

    Args:
        max_gap: stop the run when the mean gap of a micro-batch is larger, nats; None is 0.05 where trainer and engine
            compute in float32, and 0.2 elsewhere: short completions of Qwen2.5-Coder-0.5B differ by 0.06 in bfloat16
    """

    def __init__(self, max_gap: float | None = None) -> None:
        if max_gap is not None:
            require_positive(max_gap=max_gap)
        self.max_gap = max_gap
        self.seconds = 0.0
        self.first_gap: float | None = None  # of this process's first step on its policy, nats
        self._grown = False
        self._gaps: list[Tensor] = []  # of the step under way, on the device: looked at once

    def preflight(self, trainer: Trainer, module: CausalLM, stage: str) -> None:
        if trainer.ckpt_path is not None and not module.score:
            raise ConfigError(
                "ckpt_path is set and model.score is false, but a checkpoint's weights reach the engine through the "
                "scoring model; set model.score to true, or give the exported model as model.pretrained"
            )

    def push(self, trainer: Trainer, module: CausalLM) -> None:
        """Hand over the weights as they are now."""
        wait_for_round(trainer.datamodule.engine)  # which is no time of this
        started = time.perf_counter()
        load_into(trainer.datamodule.engine, module, version=trainer.global_step)
        self.seconds = time.perf_counter() - started

    def _push_at_start(self, trainer: Any, pl_module: Any) -> None:
        # The engine started from the files on disk; the module may come out of a checkpoint, or of training.
        if pl_module.model is not None:
            self.push(trainer, pl_module)

    on_train_start = _push_at_start
    on_validation_start = _push_at_start
    on_test_start = _push_at_start
    on_predict_start = _push_at_start

    def on_before_backward(self, trainer: Trainer, pl_module: EntropyObjectiveMixin, loss: Tensor) -> None:
        record = pl_module.step_output
        if (
            record.batch.sampler_logprobs is None
            or record.batch.filtered
            or record.batch.apart
            or record.batch.weights_version != trainer.global_step
        ):
            return
        self._gaps.append(logprob_gap(record))

    def on_before_optimizer_step(self, trainer: Trainer, pl_module: CausalLM, optimizer: Any) -> None:
        if not self._gaps:
            return
        gaps = torch.stack(self._gaps)
        self._gaps.clear()
        # Here the host waits for the device.
        mean, (worst, largest) = float(gaps[:, 0].mean()), gaps.amax(dim=0).tolist()
        limit = self.max_gap
        if limit is None:
            limit = 0.05 if pl_module.in_float32 else 0.2
        # What is not finite is SkipNonFinite's affair, and larger than nothing.
        if worst > limit and worst < inf:
            raise WeightSyncError(
                f"at step {trainer.global_step} trainer and sampler disagree by {worst:.2g} nats a token on average "
                f"({largest:.2g} at most), more than sync.max_gap of {limit}: the engine does not run the "
                "trained weights, or computes in a coarser dtype (raise --sync.max_gap if that is meant)"
            )
        self._compare_with_first(mean, trainer)

    def _compare_with_first(self, mean: float, trainer: Trainer) -> None:
        if not isfinite(mean):
            return
        if self.first_gap is None:
            self.first_gap = mean
            log.info("trainer and sampler differ by %.2g nats a token in the first round", mean)
        elif mean > _GROWTH * max(self.first_gap, _ROUNDING) and not self._grown:
            self._grown = True
            log.warning(
                "at step %d trainer and sampler differ by %.2g nats a token, and by %.2g in the first round: "
                "the engine's weights may not be the trained ones (sync/logprob_gap)",
                trainer.global_step, mean, self.first_gap,
            )  # fmt: skip

    def on_train_batch_end(self, trainer: Trainer, pl_module: CausalLM, outputs: Any, batch: Any, *_: Any) -> None:
        if batch.ends_round:
            self._push_if_newer(trainer, pl_module)

    def _push_if_newer(self, trainer: Any, pl_module: Any) -> None:
        engine = trainer.datamodule.engine
        if engine.asleep or engine.weights_version != trainer.global_step:
            self.push(trainer, pl_module)

    on_train_end = _push_if_newer  # of a run that another callback ended inside a round
