"""Intuitor's reward: how far the model's distributions were from knowing nothing."""

from torch import Tensor

from emlit.functional import AnyStats, MoreStats, SelfCertainty, sequence_mean
from emlit.records import RolloutBatch
from emlit.rewards.base import Reward

_CERTAINTY = SelfCertainty()


class SelfCertaintyReward(Reward):
    """The mean over tokens of KL(U || p), U uniform over the vocabulary (Intuitor, arXiv 2505.19590).

    p is the next-token distribution at the sampling temperature. Where the entropy asks how few tokens are possible,
    this asks how impossible the others are.
    """

    needs = (_CERTAINTY,)

    def __call__(self, batch: RolloutBatch, stats: AnyStats) -> Tensor:
        assert isinstance(stats, MoreStats)  # as there are `needs`
        return sequence_mean(stats.extra[_CERTAINTY], batch.completion_mask)
