import pytest
import torch

from emlit.functional import Normaliser, policy_gradient_loss, reduce_tokens, sequence_mean


def test_all_forms_have_the_same_gradient_on_policy():
    advantage = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64)
    gradients = []
    for old, clip, cap in (
        (False, None, None),
        (True, None, None),
        (True, 0.2, None),
        (True, None, 2.0),
        (True, 0.2, 2.0),
    ):
        logprob = torch.tensor([-1.0, -0.1, -3.0], dtype=torch.float64, requires_grad=True)
        policy_gradient_loss(logprob, advantage, logprob.detach() if old else None, clip, cap).loss.sum().backward()
        gradients.append(logprob.grad)
    for gradient in gradients:
        torch.testing.assert_close(gradient, -advantage)


def test_clip_by_hand():
    # Ratios 1.5, 1.5, 0.5, 0.5 against advantages +, -, +, -: PPO clips a gain past 1.2 and a fall past 0.8.
    ratio = torch.tensor([1.5, 1.5, 0.5, 0.5], dtype=torch.float64)
    advantage = torch.tensor([1.0, -1.0, 1.0, -1.0], dtype=torch.float64)
    found = policy_gradient_loss(ratio.log(), advantage, torch.zeros(4, dtype=torch.float64), clip=0.2)
    torch.testing.assert_close(found.loss, torch.tensor([-1.2, 1.5, -0.5, 0.8], dtype=torch.float64))
    torch.testing.assert_close(found.ratio, ratio)
    assert found.clipped.tolist() == [True, False, False, True]
    assert not found.capped.any()


def test_cap_by_hand():
    # Weights 3 and 0.5 under a cap of 2: values min(w, cap) A, gradients -A min(w, cap), the capped one's included.
    logprob = torch.tensor([3.0, 0.5], dtype=torch.float64).log().requires_grad_()
    advantage, old = torch.tensor([-1.0, 2.0], dtype=torch.float64), torch.zeros(2, dtype=torch.float64)
    found = policy_gradient_loss(logprob, advantage, old, cap=2.0)
    torch.testing.assert_close(found.loss, torch.tensor([2.0, -1.0], dtype=torch.float64))
    assert found.capped.tolist() == [True, False]
    found.loss.sum().backward()
    torch.testing.assert_close(logprob.grad, torch.tensor([2.0, -1.0], dtype=torch.float64))


def test_clip_and_cap_by_hand():
    # A < 0 and w = 5: PPO's max(5, 1.2) would push with 5, the cap lets 2 through. A > 0 and w = 5 is clipped at 1.2.
    logprob = torch.tensor([5.0, 5.0], dtype=torch.float64).log().requires_grad_()
    advantage, old = torch.tensor([-1.0, 1.0], dtype=torch.float64), torch.zeros(2, dtype=torch.float64)
    found = policy_gradient_loss(logprob, advantage, old, clip=0.2, cap=2.0)
    torch.testing.assert_close(found.loss, torch.tensor([2.0, -1.2], dtype=torch.float64))
    found.loss.sum().backward()
    torch.testing.assert_close(logprob.grad, torch.tensor([2.0, 0.0], dtype=torch.float64))


def test_a_cap_at_the_edge_of_the_clip_keeps_the_whole_gradient():
    # A < 0 and w = e^0.9 > 1.2: both terms are 1.2, and the gradient is that of the capped one, 1.2.
    logprob = torch.tensor([0.9], dtype=torch.float64, requires_grad=True)
    old, advantage = torch.zeros(1, dtype=torch.float64), torch.tensor([-1.0], dtype=torch.float64)
    policy_gradient_loss(logprob, advantage, old, clip=0.2, cap=1.2).loss.backward()
    assert logprob.grad.item() == pytest.approx(1.2)


def test_clipped_tokens_have_no_gradient():
    logprob = torch.tensor([0.5], requires_grad=True)
    policy_gradient_loss(logprob, torch.tensor([1.0]), torch.zeros(1), clip=0.2).loss.backward()
    assert logprob.grad.item() == 0


def test_gradients():
    old = torch.randn(5, dtype=torch.float64) * 0.05
    advantage = torch.randn(5, dtype=torch.float64)
    logprob = (torch.randn(5, dtype=torch.float64) * 0.05).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: policy_gradient_loss(x, advantage, old, 0.5).loss, logprob)


def test_advantage_is_a_constant():
    advantage = torch.ones(2, requires_grad=True)
    policy_gradient_loss(torch.zeros(2, requires_grad=True), advantage).loss.sum().backward()
    assert advantage.grad is None


def test_bad_arguments():
    with pytest.raises(ValueError, match="old_logprob"):
        policy_gradient_loss(torch.zeros(1), torch.zeros(1), clip=0.2)
    with pytest.raises(ValueError, match="at least 1"):
        policy_gradient_loss(torch.zeros(1), torch.zeros(1), torch.zeros(1), cap=0.5)
    with pytest.raises(ValueError, match="positive"):
        policy_gradient_loss(torch.zeros(1), torch.zeros(1), torch.zeros(1), clip=0.0)


VALUES = torch.tensor([[1.0, 2.0, 3.0], [10.0, torch.nan, torch.nan]])
MASK = torch.tensor([[True, True, True], [True, False, False]])


@pytest.mark.parametrize(
    ("reduction", "expected"),
    # token mean 16 / 4; mean of means (2 + 10) / 2; mean of sums (6 + 10) / 2
    [("token_mean", 4.0), ("sequence_mean", 6.0), ("sequence_sum", 8.0)],
)
def test_reductions_by_hand(reduction, expected):
    whole = Normaliser(tokens=4, sequences=2)
    assert reduce_tokens(VALUES, MASK, reduction, whole).item() == pytest.approx(expected)
    parts = sum(reduce_tokens(VALUES[i : i + 1], MASK[i : i + 1], reduction, whole) for i in range(2))
    assert parts.item() == pytest.approx(expected)


def test_an_empty_micro_batch_adds_nothing():
    nothing = torch.zeros(2, 3, dtype=torch.bool)
    for reduction in ("token_mean", "sequence_mean", "sequence_sum"):
        assert reduce_tokens(VALUES, nothing, reduction, Normaliser(0, 0)).item() == 0


def test_sequence_mean():
    assert sequence_mean(VALUES, MASK).tolist() == [2.0, 10.0]


def test_unknown_reduction():
    with pytest.raises(ValueError, match="token_mean"):
        reduce_tokens(VALUES, MASK, "mean", Normaliser(1, 1))
