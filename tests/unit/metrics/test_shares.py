"""Intervals of shares against scipy's, and their coverage by enumeration."""

from itertools import product
from math import comb, isnan

import pytest
import torch
from scipy.stats import binomtest

from emlit.metrics import (
    auroc_interval,
    interval_of_ratio,
    paired_interval,
    rates,
    resampled_counts,
    share_interval,
    truncation_sentence,
)
from tests.unit.metrics.test_answer_table import table
from tests.unit.metrics.test_completions import prediction


def shares(successes, problems, samples=1):
    right = torch.tensor([float(samples)] * successes + [0.0] * (problems - successes), dtype=torch.float64)
    return share_interval(right, torch.full_like(right, samples))


@pytest.mark.parametrize(("k", "n"), [(1, 8), (4, 8), (7, 8), (50, 100), (3, 500), (1, 2)])
def test_one_sample_each_is_wilson(k, n):
    theirs = binomtest(k, n).proportion_ci(0.95, method="wilson")
    assert (shares(k, n).low, shares(k, n).high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


@pytest.mark.parametrize("n", [1, 2, 8, 50, 1000])
@pytest.mark.parametrize("samples", [1, 16])
def test_where_all_problems_agree_the_interval_is_exact_over_problems(n, samples):
    # 0 of 8 problems with 16 samples each are 8 trials, not 128: [0, 0.369], not [0, 0].
    for k in (0, n):
        theirs = binomtest(k, n).proportion_ci(0.95, method="exact")
        found = shares(k, n, samples)
        assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)
        assert found.value == k / n


def test_equal_samples_of_a_problem_are_one_and_independent_ones_are_many():
    copies = shares(50, 100, samples=16)
    theirs = binomtest(50, 100).proportion_ci(0.95, method="wilson")
    assert (copies.low, copies.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)
    drawn = torch.distributions.Binomial(16, torch.tensor(0.3, dtype=torch.float64))
    torch.manual_seed(0)
    found = share_interval(drawn.sample((200,)), torch.full((200,), 16.0, dtype=torch.float64))
    theirs = binomtest(round(found.value * 3200), 3200).proportion_ci(0.95, method="wilson")
    assert found.high - found.low == pytest.approx(theirs.high - theirs.low, rel=0.15)


def test_problems_that_are_all_half_right_are_worth_their_completions():
    right = torch.full((5,), 2.0, dtype=torch.float64)
    theirs = binomtest(10, 20).proportion_ci(0.95, method="wilson")
    found = share_interval(right, torch.full_like(right, 4))
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_between_problems_it_is_as_wide_as_the_bootstrap():
    torch.manual_seed(1)
    right = torch.distributions.Binomial(8, torch.rand(300, dtype=torch.float64)).sample()
    of = torch.full_like(right, 8)
    ours, theirs = share_interval(right, of), interval_of_ratio(right, of, resampled_counts(300, 4000))
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.006)


def test_problems_that_do_not_count_are_left_out():
    found = share_interval(torch.zeros(9).double(), torch.tensor([1.0] * 3 + [0.0] * 6).double())
    assert found.high == pytest.approx(binomtest(0, 3).proportion_ci(0.95, method="exact").high)
    assert isnan(share_interval(torch.zeros(2).double(), torch.zeros(2).double()).value)


def pairs(only_first, only_second, neither):
    return torch.tensor([-1.0] * only_first + [1.0] * only_second + [0.0] * neither, dtype=torch.float64)


def test_pairs_that_never_differ_have_an_exact_interval():
    # (1 - p)^8 = 0.025 at p = 0.369: so many differences do not exclude 8 pairs without one.
    found = paired_interval(pairs(0, 0, 8), completions=8)
    assert (found.value, found.low, found.high) == pytest.approx((0, -0.3694, 0.3694), abs=1e-4)


def test_pairs_that_always_differ_the_same_way():
    # Gained in at least 0.631 of all problems, lost in at most 0.369.
    found = paired_interval(pairs(0, 8, 0), completions=8)
    assert (found.value, found.low, found.high) == pytest.approx((1, 0.6306 - 0.3694, 1), abs=1e-3)
    mirrored = paired_interval(pairs(8, 0, 0), completions=8)
    assert (mirrored.low, mirrored.high) == pytest.approx((-found.high, -found.low))


def test_one_pair_more_is_no_proof():
    assert paired_interval(pairs(0, 1, 7), completions=8).low < 0


def test_many_pairs_have_the_width_of_theory():
    # Var = (0.3 + 0.2 - 0.1^2) / 1000.
    found = paired_interval(pairs(200, 300, 500), completions=1000)
    assert found.high - found.low == pytest.approx(2 * 1.96 * (0.49 / 1000) ** 0.5, rel=0.02)


@pytest.mark.parametrize(("lost", "gained"), [(0.0, 0.05), (0.1, 0.1), (0.05, 0.5), (0.02, 0.9), (0.3, 0.3)])
def test_intervals_of_twelve_pairs_cover_what_they_say(lost, gained):
    n, covered = 12, 0.0
    for b, c in product(range(n + 1), repeat=2):
        if b + c <= n:
            found = paired_interval(pairs(b, c, n - b - c), completions=n)
            if found.low <= gained - lost <= found.high:
                ways = comb(n, b) * comb(n - b, c)
                covered += ways * lost**b * gained**c * (1 - lost - gained) ** (n - b - c)
    assert covered > 0.93


def test_auroc_of_what_is_wholly_apart():
    # Eight problems with a right and a wrong one each make four pairs without using one twice: 0.025^(1/4).
    score = torch.tensor([2.0, 1.0] * 8)
    correct = torch.tensor([1, 0] * 8)
    problem = torch.arange(16) // 2
    found = auroc_interval(score, correct, problem, resampled_counts(8, 100))
    assert (found.value, found.low, found.high) == pytest.approx((1.0, 0.025**0.25, 1.0))
    found = auroc_interval(-score, correct, problem, resampled_counts(8, 100))
    assert (found.value, found.low, found.high) == pytest.approx((0.0, 0.0, 1 - 0.025**0.25))


def test_no_rate_of_a_few_problems_is_certain():
    for right in (False, True):
        answers = [prediction(f"p{i}", s, "1", right) for i in range(8) for s in range(4)]
        found = rates(table(answers).answers(), resamples=100)
        for name in ("pass@1", "pass@2", "pass@4", "maj@4", "room", "format_rate", "truncated"):
            assert found[name].high - found[name].low == pytest.approx(0.3694, abs=1e-4), name


def test_of_one_problem_no_mean_has_an_interval():
    found = rates(table([prediction("a", 0, "1", True)]).answers(), resamples=100)
    assert found["mean_length"].ends is None
    assert found["pass@1"].ends == pytest.approx([0.025, 1.0])


def test_what_is_said_of_truncation():
    assert truncation_sentence(0.04) is None
    assert truncation_sentence(0.88).startswith("88 % of completions are cut at max_tokens")
    assert truncation_sentence(shares(8, 8), 12).startswith("100 % (63 to 100) of completions are cut at 12 tokens")
