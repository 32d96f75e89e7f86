import math

import pytest
import torch

from emlit.functional import linear_self_certainty, linear_token_stats, self_certainty


def test_by_hand():
    # p = (1/4, 3/4), U = (1/2, 1/2): KL(U || p) = (log 2 + log(2/3)) / 2 = log(4/3) / 2.
    logits = torch.tensor([[0.25, 0.75]], dtype=torch.float64).log()
    torch.testing.assert_close(self_certainty(logits), torch.tensor([math.log(4 / 3) / 2], dtype=torch.float64))


def test_is_the_divergence_of_the_uniform_distribution():
    logits = torch.randn(3, 5, 17, dtype=torch.float64) * 4
    p = torch.softmax(logits / 0.7, dim=-1)
    expected = ((1 / 17) * ((1 / 17) / p).log()).sum(dim=-1)
    torch.testing.assert_close(self_certainty(logits, 0.7), expected)


def test_knowing_nothing_is_zero_and_an_impossible_token_infinite():
    assert self_certainty(torch.full((4, 9), 2.5)).abs().max() < 1e-6
    assert self_certainty(torch.tensor([0.0, -torch.inf])) == torch.inf


def test_a_shift_of_all_logits_changes_nothing():
    logits = torch.randn(6, 11, dtype=torch.float64)
    torch.testing.assert_close(self_certainty(logits + 100), self_certainty(logits))


@pytest.mark.parametrize("with_bias", [False, True])
@pytest.mark.parametrize("softcap", [None, 3.0])
@pytest.mark.parametrize("temperature", [1.0, 0.6])
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-5), (torch.bfloat16, 1e-5)]
)
def test_from_hidden_states(with_bias, softcap, temperature, dtype, tolerance):
    torch.manual_seed(0)
    hidden, weight, bias = torch.randn(33, 24).to(dtype), torch.randn(700, 24).to(dtype), torch.randn(700).to(dtype)
    targets = torch.randint(0, 700, (33,))
    bias = bias if with_bias else None
    logprob = linear_token_stats(hidden, weight, targets, bias, temperature, softcap=softcap).logprob
    found = linear_self_certainty(hidden, weight, targets, logprob, bias, temperature, softcap)
    logits = hidden.double() @ weight.double().T + (0 if bias is None else bias.double())
    if softcap:
        logits = softcap * torch.tanh(logits / softcap)
    assert found.dtype == torch.promote_types(dtype, torch.float32)
    torch.testing.assert_close(found.double(), self_certainty(logits, temperature), rtol=tolerance, atol=tolerance)


def test_a_temperature_for_each_token():
    hidden, weight = torch.randn(4, 6, dtype=torch.float64), torch.randn(9, 6, dtype=torch.float64)
    targets, temperature = torch.tensor([0, 3, 8, 1]), torch.tensor([0.5, 1.0, 2.0, 3.0], dtype=torch.float64)
    logprob = linear_token_stats(hidden, weight, targets, temperature=temperature).logprob
    found = linear_self_certainty(hidden, weight, targets, logprob, temperature=temperature)
    torch.testing.assert_close(found, self_certainty(hidden @ weight.T, temperature.unsqueeze(1)))


def test_shapes_that_do_not_fit():
    with pytest.raises(ValueError, match="logprob is"):
        linear_self_certainty(torch.zeros(2, 3), torch.zeros(5, 3), torch.tensor([0, 1]), torch.zeros(3))
    with pytest.raises(ValueError, match="temperature is 0"):
        linear_self_certainty(torch.zeros(2, 3), torch.zeros(5, 3), torch.tensor([0, 1]), torch.zeros(2), temperature=0)
