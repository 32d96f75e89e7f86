"""Advantages that another one gives, changed by how uncertain tokens and completions are."""

from collections.abc import Sequence

import torch
from torch import Tensor

from emlit.errors import ConfigError, require_not_negative
from emlit.functional import AnyStats, LogprobAt, MoreStats, importance_ratio, sequence_mean
from emlit.losses import RoundStatistic
from emlit.records import Prompt, RolloutBatch
from emlit.rewards.advantage import GRPO, Advantage


class _Wrapped(Advantage):
    """Another one's advantages, changed.

    Args:
        base: whose advantages are changed; GRPO unless set
    """

    def __init__(self, base: Advantage | None = None) -> None:
        self.base = base if base is not None else GRPO()
        self.min_samples, self.between = self.base.min_samples, self.base.between
        self.needs, self.needs_old = tuple(self.base.needs), self.base.needs_old

    def check(self, prompts: Sequence[Prompt]) -> None:
        self.base.check(prompts)

    def statistics(self) -> dict[str, RoundStatistic]:
        return {**super().statistics(), **{f"base.{name}": each for name, each in self.base.statistics().items()}}


class UncertainTokens(_Wrapped):
    """A + min(alpha H, |A| / kappa) on every token: for exploring (arXiv 2506.14758). H is a constant.

    Args:
        base: whose advantages are changed; GRPO unless set
        alpha: of the entropy
        kappa: bounds it by a share of the advantage, so that no sign turns where it is above 1
    """

    def __init__(self, base: Advantage | None = None, alpha: float = 0.4, kappa: float = 2.0) -> None:
        super().__init__(base)
        if not alpha >= 0 or not kappa > 0:
            raise ConfigError(f"alpha of UncertainTokens is {alpha} and kappa {kappa}; they must be positive")
        self.alpha, self.kappa = alpha, kappa

    def __call__(self, rewards: Tensor, batch: RolloutBatch, stats: AnyStats) -> Tensor:
        advantage = self.base(rewards, batch, stats)
        return advantage + torch.minimum(self.alpha * stats.entropy, advantage.abs() / self.kappa)


class CertainResponses(_Wrapped):
    """ETTRL's reshaping: A clipped, times 1 + (H_group - H) / H_group, H a completion's mean (arXiv 2508.11356).

    No code is published. Beyond twice the group's mean entropy the factor is below 0, and turns the sign of A.

    Args:
        base: whose advantages are changed; GRPO unless set
        clip: largest size of A before; null for none
        reshape: false to clip alone
    """

    def __init__(self, base: Advantage | None = None, clip: float | None = 2.0, reshape: bool = True) -> None:
        super().__init__(base)
        if clip is not None and not clip > 0:
            raise ConfigError(f"clip of CertainResponses is {clip}; it must be positive, or null for none")
        self.clip, self.reshape = clip, reshape

    def __call__(self, rewards: Tensor, batch: RolloutBatch, stats: AnyStats) -> Tensor:
        advantage = self.base(rewards, batch, stats)
        if self.clip is not None:
            advantage = advantage.clamp(-self.clip, self.clip)
        if not self.reshape:
            return advantage
        entropy = sequence_mean(stats.entropy, batch.completion_mask).view_as(rewards)
        mean = entropy.mean(dim=1, keepdim=True)
        return advantage * (1 + (mean - entropy) / mean.clamp(min=1e-8)).reshape(-1, 1)


class EMPG(_Wrapped):
    """Entropy-modulated gradients of a single turn: A e^(-k h) / mean, centred again (arXiv 2509.09265).

    h is a completion's mean entropy under the policy before the round's first update, scaled to 0 to 1. Scaling, mean
    and centring are those of the group; the paper's and a third party's port take the batch's, which gives a group of
    equal rewards a gradient. The bonus for the clarity of the next turn needs turns.

    Args:
        base: whose advantages are changed; GRPO unless set
        k: how much less for uncertain completions
    """

    def __init__(self, base: Advantage | None = None, k: float = 1.0) -> None:
        super().__init__(base)
        require_not_negative("EMPG", k=k)
        self.k, self.needs_old = k, True

    def __call__(self, rewards: Tensor, batch: RolloutBatch, stats: AnyStats) -> Tensor:
        assert batch.old is not None
        entropy = sequence_mean(batch.old.entropy, batch.completion_mask).view_as(rewards)
        low, high = entropy.amin(dim=1, keepdim=True), entropy.amax(dim=1, keepdim=True)
        factor = (-self.k * (entropy - low) / (high - low).clamp(min=1e-8)).exp()
        factor = factor / factor.mean(dim=1, keepdim=True)
        found = self.base(rewards, batch, stats) * factor.reshape(-1, 1)
        counted = batch.completion_mask if found.shape[1] > 1 else torch.ones_like(found, dtype=torch.bool)
        sums = found.masked_fill(~counted, 0.0).sum(dim=1).view_as(rewards).sum(dim=1, keepdim=True)
        count = counted.sum(dim=1).view_as(rewards).sum(dim=1, keepdim=True).clamp(min=1)
        return found - (sums / count).expand_as(rewards).reshape(-1, 1)


class DCPO(_Wrapped):
    """(1 - a) A + a right p_T / p: imitates right answers as at another temperature (repository of 2510.08141).

    T is `hot` while the last step's entropy is at most `target`, else `cold`; a = b / (1 + b), b = min(|H - target|,
    most) / the last step's share of right completions, and 0 where none was (nan as released). p_T / p is a constant.
    Rewards above 1/2 count as right: k1 and `format_weight` move those of wrong ones off 0.

    Args:
        base: whose advantages are changed; GRPO unless set
        target: of the mean entropy, nats
        hot: a temperature above 1
        cold: one below
        most: of the distance from the target
    """

    def __init__(
        self, base: Advantage | None = None, target: float = 0.5, hot: float = 1.2, cold: float = 0.8,
        most: float = 0.1,
    ) -> None:  # fmt: skip
        super().__init__(base)
        if not 0 < cold < 1 < hot:
            raise ConfigError(f"cold of DCPO is {cold} and hot {hot}; one must be below 1, the other above")
        if not (target > 0 and most >= 0):
            raise ConfigError(f"target of DCPO is {target} and most {most}; they must be positive")
        self.target, self.most, self.between = target, most, (cold, hot)
        self.hot, self.cold = LogprobAt(hot), LogprobAt(cold)
        self.needs = (*self.needs, self.hot, self.cold)
        self.entropy, self.right = RoundStatistic("mean"), RoundStatistic("mean")

    def __call__(self, rewards: Tensor, batch: RolloutBatch, stats: AnyStats) -> Tensor:
        assert isinstance(stats, MoreStats)
        advantage, mean = self.base(rewards, batch, stats), self.entropy.of(stats.entropy, batch.loss_mask)
        is_right = rewards > 0.5
        known = is_right.to(rewards.dtype).masked_fill(rewards.isnan(), torch.nan)
        share = self.right.of(known, torch.ones_like(is_right))
        if mean is None or not share:
            return advantage
        gap = min(abs(mean - self.target), self.most) / share
        mixed = gap / (1 + gap)
        tempered = stats.extra[self.hot if mean <= self.target else self.cold]
        imitated = is_right.reshape(-1, 1) * importance_ratio(tempered, stats.logprob)
        return (1 - mixed) * advantage + mixed * imitated
