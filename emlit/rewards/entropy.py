"""The paper's two rewards: the model's own confidence, nothing else."""

import logging
from typing import Literal

import torch
from torch import Tensor

from emlit.errors import ConfigError
from emlit.functional import AnyStats, sequence_mean
from emlit.records import RolloutBatch, sent
from emlit.rewards.base import Reward

log = logging.getLogger(__name__)

RewardReduction = Literal["mean", "sum"]


def _reduce(values: Tensor, mask: Tensor, reduction: RewardReduction) -> Tensor:
    if reduction == "mean":
        return sequence_mean(values, mask)
    return values.masked_fill(~mask, 0.0).sum(dim=1)


def _checked(reduction: RewardReduction, name: str) -> RewardReduction:
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

    def __call__(self, batch: RolloutBatch, stats: AnyStats) -> Tensor:
        return _reduce(stats.logprob, batch.completion_mask, self.reduction)


class TokenEntropyReward(Reward):
    """EM-RL-token: how certain the model was along the way, -H of each next-token distribution (Eq. 4).

    Args:
        reduction: "mean" over tokens, as in the released code, or "sum", as in the paper
        no_answer: the reward of a completion without an answer; its entropy's unless set. RENT's released code has -7
            with some of its data (arXiv 2505.22660)
    """

    def __init__(self, reduction: RewardReduction = "mean", no_answer: float | None = None) -> None:
        self.reduction, self.no_answer = _checked(reduction, "TokenEntropyReward"), no_answer

    def __call__(self, batch: RolloutBatch, stats: AnyStats) -> Tensor:
        found = -_reduce(stats.entropy, batch.completion_mask, self.reduction)
        if self.no_answer is None:
            return found
        silent = [grade.answer is None for group in batch.groups for grade in group.grades]
        return found.masked_fill(sent(torch.tensor(silent, dtype=torch.bool), found.device), self.no_answer)
