"""How much each sampled token of a loss counts: plug-ins that multiply any policy loss, or SFT's."""

from abc import ABC, abstractmethod
from typing import Literal

import torch
from torch import Tensor

from emlit.errors import ConfigError, require_fraction, require_not_negative
from emlit.losses.lagged import Lagged, RoundStatistic
from emlit.losses.terms import LossInputs


class TokenWeights(Lagged, ABC):
    """Constant factors (B, T), at least 0, of the loss of each sampled token; 1 leaves it as it is, 0 drops it.

    Dropped tokens stay in the reduction's denominator. A weight depends on its own token, or on a `RoundStatistic`.
    """

    @abstractmethod
    def __call__(self, inputs: LossInputs, loss: Tensor) -> Tensor:
        """The weights of a micro-batch's tokens.

        Args:
            inputs: the tokens' stats, their completions and, in EM-RL, their advantages
            loss: (B, T), what they multiply
        """


class HighEntropyTokens(TokenWeights):
    """The 80/20 rule: only the tokens of highest entropy are trained on (arXiv 2506.01939).

    Kept are tokens at or above the entropy of the last step's quantile; the first step trains on all tokens.

    Args:
        share: of the tokens that is kept; the paper has 0.2
        mean_over: "kept" tokens, as released: they weigh 1 / share; "all", as TRL's `top_entropy_quantile` has it,
            which makes the gradient `share` times as large
    """

    def __init__(self, share: float = 0.2, mean_over: Literal["kept", "all"] = "kept") -> None:
        require_fraction("HighEntropyTokens", share=share)
        self.share, self.mean_over = share, mean_over
        self.threshold = RoundStatistic("quantile", 1 - share)

    def __call__(self, inputs: LossInputs, loss: Tensor) -> Tensor:
        entropy = inputs.stats.entropy.detach()
        threshold = self.threshold.of(entropy, inputs.batch.loss_mask)
        if threshold is None:
            return torch.ones_like(loss)
        kept = (entropy >= threshold).to(loss.dtype)
        return kept / self.share if self.mean_over == "kept" else kept


class SurprisingTokens(TokenWeights):
    """Entropy-SFT: only the tokens whose loss is large beside their entropy are learned (Light-IF, arXiv 2508.03178).

    Kept are the tokens with the largest -log p - entropy_weight * H, by the last step's quantile; they weigh 1 / share.
    For SFT, whose loss is -log p.

    Args:
        share: of the tokens that is kept
        entropy_weight: of H, a constant
    """

    def __init__(self, share: float = 0.8, entropy_weight: float = 0.8) -> None:
        require_fraction("SurprisingTokens", share=share)
        self.share, self.entropy_weight = share, entropy_weight
        self.threshold = RoundStatistic("quantile", 1 - share)

    def __call__(self, inputs: LossInputs, loss: Tensor) -> Tensor:
        surprise = (-inputs.stats.logprob - self.entropy_weight * inputs.stats.entropy).detach()
        threshold = self.threshold.of(surprise, inputs.batch.loss_mask)
        if threshold is None:
            return torch.ones_like(loss)
        return (surprise >= threshold).to(loss.dtype) / self.share


class PlanningTokens(TokenWeights):
    """HICRA's entropy variant: more for the uncertain tokens of good long completions (arXiv 2509.03646).

    Of completions with a positive advantage that are longer than their group's mean, the tokens above the `q`-quantile
    of their completion's entropies (number floor(q n) of n in order, from 0) weigh 1 + alpha. The paper finds its
    planning tokens by a list of phrases, mined with sentence embeddings and not published; this is the rule of a
    community port to TRL.

    Args:
        alpha: how much more
        q: which quantile
    """

    needs_rewards = True

    def __init__(self, alpha: float = 0.2, q: float = 0.7) -> None:
        require_not_negative("PlanningTokens", alpha=alpha)
        require_fraction("PlanningTokens", q=q)
        self.alpha, self.q = alpha, q

    def __call__(self, inputs: LossInputs, loss: Tensor) -> Tensor:
        batch, advantage = inputs.batch, require_advantage(inputs, "PlanningTokens")
        length = batch.completion_mask.sum(dim=1, keepdim=True)
        of_group = length.to(loss.dtype).view(-1, batch.samples_per_prompt)
        is_long = length > of_group.mean(dim=1, keepdim=True).expand_as(of_group).reshape(-1, 1)
        entropy = inputs.stats.entropy.detach()
        ordered = entropy.masked_fill(~batch.completion_mask, torch.inf).sort(dim=1).values
        threshold = ordered.gather(1, torch.minimum((length * self.q).long(), (length - 1).clamp(min=0)))
        above = batch.completion_mask & (entropy > threshold)
        return 1 + self.alpha * (above & is_long & (advantage > 0)).to(loss.dtype)


class EntropyScaledTokens(TokenWeights):
    """Agentic AEPO's advantage shaping: tokens weigh 1 + alpha z, z their standardised entropy (arXiv 2510.14545).

    z takes mean and deviation of the last step's entropies; where the factor would be negative it is 0. The official
    loss was not found; this is that of a third party's port, which standardises in each micro-batch.

    Args:
        alpha: of z
    """

    def __init__(self, alpha: float = 0.2) -> None:
        require_not_negative("EntropyScaledTokens", alpha=alpha)
        self.alpha = alpha
        self.mean, self.std = RoundStatistic("mean"), RoundStatistic("std")

    def __call__(self, inputs: LossInputs, loss: Tensor) -> Tensor:
        entropy, mask = inputs.stats.entropy.detach(), inputs.batch.loss_mask
        mean, std = self.mean.of(entropy, mask), self.std.of(entropy, mask)
        if mean is None or not std:
            return torch.ones_like(loss)
        return (1 + self.alpha * (entropy - mean) / std).clamp(min=0)


def require_advantage(inputs: LossInputs, name: str) -> Tensor:
    """The advantages; ConfigError in an objective that has none."""
    if inputs.advantage is None:
        raise ConfigError(f"{name} weighs tokens by their advantage; use it with EMRL")
    return inputs.advantage


def above_row_quantile(values: Tensor, mask: Tensor, q: float) -> Tensor:
    """Which values (B, T) are above the q-quantile of their row, counted over the tokens of a mask (B, T)."""
    ordered = values.masked_fill(~mask, torch.inf).sort(dim=1).values
    last = (mask.sum(dim=1, keepdim=True) - 1).clamp(min=0)
    place = (last * q).to(values.dtype)
    low = place.floor().long()
    below, over = ordered.gather(1, low), ordered.gather(1, torch.minimum(low + 1, last))
    return mask & (values > below + (over - below) * (place - low))
