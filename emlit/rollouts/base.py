"""Where a round's completions come from, and which of them are trained on: plug-ins of the data module."""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from emlit.errors import ConfigError
from emlit.functional import TokenStats
from emlit.processes import all_gather
from emlit.records import Completion, Group, Prompt, request_seed

# Of prompts and their completions: log p and H of every token of each, (length,), nats, at the sampling temperature.
Score = Callable[[list[list[int]], list[Completion]], list[TokenStats]]


@dataclass(frozen=True)
class Branch:
    """One more completion of a prompt.

    Attributes:
        group: whose, by its number in `SampledRound.groups`
        given: the tokens that it begins with; together with the prompt's they must leave the context room for one
        temperature: to draw at; that of the run unless set
    """

    group: int
    given: Sequence[int] = ()
    temperature: float | None = None


@dataclass(frozen=True)
class SampledRound:
    """This process's share of a round, as far as it is sampled.

    `score`, `rewards` and `gather` are collective: every process must call them as often, though it may have nothing to
    ask.

    Attributes:
        number: of the round in the run
        wave: how many waves are sampled
        samples: completions of each prompt that are trained on (data.samples_per_prompt)
        prompts: in the round, over all processes
        places: of each group's prompt in the run
        groups: all completions so far, in the order of the waves
        decode: from token ids to text, without special tokens
        seed: of the run
        version: of the weights that sample, the number of optimiser steps before
        score: see `Score`; the trainer's model, one forward pass
        rewards: of each group's completions, by the module's reward
        prompt_at: the prompt at a place of the run
        gather: a value of every process, in the order of their ranks
        rank: of this process
        ranks: how many processes there are
    """

    number: int
    wave: int
    samples: int
    prompts: int
    places: Sequence[int]
    groups: Sequence[Group]
    decode: Callable[[list[int]], str]
    seed: int
    version: int
    score: Score
    rewards: Callable[[Sequence[Group]], list[list[float]]]
    prompt_at: Callable[[int], Prompt]
    gather: Callable[[Any], list[Any]] = all_gather
    rank: int = 0
    ranks: int = 1

    @property
    def placed(self) -> list[tuple[int, Group]]:
        """Each group with its prompt's place in the run."""
        return list(zip(self.places, self.groups, strict=True))

    def generator(self, *parts: int | str) -> random.Random:
        """A generator that the run's seed and the parts decide, such as a group's place and a completion's number."""
        return random.Random(request_seed(self.seed, "rollouts", self.number, *parts))

    def stats(self) -> list[list[TokenStats]]:
        """Log p and H of every token of every completion so far, (length,), group by group."""
        asked = [(group.prompt.tokens, c) for group in self.groups for c in group.completions]
        found = iter(self.score([prompt for prompt, _ in asked], [c for _, c in asked]))
        return [[next(found) for _ in group.completions] for group in self.groups]


@dataclass(frozen=True)
class TrainedRound:
    """What this process trains on.

    Attributes:
        groups: of `SampledRound.samples` completions each, with their prompts' places in the run
        apart: completions that are trained on apart from their groups, one a group, each with its `advantage`; a place
            decides which optimiser step of the round it is part of
        own_mean: those apart are averaged among themselves, and added; otherwise all of a step's completions are
            averaged together
    """

    groups: Sequence[tuple[int, Group]]
    apart: Sequence[tuple[int, Group]] = ()
    own_mean: bool = False


class Rollouts:
    """Completions of each prompt, in one wave, all of which are trained on; subclasses ask for more, or keep others.

    All that a subclass draws at random comes from `SampledRound.generator`, and all that it remembers is the same in
    every process and stands in its `state_dict`, so that a resumed run is the same run.

    Attributes:
        waves: how often completions are sampled; with more than one, `more` is asked before each but the first
        apart: micro-batches of an optimiser step for completions that are trained on apart from their groups
        min_samples: completions of a prompt (data.samples_per_prompt) that it needs
        needs_rewards: it asks for rewards before training, which EM-RL alone has
        needs_off_policy: it trains on completions of older weights
        between: temperatures between which the run's own must lie
    """

    waves: int = 1
    apart: int = 0
    min_samples: int = 1
    needs_rewards: bool = False
    needs_off_policy: bool = False
    between: tuple[float, float] = (-math.inf, math.inf)

    def check(self, samples: int) -> None:
        """Raise ConfigError where so many completions a prompt (data.samples_per_prompt) do not suit it."""
        if samples < self.min_samples:
            raise ConfigError(
                f"data.samples_per_prompt is {samples}, but {type(self).__name__} compares the completions of a "
                f"prompt; set it to {self.min_samples} or more"
            )

    def first(self, samples: int) -> int:
        """How many completions of each prompt are sampled in the first wave."""
        return samples

    def more(self, sampled: SampledRound) -> Sequence[Branch]:
        """What the next wave samples."""
        return ()

    def train(self, sampled: SampledRound) -> TrainedRound:
        """What is trained on, once all waves are sampled; what it learns for later rounds, it learns here."""
        return TrainedRound(sampled.placed)

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps: numbers, texts and tensors, in lists and dicts that later rounds leave alone."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take back what `state_dict` gave."""
