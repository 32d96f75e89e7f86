"""pass@k, the bootstrap, AUROC and rank correlation against enumeration, formulas and torchmetrics' own."""

from itertools import combinations
from math import isnan, sqrt

import pytest
import torch
from torchmetrics.functional import spearman_corrcoef
from torchmetrics.functional.classification import binary_auroc

from emlit.metrics import (
    auroc,
    auroc_interval,
    concordant_pairs,
    equal_bins,
    interval_of_ratio,
    pass_at_k,
    percentile_interval,
    powers_up_to,
    rank_correlation,
    resampled_counts,
)


def test_pass_at_k_is_the_mean_over_all_draws():
    for n in range(1, 7):
        for c in range(n + 1):
            outcomes = [1] * c + [0] * (n - c)
            for k in range(1, n + 1):
                draws = [max(draw) for draw in combinations(outcomes, k)]
                got = pass_at_k(torch.tensor([n]), torch.tensor([c]), k)
                assert got.item() == pytest.approx(sum(draws) / len(draws))


def test_pass_at_k_of_many_samples():
    # n = 1024, c = 1, k = 512: half of the draws hold the one right sample.
    assert pass_at_k(torch.tensor([1024]), torch.tensor([1]), 512).item() == pytest.approx(0.5)
    with pytest.raises(ValueError, match="k is 5; it must be between 1 and the 4 samples"):
        pass_at_k(torch.tensor([8, 4]), torch.tensor([1, 1]), 5)


def test_powers():
    assert [powers_up_to(n) for n in (1, 2, 4, 6, 16)] == [[1], [1, 2], [1, 2, 4], [1, 2, 4, 6], [1, 2, 4, 8, 16]]


def test_bootstrap_repeats_and_draws_whole_problems():
    counts = resampled_counts(7, resamples=50, seed=3)
    assert torch.equal(counts, resampled_counts(7, resamples=50, seed=3))
    assert not torch.equal(counts, resampled_counts(7, resamples=50, seed=4))
    assert (counts.sum(dim=1) == 7).all()


def test_interval_of_a_mean_has_the_width_of_theory():
    # 400 problems, half of them right: the standard error of the mean is 0.5 / 20 = 0.025.
    right = torch.tensor([0.0, 1.0], dtype=torch.float64).repeat(200)
    found = interval_of_ratio(right, torch.ones_like(right), resampled_counts(400, 4000))
    assert found.value == 0.5
    assert found.low == pytest.approx(0.5 - 1.96 * 0.025, abs=0.004)
    assert found.high == pytest.approx(0.5 + 1.96 * 0.025, abs=0.004)


def test_samples_of_a_problem_stay_together():
    # 100 problems with 4 equal samples each: the interval is that of 100 values, not of 400.
    right = torch.tensor([0.0, 4.0], dtype=torch.float64).repeat(50)
    found = interval_of_ratio(right, torch.full_like(right, 4), resampled_counts(100, 4000))
    assert found.high - found.low == pytest.approx(2 * 1.96 * 0.05, abs=0.015)


def test_ratio_is_of_sums():
    # 1 right of 1 and 0 right of 3: a quarter of the completions, not the mean of 1 and 0.
    found = interval_of_ratio(
        torch.tensor([1.0, 0.0]).double(), torch.tensor([1.0, 3.0]).double(), torch.eye(2).double()
    )
    assert found.value == 0.25
    assert (found.low, found.high) == pytest.approx((0.025, 0.975))


def test_resamples_without_a_value_are_left_out():
    found = percentile_interval(0.5, torch.tensor([float("nan"), 1.0, 1.0]))
    assert (found.low, found.high) == (1.0, 1.0)
    assert isnan(percentile_interval(0.5, torch.tensor([float("nan")])).low)


