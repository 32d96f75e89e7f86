import pytest
import torch

from emlit.metrics import CompletionMetrics, majority_share
from emlit.predictions import Prediction, count_votes
from emlit.tasks import Task


def prediction(id: str, sample: int, answer: str | None, correct: bool | None, **changes) -> Prediction:
    values = {
        "task": "t", "id": id, "sample": sample, "completion": "", "answer": answer, "correct": correct,
        "format_ok": answer is not None, "tokens": 10, "mean_entropy": 0.5, "mean_logprob": -0.25,
        "finish_reason": "stop", "decoding": "T=1",
    }  # fmt: skip
    return Prediction(**{**values, **changes})


class Plain(Task):
    """Problems without rows, for their grading."""

    def __init__(self, name: str) -> None:
        self.name = name

    def rows(self) -> list:
        return []


def voted(*predictions: Prediction) -> tuple[Prediction, ...]:
    count_votes(predictions, [Plain(name) for name in {each.task for each in predictions}])
    return predictions


def measured(*predictions: Prediction) -> dict[str, float]:
    metrics = CompletionMetrics()
    metrics.update(voted(*predictions))
    return {name: value.item() for name, value in metrics.compute().items()}


def test_by_hand():
    # Problem a: 3 of 4 right. Problem b: 1 of 4 right, and two wrong ones agree.
    a = [prediction("a", i, answer, answer == "1") for i, answer in enumerate(["1", "1.0", "2", "1"])]
    a[1].correct = True
    b = [prediction("b", i, answer, answer == "5") for i, answer in enumerate(["5", "6", "6", None])]
    b[3].finish_reason = "length"
    values = measured(*a, *b)
    assert values["pass@1"] == pytest.approx(4 / 8)
    assert values["pass@4"] == 1.0
    assert values["maj@4"] == 0.5
    assert values["format_rate"] == pytest.approx(7 / 8)
    assert values["truncated"] == pytest.approx(1 / 8)
    assert values["mean_length"] == 10
    assert values["mean_entropy"] == 0.5
    assert values["mean_logprob"] == -0.25


def test_votes():
    assert majority_share([(0, True), (1, False)]) == 0.5  # a tie is shared
    assert majority_share([(0, True), (0, True), (2, False)]) == 1.0
    assert majority_share([(-1, False), (-1, False), (2, True)]) == 1.0  # no answer, no vote
    assert majority_share([(-1, False)]) == 0.0


def test_answers_are_compared_by_their_task():
    class Colours(Plain):
        def equal(self, answer: str | None, other: str) -> bool:
            return answer is not None and answer[0] == other[0]

    samples = [prediction("a", i, answer, False) for i, answer in enumerate(["red", "blue", "rose", None])]
    count_votes(samples, [Colours("t")])
    assert [each.vote for each in samples] == [0, 1, 0, -1]


def test_programs_do_not_vote():
    class Programs(Plain):
        votes = False

    samples = [prediction("a", i, "print()", True) for i in range(2)]
    count_votes(samples, [Programs("t")])
    metrics = CompletionMetrics()
    metrics.update(samples)
    assert [each.vote for each in samples] == [None, None]
    assert "pass@2" in metrics.compute()
    assert "maj@2" not in metrics.compute()


def test_without_labels_or_scores():
    values = measured(
        prediction("a", 0, "1", None, mean_entropy=None), prediction("a", 1, "1", None, mean_entropy=None)
    )
    assert values.keys() == {"format_rate", "mean_length", "truncated"}
    assert measured() == {}


def test_two_processes_add_up():
    whole, left, right = CompletionMetrics(), CompletionMetrics(), CompletionMetrics()
    a = [prediction("a", i, str(i), i == 0) for i in range(4)]
    b = [prediction("b", i, "1", True) for i in range(4)]
    whole.update(a + b)
    left.update(a)
    right.update(b)
    for name, reduction in left._reductions.items():
        total = reduction(torch.stack([getattr(left, name), getattr(right, name)]))
        assert total == getattr(whole, name), name
