"""Completions of another temperature that raise or lower the policy's entropy."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch

from emlit.errors import ConfigError, require_at_least
from emlit.functional import grpo_advantage
from emlit.records import Completion, Group
from emlit.rollouts.base import Branch, Rollouts, SampledRound, TrainedRound


class AEPO(Rollouts):
    """Arbitrary entropy policy optimisation: REINFORCE on good completions of a tempered policy (arXiv 2510.08141).

    The first `share` of a round's prompts is sampled once more: at temperature `high` where the last round's entropy
    was at or below `target`, at `low` otherwise. Of those completions up to `rows` whose standardised reward in their
    group is above `threshold` are trained on with an advantage of 1, half as many at `low`; in their place the round's
    first groups are left out. As released, the entropy is -mean log p of the tokens trained on, 0 before the first
    round, and log p of tempered completions is the policy's own, scored at the run's temperature before training.

    Here whole groups are left out, rows // samples_per_prompt of them, where the released code cuts one in two; and a
    round without such a completion is trained on as it is, where that code crashes.

    Args:
        target: entropy, nats a token
        high: temperature that raises it
        low: temperature that lowers it
        share: of the round's prompts
        rows: at most so many completions, over all processes
        threshold: that a standardised reward must be above
    """

    waves, apart, min_samples, needs_rewards = 2, 1, 2, True

    def __init__(
        self,
        target: float = 0.5,
        high: float = 1.2,
        low: float = 0.8,
        share: float = 0.25,
        rows: int = 60,
        threshold: float = 0.05,
    ) -> None:
        if not target > 0:
            raise ConfigError(f"target of AEPO is {target}; it must be positive, in nats")
        if not 0.01 <= low < high:
            raise ConfigError(f"low of AEPO is {low} and high {high}; they must be temperatures, low below high")
        if not 0 < share <= 1:
            raise ConfigError(f"share of AEPO is {share}; it must be above 0 and at most 1")
        require_at_least(1, "AEPO", rows=rows)
        self.target, self.high, self.low = target, high, low
        self.between = low, high
        self.share, self.rows, self.threshold = share, rows, threshold
        self.entropy = 0.0  # nats, of the last round

    def more(self, sampled: SampledRound) -> list[Branch]:
        temperature = self.high if self.entropy <= self.target else self.low
        return [
            Branch(number, temperature=temperature)
            for number, place in enumerate(sampled.places)
            if place % sampled.prompts < self.share * sampled.prompts
            for _ in range(sampled.samples)
        ]

    def train(self, sampled: SampledRound) -> TrainedRound:
        n, drawn = sampled.samples, sampled.placed
        plain = [(place, group.take(range(n))) for place, group in drawn]
        tempered = [(place, group.take(range(n, 2 * n))) for place, group in drawn if len(group.completions) > n]
        good = self._good(tempered, sampled)
        found = sorted(key for each in sampled.gather([(place, i) for place, i, _ in good]) for key in each)
        rows = min(self.rows, len(found)) // (1 if self.entropy <= self.target else 2)
        chosen, left_out = set(found[:rows]), rows // n
        apart = self._scored([(place, group) for place, i, group in good if (place, i) in chosen], sampled)
        plain = [(place, group) for place, group in plain if place % sampled.prompts >= left_out]
        self._learn([*plain, *apart], sampled)
        return TrainedRound(plain, apart)

    def _good(self, tempered: list[tuple[int, Group]], sampled: SampledRound) -> list[tuple[int, int, Group]]:
        """Place, number and completion of those above the threshold."""
        rewards = sampled.rewards([group for _, group in tempered])
        advantages = grpo_advantage(torch.tensor(rewards, dtype=torch.float64).view(-1, sampled.samples)).tolist()
        return [
            (place, i, group.take([i]))
            for (place, group), each in zip(tempered, advantages, strict=True)
            for i, advantage in enumerate(each)
            if advantage > self.threshold
        ]

    def _scored(self, chosen: list[tuple[int, Group]], sampled: SampledRound) -> list[tuple[int, Group]]:
        """With the policy's own log p, and an advantage of 1."""
        completions = [group.completions[0] for _, group in chosen]
        stats = sampled.score([group.prompt.tokens for _, group in chosen], completions)
        return [
            (place, replace(group, completions=[replace(c, logprobs=each.logprob.tolist(), advantage=1.0)]))
            for (place, group), c, each in zip(chosen, completions, stats, strict=True)
        ]

    def _learn(self, trained: list[tuple[int, Group]], sampled: SampledRound) -> None:
        # As sums by place, so that they are added in the same order whatever the number of processes.
        own = [(place, *_surprise(group.completions)) for place, group in trained]
        sums = sorted(each for one in sampled.gather(own) for each in one)
        tokens = sum(count for _, _, count in sums)
        self.entropy = sum(total for _, total, _ in sums) / tokens if tokens else self.entropy

    def state_dict(self) -> dict[str, Any]:
        return {"entropy": self.entropy}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.entropy = state["entropy"]


def _surprise(completions: Sequence[Completion]) -> tuple[float, int]:
    """-sum of log p of the sampled tokens, nats, and their number."""
    total = sum(sum((c.logprobs or [])[c.given :]) for c in completions)
    return -total, sum(c.sampled for c in completions)
