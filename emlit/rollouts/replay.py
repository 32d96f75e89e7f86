"""Good completions of earlier rounds, trained on once more."""

import logging
import math
from statistics import fmean, median
from typing import Any

import torch

from emlit.errors import require_at_least, require_not_negative
from emlit.functional import grpo_advantage
from emlit.records import Completion, Group
from emlit.rollouts.base import Rollouts, SampledRound, TrainedRound

log = logging.getLogger(__name__)


class Replay(Rollouts):
    """Self-imitation of completions that were better than their group's (SPEAR, arXiv 2509.22601).

    Kept are completions whose standardised reward in their group is at least `threshold`, for `max_age` rounds. Once
    `size` of them have a reward above b, the median of the last `baseline` groups' mean rewards, `size` of those are
    drawn, trained on beside the round's groups, and all are forgotten. Their advantages are w (r - b), with w rising
    from 0 to 1 as (1 - cos(pi t / warmup)) / 2 over the first rounds t. They are averaged among themselves and added to
    the round's loss, so that the gradient of the round's own completions is what it is without them; loss terms are
    averaged over them, too. Log p of the weights that sampled them are kept, for PPO's ratio.

    As released: 2048 completions, 5 to 10 rounds, 10,240 groups, a warm-up of 100 to 300. That code draws the largest
    power of 2 in place of `size`, waits until there are half as many again, clips by covariance what is replayed
    (`losses.ClipCov` takes all tokens), and keeps tool calls alone; its schedule counts updates.

    Args:
        size: completions that are replayed at once, over all processes
        threshold: standard deviations of the group's rewards
        max_age: rounds
        baseline: groups
        warmup: rounds; 0 for none
    """

    apart, min_samples, needs_rewards, needs_off_policy = 1, 2, True, True

    def __init__(
        self,
        size: int = 2048,
        threshold: float = 1.0,
        max_age: int = 5,
        baseline: int = 10240,
        warmup: int = 100,
    ) -> None:
        require_at_least(1, "Replay", size=size, max_age=max_age, baseline=baseline)
        require_not_negative("Replay", warmup=warmup, threshold=threshold)
        self.size, self.threshold, self.max_age = size, threshold, max_age
        self.baseline, self.warmup = baseline, warmup
        # The same in every process, in the order of their places in the run.
        self.kept: list[dict[str, Any]] = []
        self.means: list[float] = []

    def train(self, sampled: SampledRound) -> TrainedRound:
        most = self.max_age * sampled.prompts * sampled.samples
        if self.size > most and sampled.rank == 0 and not self.means:
            log.warning(
                "size of Replay is %d, but %d rounds (max_age) have %d completions: none will be replayed; lower it",
                self.size, self.max_age, most,
            )  # fmt: skip
        replayed = self._due(sampled)
        rewards = sampled.rewards(sampled.groups)
        own = [
            (place, fmean(each), self._good(place, group, each, sampled))
            for (place, group), each in zip(sampled.placed, rewards, strict=True)
        ]
        for _, mean, good in sorted((one for each in sampled.gather(own) for one in each), key=lambda one: one[0]):
            self.means.append(mean)
            self.kept += good
        self.means = self.means[-self.baseline :]
        self.kept = [each for each in self.kept if sampled.number - each["round"] < self.max_age]
        return TrainedRound(sampled.placed, replayed, own_mean=True)

    def _due(self, sampled: SampledRound) -> list[tuple[int, Group]]:
        """This process's share of what is replayed beside this round; before the round's own are kept."""
        base = median(self.means) if self.means else 0.0
        better = [each for each in self.kept if each["reward"] > base]
        if len(better) < self.size:
            return []
        self.kept = []
        drawn = sampled.generator("replay").sample(better, self.size)
        weight = (1 - math.cos(math.pi * min(1.0, sampled.number / self.warmup))) / 2 if self.warmup else 1.0
        found = []
        for each in drawn[sampled.rank :: sampled.ranks]:
            prompt = sampled.prompt_at(each["place"])
            if prompt.tokens == each["prompt"].tolist():  # not of another data.train, before the run was resumed
                found.append((each["place"], Group(prompt, [_completion(each, weight, base)], [each["text"]])))
        return found

    def _good(self, place: int, group: Group, rewards: list[float], sampled: SampledRound) -> list[dict[str, Any]]:
        advantages = grpo_advantage(torch.tensor([rewards], dtype=torch.float64))[0].tolist()
        return [
            _entry(place, group, i, rewards[i], sampled) for i, a in enumerate(advantages) if 0 < a >= self.threshold
        ]

    def state_dict(self) -> dict[str, Any]:
        return {"kept": list(self.kept), "means": list(self.means)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.kept, self.means = list(state["kept"]), list(state["means"])


def _entry(place: int, group: Group, number: int, reward: float, sampled: SampledRound) -> dict[str, Any]:
    """A completion in types that `torch.load(weights_only=True)` knows."""
    completion = group.completions[number]
    return {
        "place": place, "round": sampled.number, "version": sampled.version, "reward": reward,
        "prompt": torch.tensor(group.prompt.tokens, dtype=torch.int32),
        "tokens": torch.tensor(completion.tokens, dtype=torch.int32),
        "logprobs": torch.tensor(completion.logprobs),
        "finish_reason": completion.finish_reason, "text": group.texts[number],
    }  # fmt: skip


def _completion(entry: dict[str, Any], weight: float, base: float) -> Completion:
    return Completion(
        entry["tokens"].tolist(),
        entry["logprobs"].tolist(),
        entry["finish_reason"],
        advantage=weight * (entry["reward"] - base),
        weights_version=entry["version"],
    )
