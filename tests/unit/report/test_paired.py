import pytest

from emlit.report import compare, mcnemar
from tests.unit.metrics.test_completions import prediction


@pytest.mark.parametrize(
    ("first", "second", "p"),
    [
        (0, 0, 1.0),
        (1, 6, 0.125),  # 2 (1 + 7) / 2^7
        (6, 1, 0.125),
        (0, 10, 2 / 1024),
        (5, 5, 1.0),
    ],
)
def test_mcnemar(first, second, p):
    assert mcnemar(first, second) == pytest.approx(p)


def answers(decoding, rights, sample=0, task="t"):
    return [prediction(f"p{i}", sample, "1", right, decoding=decoding, task=task) for i, right in enumerate(rights)]


def test_two_decodings_on_the_same_problems():
    plain, better = answers("plain", [1, 0, 0, 1, 0]), answers("better", [1, 1, 1, 0, 0])
    found = compare([*plain, *better])
    assert len(found) == 1
    each = found[0]
    assert (each.first, each.second, each.problems) == ("plain", "better", 5)
    assert each.difference.value == pytest.approx(0.2)
    assert (each.only_first, each.only_second) == (1, 2)
    assert each.p == 1.0  # 2 (1 + 3) / 8
    assert each.difference.low <= 0.2 <= each.difference.high


def test_the_interval_is_that_of_pairs():
    # Both are right on the same half: alone each is uncertain by 0.15, their difference by 1 - 0.025^(1/40).
    rights = [i % 2 for i in range(40)]
    difference = compare([*answers("a", rights), *answers("b", rights)])[0].difference
    assert difference.value == 0
    assert (difference.low, difference.high) == pytest.approx((-0.0881, 0.0881), abs=1e-4)


def test_what_both_have_not_answered_is_left_out():
    some = answers("a", [1, 0, 1])
    more = [*answers("b", [1, 1, 1]), prediction("p9", 0, "1", True, decoding="b")]
    unlabelled = [prediction("p1", 0, "1", None, decoding="c")]
    found = compare([*some, *more, *unlabelled])
    assert [(each.first, each.second, each.problems) for each in found] == [("a", "b", 3)]


def test_of_several_samples_the_first_counts_in_the_test_and_all_in_the_difference():
    a = [*answers("a", [0, 0]), *answers("a", [1, 1], sample=1)]
    b = [*answers("b", [1, 1]), *answers("b", [1, 1], sample=1)]
    each = compare([*b, *a])[0]
    assert each.difference.value == pytest.approx(-0.5)
    assert (each.only_first, each.only_second) == (2, 0)
