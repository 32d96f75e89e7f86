"""What EM-FT and EM-RL share: rollouts in, per-token stats, one scalar out."""

import functools
from typing import TYPE_CHECKING, Any

import torch
from lightning.pytorch.cli import OptimizerCallable
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor
from torch.distributed.fsdp import FSDPModule

from emlit.errors import require_not_negative, require_positive
from emlit.functional import (
    AnyStats,
    KLEstimator,
    Reduction,
    ScoredTokens,
    TokenStats,
    reduce_tokens,
    token_weights,
)
from emlit.losses import EntropyFloor, KLToReference, LossInputs, LossTerm, Over
from emlit.modules.optimizers import fusable, make_optimizer
from emlit.modules.plug_ins import PlugInsMixin
from emlit.modules.reference import ReferenceMixin
from emlit.modules.step_output import StepOutput
from emlit.parallel import is_sharded
from emlit.policy.loading import decoder_layers
from emlit.policy.passes import shared_prefix
from emlit.policy.scoring import body
from emlit.records import RolloutBatch


class EntropyObjectiveMixin(PlugInsMixin, ReferenceMixin):
    """An objective on the per-token stats of on-policy rollouts, for a `CausalLM`, which it stands in front of.

    A subclass implements `training_step` with `loss_inputs`, `reduce` and `finish`.

    Args:
        learning_rate: the optimiser's
        weight_decay: the optimiser's, where it has one
        optimizer: in place of AdamW, by its class path, such as torch.optim.AdamW with its `betas`, bitsandbytes' 8-bit
            AdamW, or torch.optim.Muon, which takes matrices alone and so wants LoRA
        warmup_steps: optimiser steps over which the learning rate rises to its value
        reduction: "token_mean" over the round, "sequence_mean", or "sequence_sum" (the paper's Eq. 2, in which long
            completions weigh more)
        entropy_temperature: of H; the sampling temperature unless set
        kl_weight: of the KL divergence to the reference policy, the model before training; the paper's EM-RL has 0.001,
            its EM-FT none
        kl_estimator: as a penalty, k2 has the gradient of KL(policy || reference) and k3 that of the reverse; k1,
            averaged over the completion, is taken off EM-RL's reward instead; the released code has k3
        reference_momentum: have the reference policy follow the policy: this share of it stays after each optimiser
            step, as in M-GRPO's anchor; all of it unless set
        entropy_floor: keep the entropy from falling below a floor
        loss_terms: more that is added to the loss, each by its class path
        statistics: what thresholds and means of terms, weights and the like are taken over: the "step" before, or each
            "micro_batch", as most published code has it, where the gradient changes with its size
        gradient_checkpointing: recompute activations in the backward pass instead of keeping them
        torch_compile: compile the model but for its head; the first steps then take a minute or more
    """

    step_output: StepOutput  # of the last micro-batch

    def __init__(
        self,
        *,
        learning_rate: float = 1e-6,
        weight_decay: float = 0.0,
        warmup_steps: int = 0,
        reduction: Reduction = "token_mean",
        entropy_temperature: float | None = None,
        kl_weight: float = 0.0,
        kl_estimator: KLEstimator = "k3",
        reference_momentum: float | None = None,
        entropy_floor: EntropyFloor | None = None,
        loss_terms: list[LossTerm] | None = None,
        statistics: Over = "step",
        optimizer: OptimizerCallable | None = None,
        gradient_checkpointing: bool = False,
        torch_compile: bool = False,
        **model: Any,
    ) -> None:
        super().__init__(score=True, **model)
        require_positive(entropy_temperature=entropy_temperature, learning_rate=learning_rate)
        require_not_negative(weight_decay=weight_decay, warmup_steps=warmup_steps)
        self.reduction, self.entropy_temperature = reduction, entropy_temperature
        self.learning_rate, self.weight_decay, self.warmup_steps = learning_rate, weight_decay, warmup_steps
        self.optimizer = optimizer
        self.gradient_checkpointing, self.torch_compile = gradient_checkpointing, torch_compile
        self.kl_weight, self.kl_estimator, self.entropy_floor = kl_weight, kl_estimator, entropy_floor
        kl = KLToReference(kl_weight, kl_estimator)
        self.loss_terms = ([kl] if kl_weight else []) + ([entropy_floor] if entropy_floor else []) + (loss_terms or [])
        self.statistics, self.reference_momentum = statistics, reference_momentum
        self.check_momentum()

    if TYPE_CHECKING:

        def training_step(self, batch: RolloutBatch) -> Tensor: ...  # a subclass's

    def configure_model(self) -> None:
        super().configure_model()
        if self.gradient_checkpointing and not self.model.is_gradient_checkpointing:
            self.model.gradient_checkpointing_enable({"use_reentrant": False})
        if self.torch_compile:
            # In place: names of parameters stay.
            for part in decoder_layers(self.model) if is_sharded(self.model) else [body(self.model)]:
                part.compile(dynamic=True)

    def rollout_stats(self, batch: RolloutBatch) -> AnyStats:
        """The policy's log p and H of every sampled token (B, T), differentiable, from one forward pass."""
        return self.token_stats(
            batch.tokens,
            batch.completion_mask,
            batch.temperature,
            self.entropy_temperature,
            needs=self.needs,
            positions=batch.positions,
            shared=shared_prefix(batch.prompts),
        )

    def entropy_loss(self, batch: RolloutBatch) -> tuple[Tensor, AnyStats]:
        """This micro-batch's share of the round's reduced entropy, and the stats (B, T) of its tokens.

        Where no other term needs the gradient of the stats, it is taken in the forward pass, and they carry none.
        """
        if self.loss_terms or self.entropy_temperature not in (None, batch.temperature):
            found = self.rollout_stats(batch)
            return self.reduce(found.entropy, batch), found

        def compute(scored: ScoredTokens) -> tuple[Tensor, TokenStats]:
            dtype = torch.promote_types(scored.states.dtype, torch.float32)
            weights = token_weights(batch.loss_mask, self.reduction, batch.normaliser, dtype)
            return scored.entropy_loss(weights.flatten().index_select(0, batch.positions), batch.temperature)

        loss, stats = self.scorer(self.model, batch.tokens, batch.positions, compute, shared_prefix(batch.prompts))
        return loss, self.in_place(stats, batch.positions, batch.tokens.shape)

    def loss_inputs(self, stats: AnyStats, batch: RolloutBatch) -> LossInputs:
        """What losses read; the reference policy, and the old one, are there where a plug-in needs them."""
        batch = self.with_old(batch, stats)
        if not self.needs_reference:
            return LossInputs(stats, batch)
        with torch.no_grad(), self.reference_policy() as reference:
            scored = self.token_stats(
                batch.tokens, batch.completion_mask, batch.temperature, model=reference, positions=batch.positions,
                shared=shared_prefix(batch.prompts),
            )  # fmt: skip
        return LossInputs(stats, batch, scored)

    def reduce(self, values: Tensor, batch: RolloutBatch, reduction: Reduction | None = None) -> Tensor:
        """This micro-batch's share (a scalar) of the optimiser step's reduced value."""
        return reduce_tokens(values, batch.loss_mask, reduction or self.reduction, batch.normaliser)

    def weighted(self, terms: Tensor, inputs: LossInputs) -> Tensor:
        """The loss of each token (B, T), times what every one of `token_weights` gives it."""
        weights = [weigh(inputs, terms) for weigh in self.token_weights]
        return functools.reduce(torch.mul, weights, terms)

    def reward_shift(self, inputs: LossInputs) -> Tensor | float:
        """What the loss terms add to the rewards (B,)."""
        return sum(shift for term in self.loss_terms if (shift := term.shape_reward(inputs)) is not None)

    def finish(self, loss: Tensor, terms: Tensor, inputs: LossInputs, values: dict[str, Tensor]) -> Tensor:
        """Add the loss terms, leave a StepOutput, and undo Lightning's averaging.

        Lightning divides by the number of accumulated micro-batches and averages gradients over ranks; `loss` is
        already a share of the round's mean, so 8 x 1 and 1 x 8 give the same gradient.

        Args:
            loss: the micro-batch's share of the round's loss
            terms: (B, T), what it is made of
            inputs: what it was computed from
            values: for curves
        """
        for term in self.loss_terms:
            found = term(inputs)
            values = {**values, **found.values}
            if found.terms is not None:
                loss = loss + found.weight * self.reduce(found.terms, inputs.batch, found.reduction)
        self.step_output = StepOutput(
            inputs.batch,
            TokenStats(inputs.stats.logprob.detach(), inputs.stats.entropy.detach()),
            {name: value.detach() for name, value in values.items()},
            loss.detach(),
            terms.detach(),
        )
        return loss * self.trainer.accumulate_grad_batches * self.trainer.world_size

    def on_before_backward(self, loss: Tensor) -> None:
        if isinstance(self.model, FSDPModule):  # replicas add their gradients up once an optimiser step
            self.model.set_requires_all_reduce(not self.trainer.fit_loop.epoch_loop._should_accumulate())

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        trained = [parameter for parameter in self.parameters() if parameter.requires_grad]
        fused = fusable(trained) and self.trainer.precision != "16-mixed"
        optimizer = make_optimizer(self.optimizer, trained, self.learning_rate, self.weight_decay, fused)
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: min(1.0, (step + 1) / (self.warmup_steps + 1))
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}
