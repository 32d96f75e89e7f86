"""KL estimates, policy losses and advantages of extreme numbers, against float64."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from emlit.functional import approx_kl, grpo_advantage, policy_gradient_loss, rloo_advantage
from tests.unit.fuzz.cases import cases

LOGPROBS = st.one_of(st.floats(-30, 0), st.sampled_from([0.0, -1e-8, -1e-4, -19.0, -21.0, -104.0, -1e9, -1e30]))
PAIRS = st.lists(st.tuples(LOGPROBS, LOGPROBS), max_size=6)
FLOATS = st.sampled_from([torch.float32, torch.float64])


def columns(rows, dtype, count):
    return torch.tensor(rows, dtype=torch.float64).reshape(-1, count).to(dtype).unbind(dim=1)


@cases(200)
@given(PAIRS, FLOATS, st.sampled_from(["k1", "k2", "k3"]))
def test_kl_estimates(pairs, dtype, estimator):
    logprob, reference = columns(pairs, dtype, 2)
    logprob = logprob.clone().requires_grad_()
    kl = approx_kl(logprob, reference, estimator)
    (gradient,) = torch.autograd.grad(kl.sum(), logprob)
    d = (logprob.detach() - reference).double()
    clipped = d.clamp(min=-20)
    expected, slope = {
        "k1": (d, torch.ones_like(d)),
        "k2": (d.square() / 2, d),
        "k3": (torch.expm1(-clipped) + clipped, torch.where(d >= -20, -torch.expm1(-clipped), 0.0)),
    }[estimator]
    fits = expected.abs() < torch.finfo(dtype).max
    torch.testing.assert_close(kl[fits].double(), expected[fits], rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(gradient.double(), slope, rtol=1e-5, atol=1e-6)
    if estimator != "k1":
        assert (kl >= 0).all()
        assert (kl[d == 0] == 0).all()


@cases(200)
@given(
    st.lists(st.tuples(LOGPROBS, LOGPROBS, st.floats(-1e3, 1e3)), max_size=6),
    FLOATS,
    st.sampled_from([None, 0.01, 0.2, 5.0]),
    st.sampled_from([None, 1.0, 2.0, 1e6]),
    st.booleans(),
)
def test_policy_gradient_loss(rows, dtype, clip, cap, importance):
    logprob, old, advantage = columns(rows, dtype, 3)
    logprob = logprob.clone().requires_grad_()
    if (clip is not None or cap is not None) and not importance:
        with pytest.raises(ValueError, match="need old_logprob"):
            policy_gradient_loss(logprob, advantage, None, clip, cap)
        return
    loss, ratios, clipped, capped = policy_gradient_loss(logprob, advantage, old if importance else None, clip, cap)
    (gradient,) = torch.autograd.grad(loss.sum(), logprob)
    assert loss.isfinite().all()
    assert gradient.isfinite().all()
    a, d = advantage.double(), (logprob.detach() - old).double()
    if not importance:
        torch.testing.assert_close(loss.double(), -a * logprob.detach().double(), rtol=1e-5, atol=0)
        torch.testing.assert_close(gradient.double(), -a, rtol=1e-5, atol=0)
        return
    ratio = d.clamp(-20, 20).exp()
    torch.testing.assert_close(ratios.double(), ratio, rtol=1e-4, atol=1e-8)
    weight = ratio if cap is None else ratio.clamp(max=cap)
    expected = -a * weight
    if cap is not None:
        assert (weight[capped] == cap).all()
        assert (gradient.double().abs() <= a.abs() * cap * (1 + 1e-5)).all()
    if clip is not None:
        expected = torch.maximum(expected, -a * ratio.clamp(1 - clip, 1 + clip))
        assert (loss >= policy_gradient_loss(logprob, advantage, old, cap=cap).loss).all()
        assert (gradient[clipped] == 0).all()
    else:
        assert not clipped.any()
    torch.testing.assert_close(loss.double(), expected, rtol=1e-4, atol=1e-5)


@st.composite
def rewards(draw):
    shape = draw(st.integers(0, 3)), draw(st.integers(2, 6))
    reward = st.one_of(st.floats(-10, 10), st.sampled_from([0.0, 0.1, -1000.1, 1e-8, 1e6, 1e15]))
    if draw(st.booleans()):
        row = draw(st.lists(reward, min_size=shape[0], max_size=shape[0]))
        return torch.tensor(row, dtype=torch.float64).reshape(-1, 1).repeat(1, shape[1]).to(draw(FLOATS))
    values = draw(st.lists(reward, min_size=shape[0] * shape[1], max_size=shape[0] * shape[1]))
    return torch.tensor(values, dtype=torch.float64).reshape(shape).to(draw(FLOATS))


@cases(200)
@given(rewards())
def test_advantages(reward):
    exact, n = reward.double(), reward.shape[1]
    size = exact.abs().amax(dim=1, keepdim=True) if reward.numel() else exact[:, :1]
    rounding = 10 * torch.finfo(reward.dtype).eps * size
    leave_one_out = (n * exact - exact.sum(dim=1, keepdim=True)) / (n - 1)
    rloo, grpo = rloo_advantage(reward), grpo_advantage(reward)
    assert ((rloo - leave_one_out).abs() <= rounding + 1e-7).all()
    assert (rloo.double().sum(dim=1, keepdim=True).abs() <= n * rounding + 1e-7).all()
    assert grpo.isfinite().all()
    # No standardised value of n is farther than (n - 1) / sqrt(n) from 0.
    assert (grpo.abs() <= n**0.5).all()
    assert ((grpo * rloo) >= 0).all()
    equal = (reward == reward[:, :1]).all(dim=1)
    assert (rloo[equal] == 0).all()
    assert (grpo[equal] == 0).all()


@cases(30)
@given(st.integers(0, 3), st.integers(0, 1), st.sampled_from([rloo_advantage, grpo_advantage]))
def test_a_group_of_one_is_refused(prompts, samples, advantage):
    with pytest.raises(ValueError, match="needs at least 2 of them"):
        advantage(torch.zeros(prompts, samples))
