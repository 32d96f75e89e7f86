"""Self-consistency: several samples vote (Wang et al., arXiv 2203.11171)."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from emlit import progress
from emlit.errors import ConfigError, require_at_least
from emlit.records import Ask, Grader, Reply, Sampler, Sampling, Turn, answer_classes
from emlit.strategies.base import Strategy


class SelfConsistency(Strategy):
    """The most frequent answer of several samples; among equals the one that came first, without any the first sample.

    Each vote has a seed of its own. (The released scripts gave all votes one seed, which makes them the same sample.)
    Tasks whose answers are programs have nothing to vote on and are left out.

    Args:
        votes: samples for each answer
        options: as of Sampled
    """

    def __init__(self, votes: int = 4, **options: Any) -> None:
        require_at_least(2, votes=votes)
        if options.get("temperature") == 0:
            raise ConfigError("temperature is 0, where all votes are the same; set it above 0")
        super().__init__(**options)
        self.votes = votes

    @property
    def kind(self) -> str:
        return f"self-consistency of {self.votes}"

    def sampling(self, default: Sampling) -> Sampling:
        sampling = super().sampling(default)
        if sampling.temperature == 0:
            raise ConfigError(
                "data.sampling.temperature is 0, where all votes of SelfConsistency are the same; set its temperature"
            )
        return sampling

    def suits(self, task: Grader) -> bool:
        return task.votes

    def turn(self, asks: Sequence[Ask], sample: Sampler) -> list[Turn | None]:
        votes = [replace(ask, sample=ask.sample * self.votes + vote) for ask in asks for vote in range(self.votes)]
        replies, turns = sample(votes), []
        with progress.phase("counting votes", len(asks), "answers") as phase:
            for index, ask in enumerate(asks):
                turns.append(self._elected(ask, replies[index * self.votes : (index + 1) * self.votes]))
                phase.advance()
        return turns

    @staticmethod
    def _elected(ask: Ask, found: Sequence[Reply | None]) -> Turn | None:
        replies = [reply for reply in found if reply is not None]
        if not replies:
            return None
        task, row = ask.prompt.task, replace(ask.prompt.row, answer=None)  # the label has no say
        classes = answer_classes([task.grade(row, reply.text).answer for reply in replies], task.equal)
        chosen = max(classes, key=len)[0] if classes else 0  # max keeps the first of equals
        sampled = sum(len(reply.completion.tokens) for reply in replies)
        return Turn(replies[chosen], len(replies[0].prompt), sampled)
