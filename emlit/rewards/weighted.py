"""Several rewards as one."""

from collections.abc import Sequence

import torch
from torch import Tensor

from emlit.errors import ConfigError
from emlit.functional import AnyStats
from emlit.records import Prompt, RolloutBatch
from emlit.rewards.base import Reward


class WeightedRewards(Reward):
    """sum_k w_k r_k. Each r_k, without its weight, is a curve of its own: reward/verified_answer and so on.

    Args:
        rewards: the parts
        weights: one number a part, of either sign; 1 each unless set
    """

    def __init__(self, rewards: list[Reward], weights: list[float] | None = None) -> None:
        if not rewards:
            raise ConfigError("rewards of WeightedRewards is empty; name at least one")
        weights = weights if weights is not None else [1.0] * len(rewards)
        if len(weights) != len(rewards):
            raise ConfigError(f"weights has {len(weights)} numbers for {len(rewards)} rewards; give one for each")
        self.rewards, self.weights = rewards, weights
        self.needs = frozenset(stat for reward in rewards for stat in reward.needs)
        self.needs_old = any(reward.needs_old for reward in rewards)
        self.reads_stats = any(reward.reads_stats for reward in rewards)
        self.labelled = any(reward.labelled for reward in rewards)

    def check(self, prompts: Sequence[Prompt]) -> None:
        for reward in self.rewards:
            reward.check(prompts)

    def score(self, batch: RolloutBatch, stats: AnyStats) -> tuple[Tensor, dict[str, Tensor]]:
        found = [reward(batch, stats) for reward in self.rewards]
        total = torch.stack([weight * value for weight, value in zip(self.weights, found, strict=True)]).sum(dim=0)
        return total, dict(zip(self._names(), found, strict=True))

    def __call__(self, batch: RolloutBatch, stats: AnyStats) -> Tensor:
        return self.score(batch, stats)[0]

    def _names(self) -> list[str]:
        """Of the curves; a reward that is there twice is told apart by its number."""
        names = [reward.name for reward in self.rewards]
        return [
            name if names.count(name) == 1 else f"{name}_{names[: index + 1].count(name)}"
            for index, name in enumerate(names)
        ]
