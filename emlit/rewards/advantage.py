"""Advantages: a completion's reward beside those of its group."""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence

from torch import Tensor

from emlit.errors import require_not_negative
from emlit.functional import AnyStats, grpo_advantage, rloo_advantage
from emlit.losses import Lagged
from emlit.records import Prompt, RolloutBatch


class Advantage(Lagged, ABC):
    """From rewards to the weight of each token's log-probability.

    Attributes:
        min_samples: completions of a prompt that it needs
        between: temperatures between which that of the samples must lie
    """

    min_samples: int = 2
    between: tuple[float, float] = (-math.inf, math.inf)

    def check(self, prompts: Sequence[Prompt]) -> None:
        """Raise DataError where it cannot compare completions of one of the training prompts; before a model loads."""

    @abstractmethod
    def __call__(self, rewards: Tensor, batch: RolloutBatch, stats: AnyStats) -> Tensor:
        """Advantages (B, 1), or (B, T) where tokens of one completion differ.

        Args:
            rewards: (P, N), N completions of each of P prompts
            batch: the same completions as B = P * N rows
            stats: log-probability and entropy (B, T), detached
        """


class RLOO(Advantage):
    """Reward minus the mean reward of the prompt's other completions: the paper's baseline."""

    def __call__(self, rewards: Tensor, batch: RolloutBatch, stats: AnyStats) -> Tensor:
        return rloo_advantage(rewards).reshape(-1, 1)


class GRPO(Advantage):
    """Rewards standardised inside the group.

    Args:
        eps: added to the standard deviation, in the reward's unit
        scale_rewards: divide by the group's standard deviation, which makes the most of groups whose rewards hardly
            differ; false only subtracts the mean (Dr. GRPO, arXiv 2503.20783)
    """

    def __init__(self, eps: float = 1e-6, scale_rewards: bool = True) -> None:
        require_not_negative("GRPO", eps=eps)
        self.eps, self.scale_rewards = eps, scale_rewards

    def __call__(self, rewards: Tensor, batch: RolloutBatch, stats: AnyStats) -> Tensor:
        return grpo_advantage(rewards, self.eps, self.scale_rewards).reshape(-1, 1)
