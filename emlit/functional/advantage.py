"""Advantages inside a group of completions of the same prompt."""

from torch import Tensor


def _require_group(rewards: Tensor, name: str) -> None:
    if rewards.ndim != 2:
        raise ValueError(f"{name} needs rewards of shape (prompts, samples), got {tuple(rewards.shape)}")
    if rewards.shape[1] < 2:
        raise ValueError(
            f"{name} compares samples of the same prompt and needs at least 2 of them, got {rewards.shape[1]}"
        )


def _centred(rewards: Tensor) -> Tensor:
    # Equal rewards must give 0, and the mean of equal numbers is not always that number.
    rewards = rewards - rewards[:, :1]
    return rewards - rewards.mean(dim=1, keepdim=True)


def rloo_advantage(rewards: Tensor) -> Tensor:
    """REINFORCE leave-one-out: each reward minus the mean of the others in its group (arXiv 2402.14740).

    A_i = r_i - sum_{j != i} r_j / (N - 1) = N / (N - 1) * (r_i - mean(r))

    Args:
        rewards: (P, N), N completions of each of P prompts

    Returns:
        (P, N); each row sums to 0

    Raises:
        ValueError: N < 2
    """
    _require_group(rewards, "rloo_advantage")
    n = rewards.shape[1]
    return _centred(rewards) * (n / (n - 1))


def grpo_advantage(rewards: Tensor, eps: float = 1e-6, scale_rewards: bool = True) -> Tensor:
    """Group-relative: (r - mean) / (std + eps), with the unbiased std (arXiv 2402.03300).

    Args:
        rewards: (P, N), N completions of each of P prompts
        eps: added to the standard deviation; a group of equal rewards gets 0
        scale_rewards: divide by the standard deviation; False is Dr. GRPO's r - mean (arXiv 2503.20783)

    Returns:
        (P, N)

    Raises:
        ValueError: N < 2
    """
    _require_group(rewards, "grpo_advantage")
    centred = _centred(rewards)
    if not scale_rewards:
        return centred
    scale = centred.std(dim=1, keepdim=True) + eps
    return centred / scale.masked_fill(scale == 0, 1.0)
