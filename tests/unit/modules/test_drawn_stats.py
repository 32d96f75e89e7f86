"""What an engine knows of the tokens that it drew is believed where the policy would say the same."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from emlit.functional import TokenStats
from emlit.modules import CausalLM
from emlit.records import Completion
from tests.unit.modules.test_objectives import small_model

PROMPTS = [[1, 2, 3], [4, 5], [6]]
TOKENS = [[7, 8], [9, 10, 11], []]


@pytest.fixture
def policy() -> CausalLM:
    module = CausalLM()
    module.model = small_model(torch.float32)
    engine = SimpleNamespace(float32=True, weights_version=3)
    module._trainer = SimpleNamespace(
        global_step=3, precision="32-true", datamodule=SimpleNamespace(engine=engine),
        precision_plugin=SimpleNamespace(forward_context=torch.no_grad),
    )  # fmt: skip
    return module


@pytest.fixture
def completions(policy) -> list[Completion]:
    plain = [Completion(tokens, [-1.0] * len(tokens), "stop") for tokens in TOKENS]
    own = policy.score_completions(PROMPTS, plain)
    return [replace(each, stats=stats) for each, stats in zip(plain, own, strict=True)]


@pytest.fixture
def scored(policy, monkeypatch) -> list[int]:
    """How many completions each call has the policy score."""
    counts: list[int] = []
    score = policy.score_completions

    def counting(prompts, completions, *more):
        counts.append(len(completions))
        return score(prompts, completions, *more)

    monkeypatch.setattr(policy, "score_completions", counting)
    return counts


def shifted(completions: list[Completion], by: float) -> list[Completion]:
    return [replace(c, stats=TokenStats(c.stats.logprob, c.stats.entropy + by)) for c in completions]


def same(found, completions) -> bool:
    pairs = zip(found, completions, strict=True)
    return all(torch.allclose(a, b, atol=1e-5) for one, c in pairs for a, b in zip(one, c.stats, strict=True))


def test_the_longest_is_scored_once_for_each_weights(policy, completions, scored):
    for _ in range(2):
        assert same(policy.score_drawn(PROMPTS, completions), completions)
    assert scored == [1]
    policy._trainer.global_step = policy.engine.weights_version = 4
    policy.score_drawn(PROMPTS, completions)
    assert scored == [1, 1]


def test_an_engine_that_says_something_else_is_not_believed(policy, completions, scored, caplog):
    wrong = shifted(completions, 0.5)
    for _ in range(2):
        assert same(policy.score_drawn(PROMPTS, wrong), completions)
    assert scored == [1, 3, 3]
    assert caplog.text.count("differ by up to 0.5 nats") == 1
    assert same(policy.score_drawn(PROMPTS, shifted(completions, float("nan"))), completions)


@pytest.mark.parametrize("change", ["dtype", "half", "precision", "weights", "temperature", "older"])
def test_where_it_cannot_be_the_same_all_are_scored(policy, completions, scored, change):
    if change == "dtype":
        policy.dtype_name = "bfloat16"
    elif change == "half":
        policy.engine.float32 = False
    elif change == "precision":
        policy._trainer.precision = "bf16-mixed"
    elif change == "weights":
        policy.engine.weights_version = 2
    elif change == "older":
        completions = [replace(each, weights_version=1) for each in completions]
    temperature = 0.5 if change == "temperature" else 1.0
    policy.score_drawn(PROMPTS, shifted(completions, 1e-4), temperature)
    assert scored == [3]


def test_one_that_knows_nothing_of_some_has_these_scored(policy, completions, scored):
    some = [completions[0], replace(completions[1], stats=None), completions[2]]
    assert same(policy.score_drawn(PROMPTS, some), completions)
    assert scored == [1, 1]


def test_what_is_returned_is_nobodys_own(policy, completions):
    found = policy.score_drawn(PROMPTS, completions)
    found[0].logprob.add_(1.0)
    assert not torch.equal(found[0].logprob, completions[0].stats.logprob)
