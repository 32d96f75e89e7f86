"""The paper's two rewards: the model's own confidence, nothing else."""

import logging
from typing import Literal

from torch import Tensor

from emlit.errors import ConfigError
from emlit.functional import TokenStats, sequence_mean
from emlit.records import RolloutBatch
from emlit.rewards.base import Reward

log = logging.getLogger(__name__)

RewardReduction = Literal["mean", "sum"]


def _reduce(values: Tensor, mask: Tensor, reduction: RewardReduction) -> Tensor:
    if reduction == "mean":
        return sequence_mean(values, mask)
    return values.masked_fill(~mask, 0.0).sum(dim=1)


def _checked(reduction: str, name: str) -> RewardReduction:
    if reduction not in ("mean", "sum"):
        raise ConfigError(f"reduction of {name} is {reduction!r}; it must be mean or sum")
    if reduction == "sum":
        log.warning(
            "%s with reduction sum (arXiv 2505.15134, Eq. 3 and 4) pays for every token left out: the policy learns to "
            "answer short, then not at all; the released code uses mean",
            name,
        )
    return reduction


class SequenceLogProbReward(Reward):
    """EM-RL-sequence: how probable the completion is to the model, log pi(y | x) (arXiv 2505.15134, Eq. 3).

    Args:
        reduction: "mean" over tokens, as in the released code, or "sum", as in the paper
    """

    def __init__(self, reduction: RewardReduction = "mean") -> None:
        self.reduction = _checked(reduction, "SequenceLogProbReward")

    def __call__(self, batch: RolloutBatch, stats: TokenStats) -> Tensor:
        return _reduce(stats.logprob, batch.completion_mask, self.reduction)


class TokenEntropyReward(Reward):
    """EM-RL-token: how certain the model was along the way, -H of each next-token distribution (Eq. 4).

    Args:
        reduction: "mean" over tokens, as in the released code, or "sum", as in the paper
    """

    def __init__(self, reduction: RewardReduction = "mean") -> None:
        self.reduction = _checked(reduction, "TokenEntropyReward")

    def __call__(self, batch: RolloutBatch, stats: TokenStats) -> Tensor:
        return -_reduce(stats.entropy, batch.completion_mask, self.reduction)
