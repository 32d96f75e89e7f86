"""Statistics of a step's tokens: the same however the step is cut, and known from the next one on."""

import pytest
import torch

from emlit.losses import RoundStatistic

torch.manual_seed(0)
VALUES, MASK = torch.rand(24, 7).exp() - 1, torch.rand(24, 7) < 0.6
EXPECTED = {
    "mean": VALUES[MASK].double().mean().item(),
    "std": VALUES[MASK].double().std(correction=0).item(),
    "max": VALUES[MASK].max().item(),
    "quantile": VALUES[MASK].double().quantile(0.8).item(),
}


def alone(value, how):
    return value


@pytest.mark.parametrize("kind", EXPECTED)
@pytest.mark.parametrize("cut", [1, 3, 24])
def test_however_a_step_is_cut(kind, cut):
    statistic = RoundStatistic(kind, 0.8 if kind == "quantile" else None)
    for values, mask in zip(VALUES.chunk(cut), MASK.chunk(cut), strict=True):
        statistic.observe(values, mask)
    assert statistic.value is None
    statistic.update(alone)
    assert statistic.value == pytest.approx(EXPECTED[kind], rel=0.04 if kind == "quantile" else 1e-9)


@pytest.mark.parametrize("q", [0.05, 0.3, 0.6, 0.9])
def test_a_quantile_of_values_of_both_signs(q):
    values, mask = torch.randn(200, 50, generator=torch.Generator().manual_seed(1)), torch.ones(200, 50) > 0
    statistic = RoundStatistic("quantile", q)
    statistic.observe(values, mask)
    statistic.update(alone)
    assert statistic.value == pytest.approx(values.double().quantile(q).item(), rel=0.05)


@pytest.mark.parametrize("kind", EXPECTED)
def test_two_processes_add_up_to_one(kind):
    q = 0.8 if kind == "quantile" else None
    halves, whole = [RoundStatistic(kind, q), RoundStatistic(kind, q)], RoundStatistic(kind, q)
    whole.observe(VALUES, MASK)
    for half, values, mask in zip(halves, VALUES.chunk(2), MASK.chunk(2), strict=True):
        half.observe(values, mask)
    seen = torch.stack([half._seen for half in halves])
    halves[0].update(lambda value, how: seen.amax(dim=0) if how == "max" else seen.sum(dim=0))
    whole.update(alone)
    assert halves[0].value == pytest.approx(whole.value, rel=1e-12)


@pytest.mark.parametrize("kind", ["mean", "std", "max"])
def test_a_step_that_says_nothing_changes_nothing(kind):
    statistic = RoundStatistic(kind)
    statistic.observe(VALUES, MASK)
    statistic.update(alone)
    known = statistic.value
    for values, mask in ((VALUES, MASK & False), (VALUES * float("nan"), MASK), (VALUES[:0], MASK[:0])):
        statistic.observe(values, mask)
        statistic.update(alone)
        assert statistic.value == known
    statistic.update(alone)
    assert statistic.value == known


def test_a_quantile_of_nothing_and_of_zeros():
    statistic = RoundStatistic("quantile", 0.5)
    statistic.observe(VALUES, MASK & False)
    statistic.update(alone)
    assert statistic.value is None
    statistic.observe(torch.zeros(2, 3), torch.ones(2, 3, dtype=torch.bool))
    statistic.update(alone)
    assert statistic.value < 1e-7


@pytest.mark.parametrize("size", [1e-6, 300.0, 1e5])
def test_a_quantile_of_values_of_any_size(size):
    values = size * torch.rand(200, 50, generator=torch.Generator().manual_seed(1))
    statistic = RoundStatistic("quantile", 0.998)
    statistic.observe(values, values >= 0)
    statistic.update(alone)
    assert statistic.value == pytest.approx(0.998 * size, rel=0.04)


@pytest.mark.parametrize(("kind", "q"), [("quantile", None), ("quantile", 1.0), ("mean", 0.5)])
def test_a_quantile_and_nothing_else_takes_q(kind, q):
    with pytest.raises(ValueError, match=f"a {kind} takes"):
        RoundStatistic(kind, q)


@pytest.mark.parametrize("kind", ["mean", "std", "max", "quantile"])
def test_a_micro_batch_may_go_by_itself(kind):
    values, mask = (
        torch.tensor([[0.5, 9.0, 2.0], [1.0, float("nan"), 3.0]]),
        torch.tensor([[1, 0, 1], [1, 1, 1]]).bool(),
    )
    kept = torch.tensor([0.5, 2.0, 1.0, 3.0], dtype=torch.float64)
    expected = {
        "mean": kept.mean(), "std": kept.std(correction=0), "max": kept.max(), "quantile": kept.quantile(0.3),
    }  # fmt: skip
    statistic = RoundStatistic(kind, 0.3 if kind == "quantile" else None)
    assert statistic.of(values, mask) is None  # of the step before, which there was not
    statistic.over = "micro_batch"
    assert statistic.of(values, mask) == pytest.approx(float(expected[kind]))
    assert statistic.of(values, torch.zeros_like(mask)) is None
