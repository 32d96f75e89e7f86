import math

import pytest
import torch

from emlit.functional import token_entropy, token_logprob, token_stats


def reference_entropy(logits: torch.Tensor, temperature: float = 1.0) -> torch.Tensor:
    """Straight from the definition, in float64."""
    p = torch.softmax(logits.double() / temperature, dim=-1)
    return torch.special.entr(p).sum(dim=-1)


@pytest.mark.parametrize("scale", [0.1, 1.0, 20.0, 1e4])
@pytest.mark.parametrize("temperature", [0.5, 1.0, 1.7])
def test_entropy_is_that_of_the_definition(scale, temperature):
    logits = torch.randn(3, 5, 1000, generator=torch.Generator().manual_seed(0)) * scale
    logits = logits.clamp(-1e4, 1e4)
    torch.testing.assert_close(
        token_entropy(logits, temperature).double(), reference_entropy(logits, temperature), rtol=1e-5, atol=1e-6
    )
    torch.testing.assert_close(
        token_entropy(logits.double(), temperature), reference_entropy(logits, temperature), rtol=1e-12, atol=1e-12
    )


def test_known_values():
    # Uniform over 8: log 8. Two tokens at 3:1: log 4 - 0.75 log 3.
    assert token_entropy(torch.zeros(8)).item() == pytest.approx(math.log(8))
    assert token_entropy(torch.tensor([math.log(3.0), 0.0])).item() == pytest.approx(math.log(4) - 0.75 * math.log(3))


def test_one_hot_rows_have_zero_entropy_and_zero_gradient():
    logits = torch.tensor([[1e4, -1e4, -1e4], [0.0, -math.inf, -math.inf]], requires_grad=True)
    entropy = token_entropy(logits)
    entropy.sum().backward()
    assert entropy.tolist() == [0.0, 0.0]
    assert logits.grad.tolist() == [[0.0] * 3, [0.0] * 3]


def test_impossible_tokens_do_not_count():
    logits = torch.tensor([[1.0, 2.0, -math.inf]], requires_grad=True)
    entropy = token_entropy(logits)
    entropy.backward()
    assert entropy.item() == pytest.approx(token_entropy(torch.tensor([1.0, 2.0])).item())
    assert torch.isfinite(logits.grad).all()


def test_a_row_does_not_depend_on_the_others():
    # The released EM-INF sums p log p over the whole batch.
    logits = torch.randn(6, 50, generator=torch.Generator().manual_seed(1)) * 3
    alone = torch.stack([token_entropy(row) for row in logits])
    torch.testing.assert_close(token_entropy(logits), alone)


def test_dtypes():
    for dtype in (torch.float16, torch.bfloat16, torch.float32):
        logits = torch.randn(2, 9).to(dtype)
        assert token_entropy(logits).dtype == torch.float32
        assert token_logprob(logits, torch.tensor([0, 1])).dtype == torch.float32
    assert token_entropy(torch.randn(2, 9, dtype=torch.float64)).dtype == torch.float64


def test_gradients():
    logits = torch.randn(4, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(2), requires_grad=True)
    targets = torch.tensor([0, 3, 6, 2])
    assert torch.autograd.gradcheck(lambda z: token_entropy(z, 0.7), logits)
    assert torch.autograd.gradcheck(lambda z: token_logprob(z, targets, 0.7), logits)


def test_entropy_gradient_has_its_closed_form():
    # dH/dz = -p (log p + H)
    logits = torch.randn(5, 11, dtype=torch.float64, generator=torch.Generator().manual_seed(3), requires_grad=True)
    token_entropy(logits).sum().backward()
    logp = torch.log_softmax(logits.detach(), dim=-1)
    entropy = -(logp.exp() * logp).sum(dim=-1, keepdim=True)
    torch.testing.assert_close(logits.grad, -logp.exp() * (logp + entropy))


def test_logprob_of_extreme_logits_is_exact():
    logits = torch.tensor([[1e4, 0.0, -1e4]])
    assert token_logprob(logits, torch.tensor([2])).item() == -2e4
    assert token_logprob(logits, torch.tensor([0])).item() == 0.0


def test_stats_are_both():
    logits, targets = torch.randn(2, 3, 13), torch.randint(13, (2, 3))
    stats = token_stats(logits, targets, 0.8)
    torch.testing.assert_close(stats.logprob, token_logprob(logits, targets, 0.8))
    torch.testing.assert_close(stats.entropy, token_entropy(logits, 0.8))
