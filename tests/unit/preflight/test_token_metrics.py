"""Metrics that read tokens, over answers made by hand."""

import math

import pytest
import torch

from emlit.functional import TokenStats
from emlit.preflight import AnswerUtility, Scoring, TokenCovariance, TokenEntropies
from emlit.records import Completion, Prompt, Reply, Row, ScoredAnswer, Turn
from tests.unit.metrics.test_completions import Plain, prediction

NONE = Scoring(None, None)  # type: ignore[arg-type]
TASK = Plain("t")


def answer(stats: TokenStats | None = None, text: str = "", label: str | None = "7", turns: int = 1) -> ScoredAnswer:
    prompt = Prompt(TASK, Row("a", "p", label), [1])
    reply = Reply([1], Completion([ord(letter) for letter in text], None, "stop"), text)
    turn = Turn(reply, 1, len(text))
    return ScoredAnswer(prompt, [turn] * turns, None if stats is None else [stats])


def stats(entropy, logprob=None) -> TokenStats:
    entropy = torch.tensor(entropy)
    return TokenStats(-entropy if logprob is None else torch.tensor(logprob), entropy)


def values(metric) -> dict[str, float]:
    return {name: value.item() for name, value in metric.compute().items()}


@pytest.mark.filterwarnings("ignore:The ``compute`` method")
def test_quantile_and_maximum_of_entropies():
    metric, drawn = TokenEntropies(), torch.rand(1000, generator=torch.Generator().manual_seed(0))
    for part in drawn.split(170):
        metric.update([prediction("a", 0, "1", True)], [answer(stats(part.tolist()))], NONE)
    expected = {"entropy_q80": drawn.quantile(0.8).item(), "entropy_max": drawn.max().item()}
    assert values(metric) == pytest.approx(expected, abs=1e-6)
    one = TokenEntropies()
    one.update([prediction("a", 0, "1", True)], [answer(stats([0.3, math.nan]))], NONE)
    assert values(one) == pytest.approx({"entropy_q80": 0.3, "entropy_max": 0.3})
    empty = TokenEntropies()
    empty.update([prediction("a", 0, "1", True)], [answer()], NONE)
    assert all(map(math.isnan, values(empty).values()))


def test_covariance_of_each_token_by_hand():
    predictions = [prediction("a", 0, "1", True), prediction("a", 1, "2", False), prediction("b", 0, "1", True),
                   prediction("c", 0, "1", None), prediction("c", 1, "1", None)]  # fmt: skip
    given = [[-0.1, -0.2, -9.0], [-0.3, -6.0], [-1.0], [-1.0], [-1.0]]
    metric = TokenCovariance(low=1.0, high=4.0, top=0.4)
    metric.update(predictions, [answer(stats([0.0] * len(each), each)) for each in given], NONE)
    # Only problem a counts: rewards 1 and 0, whose unbiased std is sqrt(1/2).
    size = 0.5 / (math.sqrt(0.5) + 1e-6)
    advantages, logprobs = [size] * 3 + [-size] * 2, given[0] + given[1]
    mean_a, mean_l = sum(advantages) / 5, sum(logprobs) / 5
    products = [(a - mean_a) * (logp - mean_l) for a, logp in zip(advantages, logprobs, strict=True)]
    expected = {
        "covariance_clipped": sum(1 < each < 4 for each in products) / 5,
        "covariance_top": sum(sorted(products)[-2:]) / 2,
    }
    assert values(metric) == pytest.approx(expected, abs=1e-6)
    assert 0 < expected["covariance_clipped"] < 1


@pytest.mark.filterwarnings("ignore:The ``compute`` method")
def test_nothing_to_compare_is_not_measured():
    metric = TokenCovariance()
    metric.update([prediction("b", 0, "1", True)], [answer(stats([0.1]))], NONE)
    assert all(map(math.isnan, values(metric).values()))


class Letters:
    """A tokenizer whose tokens are characters."""

    def __call__(self, text: str, add_special_tokens: bool) -> dict:
        return {"input_ids": [ord(letter) for letter in text]}

    def decode(self, tokens: list[int], skip_special_tokens: bool) -> str:
        return "".join(map(chr, tokens))


class Policy:
    """The longer what it reads, the surer it is: 1 / length on each token of the label, twice that on the first."""

    def __init__(self) -> None:
        self.read: list[str] = []

    def __call__(self, prompts, completions):
        self.read += ["".join(map(chr, prompt[1:])) for prompt in prompts]
        return [stats([(1 + (t == 0)) / len(prompt) for t in range(len(each.tokens))])
                for prompt, each in zip(prompts, completions, strict=True)]  # fmt: skip


def test_the_label_is_scored_after_each_step():
    policy = Policy()
    metric = AnswerUtility(separator="\n", bridge=">")
    predictions = [prediction("a", 0, "12", True), prediction("a", 1, "3", False), prediction("a", 2, "12", True),
                   prediction("b", 0, "1", None), prediction("a", 3, "12", True)]  # fmt: skip
    answers = [answer(text="ab\ncd\n12", label="12"), answer(text="x\n3", label="12"), answer(text="12", label="12"),
               answer(text="a\nb", label=None), answer(text="a\nb", label="12", turns=2)]  # fmt: skip
    metric.update(predictions, answers, Scoring(policy, Letters()))
    assert policy.read == [">", "ab\n>", "ab\ncd\n>", ">", "x\n>"]

    def mean(length: int) -> float:  # of two tokens, the first with 2 / length
        return 1.5 / (1 + length)

    assert values(metric) == pytest.approx(
        {
            "answer_entropy_before": mean(1),
            "answer_entropy_after": (mean(7) + mean(3)) / 2,
            "utility_right": mean(1) - mean(7),
            "utility_wrong": mean(1) - mean(3),
        }
    )


@pytest.mark.filterwarnings("ignore:The ``compute`` method")
def test_many_steps_are_thinned_and_the_last_is_kept():
    policy = Policy()
    metric = AnswerUtility(separator="\n", bridge="", steps=2)
    metric.update([prediction("a", 0, "7", True)], [answer(text="1\n2\n3\n4\n5\n7")], Scoring(policy, Letters()))
    assert policy.read == ["", "1\n2\n", "1\n2\n3\n4\n5\n"]
    assert math.isnan(values(metric)["utility_wrong"])
    empty = AnswerUtility()
    empty.update([prediction("a", 0, "7", True)], [answer(text="7")], NONE)  # nothing to ask
    assert all(map(math.isnan, values(empty).values()))


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: AnswerUtility(separator=""), "separator of AnswerUtility is empty"),
        (lambda: AnswerUtility(steps=0), "steps of AnswerUtility is 0"),
        (lambda: TokenCovariance(low=5, high=1), "low of TokenCovariance is 5 and high 1"),
        (lambda: TokenCovariance(top=0), "top of TokenCovariance is 0"),
    ],
)
def test_bad_settings(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()
