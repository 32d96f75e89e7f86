import pytest
import torch

from emlit.functional import grpo_advantage, rloo_advantage


def test_rloo_by_hand():
    # Row 1: others' means are 5/2, 4/2, 3/2. Row 2: no difference, no advantage.
    rewards = torch.tensor([[1.0, 2.0, 3.0], [4.0, 4.0, 4.0]])
    expected = torch.tensor([[-1.5, 0.0, 1.5], [0.0, 0.0, 0.0]])
    torch.testing.assert_close(rloo_advantage(rewards), expected)


def test_rloo_is_reward_minus_mean_of_the_others():
    rewards = torch.randn(5, 4, dtype=torch.float64)
    for i in range(4):
        others = torch.cat([rewards[:, :i], rewards[:, i + 1 :]], dim=1).mean(dim=1)
        torch.testing.assert_close(rloo_advantage(rewards)[:, i], rewards[:, i] - others)


def test_grpo_by_hand():
    # Mean 2, unbiased std 1.
    advantage = grpo_advantage(torch.tensor([[1.0, 2.0, 3.0]], dtype=torch.float64), eps=0.0)
    torch.testing.assert_close(advantage, torch.tensor([[-1.0, 0.0, 1.0]], dtype=torch.float64))


def test_grpo_of_equal_rewards_is_zero():
    assert grpo_advantage(torch.full((2, 4), 0.3)).abs().max() == 0


@pytest.mark.parametrize("advantage", [rloo_advantage, grpo_advantage])
def test_one_sample_has_nothing_to_compare_with(advantage):
    with pytest.raises(ValueError, match="at least 2"):
        advantage(torch.zeros(3, 1))
    with pytest.raises(ValueError, match="shape"):
        advantage(torch.zeros(3))


def test_grpo_without_the_standard_deviation_by_hand():
    # Dr. GRPO: the mean of (0, 0, 0, 1) is 1/4; that of (2, 4, 6, 8) is 5. No division.
    rewards = torch.tensor([[0.0, 0.0, 0.0, 1.0], [2.0, 4.0, 6.0, 8.0]])
    expected = torch.tensor([[-0.25, -0.25, -0.25, 0.75], [-3.0, -1.0, 1.0, 3.0]])
    torch.testing.assert_close(grpo_advantage(rewards, scale_rewards=False), expected)
    # It is RLOO's times (N - 1) / N.
    torch.testing.assert_close(grpo_advantage(rewards, scale_rewards=False), rloo_advantage(rewards) * 3 / 4)