def test_auroc_by_hand():
    # Pairs (right, wrong): 3 > 2, 3 > 1, 1 < 2, 1 = 1: (1 + 1 + 0 + 1/2) / 4.
    assert auroc(torch.tensor([3.0, 1.0, 2.0, 1.0]), torch.tensor([1, 1, 0, 0])) == 0.625
    assert isnan(auroc(torch.tensor([1.0, 2.0]), torch.tensor([1, 1])))


def test_auroc_tells_scores_apart_that_a_sigmoid_would_not():
    score = -torch.tensor([1e-9, 2e-9, 3e-9, 1.5])
    correct = torch.tensor([1, 0, 0, 0])
    assert auroc(score, correct) == 1.0
    assert binary_auroc(score, correct) < 1.0  # why ranks are handed over


def test_auroc_interval_is_that_of_the_repeated_rows():
    generator = torch.Generator().manual_seed(0)
    score = torch.rand(24, generator=generator)
    correct = (torch.rand(24, generator=generator) < 0.5).long()
    problem = torch.arange(24) // 4
    counts = resampled_counts(6, 200)
    replicates = []
    for drawn in counts.long().tolist():
        rows = [row for p, times in enumerate(drawn) for _ in range(times) for row in range(4 * p, 4 * p + 4)]
        replicates.append(binary_auroc(score[rows], correct[rows]).item())
    found = auroc_interval(score, correct, problem, counts)
    expected = percentile_interval(binary_auroc(score, correct).item(), torch.tensor(replicates).double())
    assert (found.value, found.low, found.high) == pytest.approx(
        (expected.value, expected.low, expected.high), abs=1e-6
    )


def test_rank_correlation_is_spearmans():
    generator = torch.Generator().manual_seed(1)
    x, y = torch.rand(50, generator=generator), torch.randint(5, (50,), generator=generator).float()
    assert rank_correlation(x, y) == pytest.approx(spearman_corrcoef(x, y).item(), abs=1e-5)
    assert rank_correlation(torch.tensor([1.0, 2.0, 3.0]), torch.tensor([5.0, 6.0, 9.0])) == pytest.approx(1.0)


def test_against_a_binary_value_it_is_auroc_in_other_words():
    generator = torch.Generator().manual_seed(2)
    score, m = torch.rand(40, generator=generator), 40
    correct = (torch.rand(40, generator=generator) < 0.3).float()
    c = correct.sum().item()
    from_auroc = (2 * auroc(score, correct.long()) - 1) * sqrt(3 * c * (m - c) / (m**2 - 1))
    assert rank_correlation(score, correct) == pytest.approx(from_auroc, abs=1e-5)


def test_rank_correlation_with_more_ties_than_int32_can_sum():
    value = torch.zeros(70_000)
    value[69_000:] = 1
    # All of the right ones are on top: (2 - 1) sqrt(3 * 1000 * 69000) / 70000.
    assert rank_correlation(torch.arange(70_000.0), value) == pytest.approx(0.2055, abs=1e-3)


def test_rank_correlation_of_a_constant_is_unknown():
    assert isnan(rank_correlation(torch.ones(3), torch.arange(3.0)))


def test_concordant_pairs_stay_inside_a_problem():
    # Problem 0: right 2 over wrong 1, right 2 ties wrong 2. Problem 1: no wrong one, so no pair.
    score = torch.tensor([2.0, 1.0, 2.0, 9.0])
    higher, pairs = concordant_pairs(score, torch.tensor([1, 0, 0, 1]), torch.tensor([0, 0, 0, 1]), 2)
    assert higher.tolist() == [1.5, 0.0]
    assert pairs.tolist() == [2.0, 0.0]


def test_equal_bins():
    assert equal_bins(torch.tensor([5.0, 1.0, 3.0, 2.0]), 2).tolist() == [1, 0, 1, 0]
    assert equal_bins(torch.tensor([1.0, 1.0, 1.0, 2.0]), 4).tolist() == [1, 1, 1, 3]  # equal values share one
    assert torch.bincount(equal_bins(torch.rand(100), 10)).tolist() == [10] * 10
