"""More votes than completions that are trained on."""

from dataclasses import replace

from emlit.errors import ConfigError, require_at_least
from emlit.rollouts.base import Rollouts, SampledRound, TrainedRound


class VoteMore(Rollouts):
    """TTRL's rollouts: `votes` completions vote on the answer, and the first of them are trained on (arXiv 2504.16084).

    As released, 64 votes and 32 trained, by `MajorityReward`: all 64 are graded, and the 32 that are not trained on are
    the group's `votes`. With `VoteFractionReward` and `EMPOReward` they vote, too.

    Args:
        votes: completions of each prompt; data.samples_per_prompt of them are trained on
    """

    def __init__(self, votes: int = 64) -> None:
        require_at_least(1, "VoteMore", votes=votes)
        self.votes = votes

    def check(self, samples: int) -> None:
        if samples > self.votes:
            raise ConfigError(
                f"data.samples_per_prompt is {samples}, but VoteMore samples {self.votes} completions of each prompt; "
                "lower it or raise data.rollouts.votes"
            )

    def first(self, samples: int) -> int:
        return self.votes

    def train(self, sampled: SampledRound) -> TrainedRound:
        kept, rest = range(sampled.samples), slice(sampled.samples, None)
        groups = [
            replace(group.take(kept), votes=group.completions[rest], vote_texts=group.texts[rest])
            for group in sampled.groups
        ]
        return TrainedRound(list(zip(sampled.places, groups, strict=True)))
