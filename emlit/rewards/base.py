"""What a completion is worth."""

from abc import ABC, abstractmethod

from torch import Tensor

from emlit.functional import TokenStats
from emlit.rollout import RolloutBatch


class Reward(ABC):
    """A number for each completion, from its text, its row, its log-probabilities and its entropies."""

    @abstractmethod
    def __call__(self, batch: RolloutBatch, stats: TokenStats) -> Tensor:
        """Rewards (B,), float32.

        Args:
            batch: the completions, B rows of T tokens
            stats: log-probability and entropy (B, T) under the policy, detached; read them under
                `batch.completion_mask`
        """
