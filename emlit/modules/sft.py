"""SFT: supervised fine-tuning on the rows' solutions, the labelled baseline."""

from dataclasses import replace
from typing import Any, ClassVar

from lightning.pytorch.trainer.states import TrainerFn
from torch import Tensor

from emlit.errors import ConfigError
from emlit.functional import AnyStats, KLPenalty
from emlit.losses import LossInputs, TokenWeights
from emlit.modules.causal_lm import CausalLM
from emlit.modules.objective import EntropyObjectiveMixin
from emlit.records import RolloutBatch
from emlit.rollout import LearnsFrom, RolloutDataModule


class SFT(EntropyObjectiveMixin, CausalLM):
    """Minimise the cross-entropy of the solutions' tokens, the end token included (arXiv 2505.15134, Table 2).

    Nothing is sampled in training: a round's completions are its rows' solutions. The prompt is no part of the loss,
    and the temperature is 1, whatever evaluation samples at.

    Args:
        learning_rate: the optimiser's
        token_weights: how much each token counts, each by its class path
        kl_estimator: k2, whose gradient is that of KL(policy || reference), or k3, whose gradient is that of the
            reverse
    """

    learns_from: ClassVar[LearnsFrom] = "solutions"
    supervised = True

    def __init__(
        self,
        *,
        learning_rate: float = 1e-5,
        token_weights: list[TokenWeights] | None = None,
        kl_estimator: KLPenalty = "k3",
        **objective: Any,
    ) -> None:
        super().__init__(learning_rate=learning_rate, kl_estimator=kl_estimator, **objective)
        self.token_weights = token_weights or []

    def check_rollouts(self, data: RolloutDataModule) -> None:
        super().check_rollouts(data)
        if data.trainer.state.fn == TrainerFn.FITTING and data.samples_per_prompt != 1:
            raise ConfigError(
                f"data.samples_per_prompt is {data.samples_per_prompt}, but SFT learns from the one solution of each "
                "row; set it to 1"
            )

    def rollout_stats(self, batch: RolloutBatch) -> AnyStats:
        return super().rollout_stats(replace(batch, temperature=1.0))

    def loss_inputs(self, stats: AnyStats, batch: RolloutBatch) -> LossInputs:
        return super().loss_inputs(stats, replace(batch, temperature=1.0))

    def training_step(self, batch: RolloutBatch) -> Tensor:
        stats = self.rollout_stats(batch)
        inputs = self.loss_inputs(stats, batch)
        terms = self.weighted(-stats.logprob, inputs)
        return self.finish(self.reduce(terms, batch), terms, inputs, {})
