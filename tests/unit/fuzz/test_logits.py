"""Log-probability and entropy of extreme logits, against float64."""

import math

import torch
from hypothesis import given
from hypothesis import strategies as st

from emlit.functional import token_entropy, token_logprob, token_stats
from tests.unit.fuzz.cases import BROKEN, LOGITS, cases, matrices

TEMPERATURES = st.sampled_from([1.0, 0.01, 0.6, 2.0, 1e6])


def working(dtype: torch.dtype) -> torch.dtype:
    return torch.float64 if dtype == torch.float64 else torch.float32


def reference(logits, temperature):
    """log p (M, V) and H (M) in float64, of the numbers that a float32 softmax is given."""
    z = (logits.to(working(logits.dtype)) / temperature).double()
    logp = torch.log_softmax(z, dim=-1)
    return logp, torch.special.entr(logp.exp()).sum(dim=-1)


def is_distribution(logits, temperature):
    """Whether a row has a softmax: a finite maximum, and no nan."""
    return (logits.to(working(logits.dtype)) / temperature).amax(dim=-1).isfinite()


def draw_targets(data, logits):
    return torch.tensor([data.draw(st.integers(0, logits.shape[1] - 1)) for _ in range(len(logits))], dtype=torch.int64)


@cases(300)
@given(matrices(), TEMPERATURES, st.data())
def test_stats_are_those_of_float64(logits, temperature, data):
    targets = draw_targets(data, logits)
    stats = token_stats(logits, targets, temperature)
    good = is_distribution(logits, temperature)
    logp, entropy = reference(logits, temperature)
    expected = logp.gather(1, targets.unsqueeze(1)).squeeze(1)
    torch.testing.assert_close(stats.logprob[good].double(), expected[good], rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(stats.entropy[good].double(), entropy[good], rtol=1e-4, atol=1e-5)
    assert stats.entropy.dtype == stats.logprob.dtype == working(logits.dtype)
    assert (stats.logprob[good] <= 0).all()
    assert (stats.entropy[good] >= 0).all()
    assert (stats.entropy[good] <= math.log(logits.shape[1]) + 1e-5).all()
    assert stats.entropy[~good].isnan().all()
    assert stats.logprob[~good].isnan().all()
    torch.testing.assert_close(token_entropy(logits, temperature), stats.entropy, rtol=0, atol=0, equal_nan=True)
    torch.testing.assert_close(
        token_logprob(logits, targets, temperature), stats.logprob, rtol=0, atol=0, equal_nan=True
    )


@cases(150)
@given(matrices(), TEMPERATURES)
def test_gradient_is_finite_and_that_of_the_formula(logits, temperature):
    good = is_distribution(logits, temperature)
    logits = logits[good].detach().requires_grad_()
    token_entropy(logits, temperature).sum().backward()
    logp, entropy = reference(logits.detach(), temperature)
    p = logp.exp()
    # dH/dz = -p (log p + H); an impossible token has none.
    expected = -(p * logp.masked_fill(p == 0, 0.0) + p * entropy.unsqueeze(1)) / temperature
    assert logits.grad.isfinite().all()
    digits = {torch.bfloat16: 1e-2, torch.float16: 2e-3}.get(logits.dtype, 1e-4)
    torch.testing.assert_close(logits.grad.double(), expected, rtol=digits, atol=max(1e-5, digits / 10))


@cases(150)
@given(matrices(st.one_of(LOGITS, BROKEN)), st.data())
def test_a_row_does_not_depend_on_the_others(logits, data):
    targets = draw_targets(data, logits)
    together = token_stats(logits, targets)
    for row in range(len(logits)):
        alone = token_stats(logits[row : row + 1], targets[row : row + 1])
        for ours, theirs in zip(together, alone, strict=True):
            torch.testing.assert_close(ours[row : row + 1], theirs, rtol=1e-6, atol=1e-7, equal_nan=True)
    bad = ~is_distribution(logits, 1.0)
    assert torch.equal(together.entropy.isnan(), bad)
    assert torch.equal(together.logprob.isnan(), bad)


@cases(60)
@given(st.floats(-1e30, 1e30), st.integers(1, 200), st.floats(0.01, 100))
def test_equal_logits_have_the_largest_entropy(value, vocabulary, temperature):
    logits = torch.full((2, vocabulary), value)
    stats = token_stats(logits, torch.tensor([0, vocabulary - 1]), temperature)
    torch.testing.assert_close(stats.entropy, torch.full((2,), math.log(vocabulary)), rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(stats.logprob, -stats.entropy, rtol=1e-5, atol=1e-6)


@cases(60)
@given(st.integers(0, 30), st.floats(1e3, 1e30), st.sampled_from([torch.float32, torch.bfloat16, torch.float64]))
def test_a_certain_token_has_no_entropy(token, gap, dtype):
    logits = torch.zeros(1, 31, dtype=dtype)
    logits[0, token] = gap
    stats = token_stats(logits, torch.tensor([token]))
    assert stats.entropy.item() == 0
    assert stats.logprob.item() == 0
