"""Terms that are added to an objective's loss: plug-ins of every objective."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

from emlit.functional import AnyStats, Reduction
from emlit.losses.lagged import Lagged
from emlit.records import RolloutBatch


@dataclass(frozen=True)
class LossInputs:
    """What a loss may read of a micro-batch.

    Attributes:
        stats: log-probability and entropy (B, T) of the sampled tokens under the policy, nats, differentiable; 0 off
            `batch.completion_mask`
        batch: the completions
        reference: the reference policy's stats (B, T), constants; None unless a term says `needs_reference`
        advantage: (B, 1) or (B, T), a constant; None in objectives without one, and where rewards are shaped
    """

    stats: AnyStats
    batch: RolloutBatch
    reference: AnyStats | None = None
    advantage: Tensor | None = None


@dataclass(frozen=True)
class LossOutputs:
    """What a term gives.

    Attributes:
        terms: (B, T), added to the loss; None to add nothing
        weight: of their sum
        values: for curves, under their names: per token (B, T), per completion (B,) or a single number ()
        reduction: of the terms; the objective's own unless set
    """

    terms: Tensor | None = None
    weight: float = 1.0
    values: Mapping[str, Tensor] = field(default_factory=dict)
    reduction: Reduction | None = None


class LossTerm(Lagged, ABC):
    """An additive term of the loss, in nats a token: `loss += weight * reduce(terms)`.

    A value depends on its own token, or on a statistic of the whole round that lags by one optimiser step
    (`RoundStatistic`), so that the gradient does not depend on how the round is cut into micro-batches.

    Attributes:
        needs_reference: the reference policy is kept, and read for every micro-batch, where a term says so
    """

    needs_reference: bool = False

    def shape_reward(self, inputs: LossInputs) -> Tensor | None:
        """What is added to the rewards (B,) of EM-RL before the advantage; None for nothing."""
        return None

    @abstractmethod
    def __call__(self, inputs: LossInputs) -> LossOutputs:
        """The term of each sampled token of a micro-batch."""
