"""What EM-FT and EM-RL share: rollouts in, per-token stats, one scalar out."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from lightning.pytorch.trainer.states import TrainerFn
from torch import Tensor

from emlit.errors import ConfigError
from emlit.functional import (
    CertaintyStats,
    KLEstimator,
    Reduction,
    TokenStats,
    approx_kl,
    reduce_tokens,
    token_weights,
)
from emlit.modules.entropy_floor import EntropyFloor
from emlit.modules.policy import AUTOCAST_DTYPES, decoder_layers, load_reference
from emlit.modules.scoring import ScoredTokens, body
from emlit.parallel import is_sharded
from emlit.rollout import RolloutBatch

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True)
class StepRecord:
    """What a training step leaves for callbacks to look at.

    Attributes:
        batch: the micro-batch
        stats: log-probability and entropy (B, T) of its sampled tokens, detached
        values: per completion (B,), per token (B, T) or a single number (), detached, under the name of their curve,
            which shows their mean (their largest where the name ends in _max)
        loss: this micro-batch's share of the loss of its optimiser step
        terms: (B, T), what each sampled token puts into it before it is weighted and summed, detached
    """

    batch: RolloutBatch
    stats: TokenStats
    values: dict[str, Tensor]
    loss: Tensor
    terms: Tensor


class EntropyObjectiveMixin:
    """An objective on the per-token stats of on-policy rollouts, for a `CausalLM`.

    A subclass sets the fields below in its constructor with `_set_objective` and implements `training_step` with
    `rollout_stats`, `kl_penalty`, `reduce` and `finish`.
    """

    reduction: Reduction
    entropy_temperature: float | None
    kl_weight: float
    kl_estimator: KLEstimator
    entropy_floor: EntropyFloor | None
    learning_rate: float
    self_certainty: bool = False  # whether `rollout_stats` has it
    record: StepRecord | None = None

    def _set_objective(
        self,
        *,
        reduction: Reduction,
        learning_rate: float,
        weight_decay: float,
        warmup_steps: int,
        gradient_checkpointing: bool,
        torch_compile: bool,
        entropy_temperature: float | None = None,
        kl_weight: float = 0.0,
        kl_estimator: KLEstimator = "k3",
        entropy_floor: EntropyFloor | None = None,
    ) -> None:
        if kl_weight < 0:
            raise ConfigError(f"kl_weight is {kl_weight}; it must not be negative")
        if entropy_temperature is not None and entropy_temperature <= 0:
            raise ConfigError(f"entropy_temperature is {entropy_temperature}; it must be positive")
        if learning_rate <= 0:
            raise ConfigError(f"learning_rate is {learning_rate}; it must be positive")
        if weight_decay < 0:
            raise ConfigError(f"weight_decay is {weight_decay}; it must not be negative")
        if warmup_steps < 0:
            raise ConfigError(f"warmup_steps is {warmup_steps}; it must not be negative")
        self.reduction, self.entropy_temperature = reduction, entropy_temperature
        self.kl_weight, self.kl_estimator, self.entropy_floor = kl_weight, kl_estimator, entropy_floor
        self.learning_rate, self.weight_decay, self.warmup_steps = learning_rate, weight_decay, warmup_steps
        self.gradient_checkpointing, self.torch_compile = gradient_checkpointing, torch_compile
        # In a tuple, so that it is no submodule: it is neither trained nor saved.
        self._reference: tuple[PreTrainedModel, ...] = ()

    def configure_model(self) -> None:
        super().configure_model()
        if self.gradient_checkpointing and not self.model.is_gradient_checkpointing:
            self.model.gradient_checkpointing_enable({"use_reentrant": False})
        if self.torch_compile:
            # In place: names of parameters stay.
            for part in decoder_layers(self.model) if is_sharded(self.model) else [body(self.model)]:
                part.compile(dynamic=True)
        fitting = self._trainer is None or self._trainer.state.fn == TrainerFn.FITTING
        # With adapters the start is the policy without them.
        if self.kl_weight and fitting and self.lora is None and not self._reference:
            reference = load_reference(
                self.pretrained, self.dtype_name, self.sharding, self._autocast_dtype, self.trust_remote_code
            )
            self._reference = (reference,)

    @property
    def _autocast_dtype(self) -> torch.dtype | None:
        return AUTOCAST_DTYPES.get(str(getattr(self._trainer, "precision", "32-true")))

    def rollout_stats(self, batch: RolloutBatch) -> TokenStats | CertaintyStats:
        """The policy's log p and H of every sampled token (B, T), differentiable, from one forward pass."""
        return self.token_stats(
            batch.tokens,
            batch.completion_mask,
            batch.temperature,
            self.entropy_temperature,
            self_certainty=self.self_certainty,
            positions=batch.positions,
        )

    def entropy_loss(self, batch: RolloutBatch) -> tuple[Tensor, TokenStats]:
        """This micro-batch's share of the round's reduced entropy, and the stats (B, T) of its tokens.

        Where no other term needs the gradient of the stats, it is taken in the forward pass, and they carry none.
        """
        if self.kl_weight or self.entropy_floor or self.entropy_temperature not in (None, batch.temperature):
            stats = self.rollout_stats(batch)
            return self.reduce(stats.entropy, batch), stats

        def compute(scored: ScoredTokens) -> tuple[Tensor, TokenStats]:
            dtype = torch.promote_types(scored.states.dtype, torch.float32)
            weights = token_weights(batch.loss_mask, self.reduction, batch.normaliser, dtype)
            return scored.entropy_loss(weights.flatten().index_select(0, batch.positions), batch.temperature)

        loss, stats = self.scorer(self.model, batch.tokens, batch.positions, compute)
        return loss, self.in_place(stats, batch.positions, batch.tokens.shape)

    def kl_penalty(self, stats: TokenStats, batch: RolloutBatch) -> Tensor | None:
        """Estimated KL(policy || start) of every sampled token (B, T); None with a weight of 0, at no cost."""
        if not self.kl_weight:
            return None
        with torch.no_grad(), self._start() as reference:
            start = self.token_stats(
                batch.tokens, batch.completion_mask, batch.temperature, model=reference, positions=batch.positions
            )
        return approx_kl(stats.logprob, start.logprob, self.kl_estimator)

    @contextlib.contextmanager
    def _start(self) -> Iterator["PreTrainedModel"]:
        """The model before training: a frozen copy, or the policy with its adapters off."""
        if self.lora is None:
            (reference,) = self._reference
            if not is_sharded(reference) and reference.device != self.device:  # once: asking each parameter takes time
                reference.to(self.device)
            yield reference
        else:
            with self.model.disable_adapter():
                yield self.model

    def reduce(self, values: Tensor, batch: RolloutBatch) -> Tensor:
        """This micro-batch's share (a scalar) of the optimiser step's reduced value."""
        return reduce_tokens(values, batch.loss_mask, self.reduction, batch.normaliser)

    def finish(
        self,
        loss: Tensor,
        terms: Tensor,
        kl: Tensor | None,
        stats: TokenStats,
        batch: RolloutBatch,
        values: dict[str, Tensor],
    ) -> Tensor:
        """Add the KL penalty and the entropy floor, leave a StepRecord, and undo Lightning's averaging.

        Lightning divides by the number of accumulated micro-batches and averages gradients over ranks; `loss` is
        already a share of the round's mean, so 8 x 1 and 1 x 8 give the same gradient.
        """
        if kl is not None:
            values = {**values, "kl/start": kl}
            if self.kl_estimator != "k1":  # whose gradient is 0 on average: it is part of the reward instead
                loss = loss + self.kl_weight * self.reduce(kl, batch)
        if self.entropy_floor is not None:
            loss = loss - self.entropy_floor.coefficient * self.reduce(stats.entropy, batch)
            share = reduce_tokens(stats.entropy.detach(), batch.loss_mask, "token_mean", batch.normaliser)
            self.entropy_floor.observe(share, batch.normaliser.tokens)
            values = {**values, "entropy_floor/coefficient": torch.tensor(self.entropy_floor.coefficient)}
        self.record = StepRecord(
            batch,
            TokenStats(stats.logprob.detach(), stats.entropy.detach()),
            {name: value.detach() for name, value in values.items()},
            loss.detach(),
            terms.detach(),
        )
        return loss * self.trainer.accumulate_grad_batches * self.trainer.world_size

    def on_before_backward(self, loss: Tensor) -> None:
        if is_sharded(self.model):  # replicas add their gradients up once an optimiser step
            self.model.set_requires_all_reduce(not self.trainer.fit_loop.epoch_loop._should_accumulate())

    def optimizer_step(self, epoch: int, batch_idx: int, optimizer: Any, optimizer_closure: Any = None) -> None:
        super().optimizer_step(epoch, batch_idx, optimizer, optimizer_closure)
        # Lightning would keep the gradients until the next step's first backward pass: through generation.
        optimizer.zero_grad(set_to_none=True)
        if self.entropy_floor is not None:
            seen = torch.as_tensor(self.entropy_floor.seen, device=self.device)
            self.entropy_floor.update(float(self.trainer.strategy.reduce(seen, reduce_op="sum")))

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        super().on_save_checkpoint(checkpoint)
        if self.entropy_floor is not None:
            checkpoint["emlit"]["entropy_floor"] = self.entropy_floor.state_dict()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        super().on_load_checkpoint(checkpoint)
        if self.entropy_floor is not None and "entropy_floor" in checkpoint["emlit"]:
            self.entropy_floor.load_state_dict(checkpoint["emlit"]["entropy_floor"])

    def configure_optimizers(self) -> dict[str, Any]:
        optimizer = torch.optim.AdamW(
            [parameter for parameter in self.parameters() if parameter.requires_grad],
            lr=self.learning_rate,
            weight_decay=self.weight_decay,
        )
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: min(1.0, (step + 1) / (self.warmup_steps + 1))
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}
