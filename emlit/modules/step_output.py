"""What a training step leaves for callbacks to look at."""

from dataclasses import dataclass

from torch import Tensor

from emlit.functional import TokenStats
from emlit.records import RolloutBatch


@dataclass(frozen=True)
class StepOutput:
    """A micro-batch, and what its step made of it.

    On the module, as `step_output`: stale engines and broken losses are found before the backward pass, where
    Lightning's hooks have no `outputs` yet.

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
