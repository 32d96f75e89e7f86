import math

import pytest
import torch

from emlit.functional import approx_kl


def test_by_hand():
    # d = log p - log q = log 2: k1 = log 2, k2 = (log 2)^2 / 2, k3 = 1/2 - 1 + log 2.
    logprob, reference = torch.tensor(math.log(0.5)), torch.tensor(math.log(0.25))
    assert approx_kl(logprob, reference, "k1").item() == pytest.approx(math.log(2))
    assert approx_kl(logprob, reference, "k2").item() == pytest.approx(math.log(2) ** 2 / 2)
    assert approx_kl(logprob, reference, "k3").item() == pytest.approx(math.log(2) - 0.5)


@pytest.mark.parametrize(("estimator", "tolerance"), [("k1", 1e-12), ("k3", 1e-12)])
def test_unbiased_ones_average_to_the_divergence(estimator, tolerance):
    p = torch.softmax(torch.randn(9, dtype=torch.float64, generator=torch.Generator().manual_seed(0)), 0)
    q = torch.softmax(torch.randn(9, dtype=torch.float64, generator=torch.Generator().manual_seed(1)), 0)
    divergence = (p * (p.log() - q.log())).sum()
    assert (p * approx_kl(p.log(), q.log(), estimator)).sum().item() == pytest.approx(divergence.item(), abs=tolerance)


def test_k3_is_never_negative_and_stays_finite():
    logprob = torch.tensor([-2e4, -1.0, 0.0], requires_grad=True)
    k3 = approx_kl(logprob, torch.tensor([0.0, -1.0, -2e4]), "k3")
    k3.sum().backward()
    assert torch.isfinite(k3).all()
    assert torch.isfinite(logprob.grad).all()
    assert k3[1] == 0
    assert k3[2] > 0


@pytest.mark.parametrize("estimator", ["k1", "k2", "k3"])
def test_gradients(estimator):
    logprob = torch.randn(6, dtype=torch.float64, requires_grad=True)
    reference = torch.randn(6, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda x: approx_kl(x, reference, estimator), logprob)


@pytest.mark.parametrize(("estimator", "direction"), [("k1", "none"), ("k2", "forward"), ("k3", "reverse")])
def test_expected_gradient_as_a_penalty(estimator, direction):
    # On samples of the policy, held fixed: sum_x p(x) d/dz estimate(x), against autograd through the whole divergence.
    z = torch.randn(7, dtype=torch.float64, generator=torch.Generator().manual_seed(2), requires_grad=True)
    q = torch.softmax(torch.randn(7, dtype=torch.float64, generator=torch.Generator().manual_seed(3)), 0)
    logp = torch.log_softmax(z, 0)
    (logp.exp().detach() * approx_kl(logp, q.log(), estimator)).sum().backward()
    found, z.grad = z.grad, None
    logp = torch.log_softmax(z, 0)
    divergence = {
        "none": 0.0 * logp.sum(),
        "forward": (logp.exp() * (logp - q.log())).sum(),
        "reverse": (q * (q.log() - logp)).sum(),
    }[direction]
    divergence.backward()
    torch.testing.assert_close(found, z.grad, rtol=1e-9, atol=1e-12)


def test_unknown_estimator():
    with pytest.raises(ValueError, match="'k4'"):
        approx_kl(torch.zeros(1), torch.zeros(1), "k4")
