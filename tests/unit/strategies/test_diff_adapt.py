import math
from dataclasses import replace

import pytest

from emlit.engines import Completion, Sampling
from emlit.errors import ConfigError, EngineError
from emlit.strategies import Ask, DiffAdapt, Reply
from tests.unit.strategies.test_strategies import ask

HOW = Sampling(max_tokens=100, min_p=0.1)


class Drafts:
    """Drafts of these log-probabilities, one a question, and then the replies."""

    def __init__(self, *logprobs: list[float] | None) -> None:
        self.logprobs, self.asked = logprobs, []

    def __call__(self, asks: list[Ask]) -> list[Reply | None]:
        self.asked.append(asks)
        if len(self.asked) > 1:
            return [Reply([1, 2], Completion([7, 8], [-0.1, -0.1], "stop"), "reply") for _ in asks]
        drafts = (Completion(list(range(len(each or []))), each, "length") for each in self.logprobs)
        return [Reply([1, 2], draft, "draft") for draft in drafts]


def asks(count: int) -> list[Ask]:
    return [replace(ask(), sample=i, sampling=HOW) for i in range(count)]


def test_each_problem_gets_what_its_draft_calls_for():
    sampler = Drafts([-0.05, -0.15], [-0.2, -0.2], [-0.2, -1.0], [-2.0, -0.5], [math.nan])
    turns = DiffAdapt(easy=0.2, hard=0.6, draft_tokens=16).turn(asks(5), sampler)
    drafts, replies = sampler.asked
    assert {(each.sampling.temperature, each.sampling.max_tokens) for each in drafts} == {(1.0, 16)}
    # surprise 0.1, 0.2 (at the edge, normal), 0.6 (likewise), 1.25 and nan
    assert [(each.sampling.temperature, each.sampling.max_tokens) for each in replies] == [
        (0.5, 40), (0.8, 100), (0.8, 100), (0.4, 50), (0.8, 100),
    ]  # fmt: skip
    assert all(each.sampling.min_p == 0.1 for each in replies)
    assert [(each.sample, each.draft) for each in replies] == [(i, 1) for i in range(5)]
    assert all(not each.given for each in replies)  # the draft is thrown away
    assert turns[0].reply.text == "reply"
    assert (turns[0].prompt_tokens, turns[0].sampled_tokens) == (2, 2 + 2)


def test_a_draft_that_does_not_fit_and_one_that_was_not_sampled():
    class Full(Drafts):
        def __call__(self, asks):
            self.asked.append(asks)
            return [None] * len(asks)

    assert DiffAdapt(0.1, 0.2).turn(asks(2), Full()) == [None, None]
    with pytest.raises(EngineError, match="DiffAdapt needs log-probabilities"):
        DiffAdapt(0.1, 0.2).turn(asks(1), Drafts(None))


def test_a_budget_is_at_least_a_token_and_a_draft_no_longer_than_a_reply():
    sampler = Drafts([-0.01])
    DiffAdapt(0.1, 0.2).turn([replace(ask(), sampling=Sampling(max_tokens=1))], sampler)
    assert [each[0].sampling.max_tokens for each in sampler.asked] == [1, 1]


def test_names():
    assert DiffAdapt(0.2, 0.6).name(HOW) == "DiffAdapt 0.2 to 0.6, T=1, min-p 0.1"


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: DiffAdapt(0.6, 0.2), "easy is 0.6 and hard is 0.2; 0 <= easy <= hard is needed"),
        (lambda: DiffAdapt(-1, 0.2), "easy is -1"),
        (lambda: DiffAdapt(math.nan, 0.2), "easy is nan"),
        (lambda: DiffAdapt(0.1, 0.2, draft_tokens=0), "draft_tokens is 0"),
        (lambda: DiffAdapt(0.1, 0.2, temperature=0).name(HOW), "temperature is 0, where DiffAdapt has nothing"),
    ],
)
def test_bad_settings(make, sentence):
    with pytest.raises(ConfigError, match=sentence):
        make()
