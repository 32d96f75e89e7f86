"""A temperature and a budget for each problem, by its difficulty (DiffAdapt, arXiv 2510.19669)."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from emlit.errors import ConfigError, require_at_least
from emlit.records import Ask, Sampler, Sampling, Turn
from emlit.strategies.base import Strategy
from emlit.strategies.confidence import mean_logprob, require_draws


class Regime(NamedTuple):
    """How a problem is answered: at which temperature, and with which share of max_tokens."""

    temperature: float
    share: float


EASY, NORMAL, HARD = Regime(0.5, 0.4), Regime(0.8, 1.0), Regime(0.4, 0.5)


class DiffAdapt(Strategy):
    """A short draft says how difficult a problem is; the reply is drawn anew, as the paper does for that difficulty.

    Easy problems are answered at temperature 0.5 with 0.4 of max_tokens, normal ones at 0.8 with all of it, hard ones
    at 0.4 with half. The paper reads the difficulty off the prompt's hidden states, by a probe that is not published.
    Here it is the draft's surprise, minus the mean log-probability of its tokens (on average their entropy): below
    `easy` the problem is easy, above `hard` it is hard. The draft is thrown away, and counted as sampled.

    Beware: the paper finds entropy to be U-shaped, high for easy problems too, where models think too much. No rule on
    one number can tell those from hard ones; measure first (docs/evaluation.md).

    Args:
        easy: nats; a draft with a smaller surprise is of an easy problem
        hard: nats; one with a greater surprise is of a hard problem
        draft_tokens: length of the draft
        options: as of Sampled; temperature and filters are the draft's, and filters the reply's too
    """

    needs_logprobs = True

    def __init__(self, easy: float, hard: float, draft_tokens: int = 32, **options: Any) -> None:
        if not 0 <= easy <= hard < math.inf:
            raise ConfigError(f"easy is {easy} and hard is {hard}; 0 <= easy <= hard is needed, in nats")
        require_at_least(1, draft_tokens=draft_tokens)
        super().__init__(**options)
        self.easy, self.hard, self.draft_tokens = easy, hard, draft_tokens

    @property
    def kind(self) -> str:
        return f"DiffAdapt {self.easy:g} to {self.hard:g}"

    def sampling(self, default: Sampling) -> Sampling:
        sampling = super().sampling(default)
        require_draws(sampling, self)
        return sampling

    def regime(self, surprise: float) -> Regime:
        """By the draft's surprise, nats; a normal problem's where it is nan."""
        return EASY if surprise < self.easy else HARD if surprise > self.hard else NORMAL

    def turn(self, asks: Sequence[Ask], sample: Sampler) -> list[Turn | None]:
        samplings = [self.sampling(Sampling()) if ask.sampling is None else ask.sampling for ask in asks]
        drafts = sample(
            [
                replace(ask, sampling=replace(sampling, max_tokens=min(self.draft_tokens, sampling.max_tokens)))
                for ask, sampling in zip(asks, samplings, strict=True)
            ]
        )
        drafted = [(i, draft.completion) for i, draft in enumerate(drafts) if draft is not None]
        regimes = [self.regime(-mean_logprob(completion, self)) for _, completion in drafted]
        replies = sample(
            [self._again(asks[i], samplings[i], regime) for (i, _), regime in zip(drafted, regimes, strict=True)]
        )
        turns: list[Turn | None] = [None] * len(asks)
        for (i, draft), reply in zip(drafted, replies, strict=True):
            if reply is not None:
                turns[i] = Turn(reply, len(reply.prompt), len(draft.tokens) + len(reply.completion.tokens))
        return turns

    @staticmethod
    def _again(ask: Ask, sampling: Sampling, regime: Regime) -> Ask:
        tokens = max(1, round(regime.share * sampling.max_tokens))
        changed = replace(sampling, temperature=regime.temperature, max_tokens=tokens)
        return replace(ask, draft=ask.draft + 1, sampling=changed)
