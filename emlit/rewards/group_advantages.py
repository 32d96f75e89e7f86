"""Advantages from a group's answers, its split by entropy, or its tokens."""

import math
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from emlit.errors import ConfigError, require_not_negative, require_positive
from emlit.functional import AnyStats, grpo_advantage, sequence_mean
from emlit.records import Prompt, RolloutBatch, sent
from emlit.rewards.advantage import Advantage
from emlit.rewards.answers import require_votes


def _mean(rewards: Tensor, weights: Tensor) -> Tensor:
    """Weighted mean of each row, (P, 1): of equal rewards exactly that reward, so that an equal group has none left."""
    first = rewards[:, :1]
    return first + ((rewards - first) * weights).sum(dim=1, keepdim=True) / weights.sum(dim=1, keepdim=True)


class CANON(Advantage):
    """Compares completions across, and within, the halves of high and low entropy of their group (arXiv 2509.23962).

    inter: a completion of the half of high mean entropy has A = r - alpha m_low, one of the other A = alpha r - m_high,
    with the halves' mean rewards. intra: A = r - its own half's mean. Entropies are of the policy before the round's
    first update. The released code divides A by 8,192, its longest completion; use a learning rate instead.

    Args:
        inter: its share of A; the rest is intra; 1 as released
        alpha: below 1 it favours high entropy, above 1 low entropy
    """

    needs_old = True

    def __init__(self, inter: float = 1.0, alpha: float = 1.0) -> None:
        if not 0 <= inter <= 1:
            raise ConfigError(f"inter of CANON is {inter}; it must be between 0 and 1")
        self.inter, self.alpha = inter, alpha

    def __call__(self, rewards: Tensor, batch: RolloutBatch, stats: AnyStats) -> Tensor:
        assert batch.old is not None
        entropy = sequence_mean(batch.old.entropy, batch.completion_mask).view_as(rewards)
        middle = rewards.shape[1] // 2
        high = torch.zeros_like(rewards).scatter(1, entropy.argsort(dim=1, stable=True)[:, middle:], 1.0)
        of_high, of_low = _mean(rewards, high), _mean(rewards, 1 - high)
        is_high = high.bool()
        inter = torch.where(is_high, rewards - self.alpha * of_low, self.alpha * rewards - of_high)
        intra = rewards - torch.where(is_high, of_high, of_low)
        return (self.inter * inter + (1 - self.inter) * intra).reshape(-1, 1)


class SEEDGRPO(Advantage):
    """(r - mean) f(SE / ln N): less for prompts whose answers are at odds (arXiv 2505.12346).

    SE is the semantic entropy of the group's answers, by counts. The repository holds no code: f and alpha are from
    notes of others. f(x) is 1 - alpha x (linear), e^(-alpha x) (exponential) or (1 - x)^alpha (focal).

    Args:
        alpha: how much less; at most 1 for linear
        shape: f
    """

    def __init__(self, alpha: float = 0.5, shape: Literal["linear", "exponential", "focal"] = "linear") -> None:
        if shape not in ("linear", "exponential", "focal"):
            raise ConfigError(f"shape of SEEDGRPO is {shape!r}; it must be linear, exponential or focal")
        if not alpha >= 0 or (shape == "linear" and alpha > 1):
            raise ConfigError(f"alpha of SEEDGRPO is {alpha}; it must be at least 0, and at most 1 where linear")
        self.alpha, self.shape = alpha, shape

    def check(self, prompts: Sequence[Prompt]) -> None:
        require_votes(prompts, "SEEDGRPO cannot vote; choose another advantage")

    def __call__(self, rewards: Tensor, batch: RolloutBatch, stats: AnyStats) -> Tensor:
        most = [math.log(len(group.completions) + len(group.votes)) for group in batch.groups]
        shares = [group.semantic_entropy() / each for group, each in zip(batch.groups, most, strict=True)]
        found = torch.tensor([self.factor(share) for share in shares])
        factor = sent(found.to(rewards.dtype), rewards.device).view(-1, 1)
        return (grpo_advantage(rewards, scale_rewards=False) * factor).reshape(-1, 1)

    def factor(self, share: float) -> float:
        """f, of the semantic entropy as a share of the largest possible."""
        if self.shape == "exponential":
            return math.exp(-self.alpha * share)
        return 1 - self.alpha * share if self.shape == "linear" else max(1 - share, 0.0) ** self.alpha


class HardPrompts(Advantage):
    """Confucius3-Math's weighting of prompts (PSHW): A = (r - mean) (1.256 - 0.256 mean), for r of 1 and -1.

    Rewards of 1 and 0 are taken as 1 and -1. A prompt that is always failed counts 1.512, one always solved 1.

    Args:
        slope: 0.256 as published
    """

    def __init__(self, slope: float = 0.256) -> None:
        require_not_negative("HardPrompts", slope=slope)
        self.slope = slope

    def __call__(self, rewards: Tensor, batch: RolloutBatch, stats: AnyStats) -> Tensor:
        signed = 2 * rewards - 1
        mean = _mean(signed, torch.ones_like(signed))
        return ((signed - mean) * (1 + self.slope - self.slope * mean)).reshape(-1, 1)


class TokenLevelGRPO(Advantage):
    """GRPO whose mean and deviation weigh each completion by its tokens (HAPO, arXiv 2509.16591).

    A group with an advantage of `largest` or more has GRPO's instead, as released.

    Args:
        eps: added to the standard deviation, in the reward's unit
        largest: of an advantage's size
    """

    def __init__(self, eps: float = 1e-6, largest: float = 5.0) -> None:
        require_not_negative("TokenLevelGRPO", eps=eps)
        require_positive("TokenLevelGRPO", largest=largest)
        self.eps, self.largest = eps, largest

    def __call__(self, rewards: Tensor, batch: RolloutBatch, stats: AnyStats) -> Tensor:
        tokens = batch.completion_mask.sum(dim=1).to(rewards.dtype).view_as(rewards).clamp(min=1)
        centred = rewards - _mean(rewards, tokens)
        std = ((centred.square() * tokens).sum(dim=1, keepdim=True) / tokens.sum(dim=1, keepdim=True)).sqrt()
        scale = std + self.eps
        advantage = centred / scale.masked_fill(scale == 0, 1.0)
        far = (advantage.abs() >= self.largest).any(dim=1, keepdim=True)
        return torch.where(far, grpo_advantage(rewards, self.eps), advantage).reshape(-1, 1)
