"""PPO whose bounds go by each token's entropy: HAPO (arXiv 2509.16591) and agentic AEPO (arXiv 2510.14545)."""

import math
from typing import Literal

import torch
from torch import Tensor

from emlit.errors import require_fraction, require_not_negative
from emlit.functional import AnyStats, importance_ratio, policy_gradient_loss
from emlit.losses.lagged import RoundStatistic
from emlit.losses.policy_update import PPO, PolicyUpdate, curves, require_clips
from emlit.records import RolloutBatch

_LEAST_ENTROPY = 1e-8


class HAPO(PolicyUpdate):
    """PPO that gives uncertain tokens room upwards and certain ones room downwards, and moves the advantage likewise.

    h = log H - log of the last step's `pivot`-quantile of H, divided by its largest value above 0 or below it, so that
    -1 <= h <= 1. Tokens of h > 0 have the bounds 1 - clip and 1 + clip (1 + alpha h), the others 1 - clip (1 - alpha h)
    and 1 + clip. A becomes A (1 + beta h) for h > 0 outside of (1 - low / 2, 1 + high / 2), for h <= 0 inside of it.

    Args:
        clip: half-width of the interval at h = 0
        pivot: which quantile of the entropy is h = 0
        alpha: how far bounds move; 0 leaves them
        beta: how far advantages move; 0 leaves them
        dual_clip: as of PPO; None for none; the released script has 10
        scale: "paper" as above; "released", where the division by a negative number makes h of the certain tokens
            positive, so that for them nothing is ever different from h > 0
    """

    off_policy = True

    def __init__(
        self,
        clip: float = 0.2,
        pivot: float = 0.8,
        alpha: float = 1.0,
        beta: float = 1.0,
        dual_clip: float | None = 10.0,
        scale: Literal["paper", "released"] = "paper",
    ) -> None:
        require_clips("HAPO", clip, None, dual_clip)
        require_fraction("HAPO", pivot=pivot)
        require_not_negative("HAPO", alpha=alpha, beta=beta)
        self.clip, self.alpha, self.beta, self.dual_clip, self.scale = clip, alpha, beta, dual_clip, scale
        self.pivot = RoundStatistic("quantile", pivot)
        self.above, self.below = RoundStatistic("max"), RoundStatistic("max")

    def relative_entropy(self, entropy: Tensor, mask: Tensor) -> Tensor:
        """h (B, T), without a unit; 0 in the first two steps, when its scale is not known."""
        entropy = entropy.detach()
        pivot = self.pivot.of(entropy, mask)
        if pivot is None:
            return torch.zeros_like(entropy)
        h = entropy.clamp(min=_LEAST_ENTROPY).log() - math.log(max(pivot, _LEAST_ENTROPY))
        above, below = self.above.of(h, mask), self.below.of(-h, mask)
        if above is None or below is None:
            return torch.zeros_like(entropy)
        down = 1.0 if self.scale == "paper" else -1.0
        scaled = torch.where(h > 0, h / max(above, _LEAST_ENTROPY), h / max(below, _LEAST_ENTROPY) * down)
        return scaled.clamp(-1.0, 1.0)  # tokens beyond those of the last step

    def __call__(self, stats: AnyStats, advantage: Tensor, batch: RolloutBatch) -> tuple[Tensor, dict[str, Tensor]]:
        assert batch.sampler_logprobs is not None
        h = self.relative_entropy(stats.entropy, batch.loss_mask)
        low = torch.where(h > 0, self.clip, self.clip * (1 - self.alpha * h))
        high = torch.where(h > 0, self.clip * (1 + self.alpha * h), self.clip)
        ratio = importance_ratio(stats.logprob.detach(), batch.sampler_logprobs)
        near = (ratio > 1 - low / 2) & (ratio < 1 + high / 2)
        advantage = torch.where((h > 0) == near, advantage, advantage * (1 + self.beta * h))
        found = policy_gradient_loss(
            stats.logprob, advantage, batch.sampler_logprobs, low, clip_high=high, dual_clip=self.dual_clip
        )
        return found.loss, {**curves(found), "policy/relative_entropy": h}


class EntropyPPO(PPO):
    """PPO that keeps the gradient of uncertain tokens which its upper bound clips: agentic AEPO's loss.

    Where the entropy is above the last step's mean, a ratio above 1 + clip_high counts as that bound and keeps its
    gradient. The official loss was not found; a third party's port keeps it where the entropy is at
    most the mean, against the paper. Its advantage shaping is `EntropyScaledTokens`.

    Args:
        clip: half-width of the interval for the ratio
        cap: largest importance weight; none unless set
        clip_high: how far above 1 the interval reaches, where that is not `clip`
        dual_clip: as of PPO; none unless set
    """

    def __init__(
        self,
        clip: float = 0.2,
        cap: float | None = None,
        clip_high: float | None = None,
        dual_clip: float | None = None,
    ) -> None:
        super().__init__(clip, cap, clip_high, dual_clip)
        self.entropy = RoundStatistic("mean")

    def __call__(self, stats: AnyStats, advantage: Tensor, batch: RolloutBatch) -> tuple[Tensor, dict[str, Tensor]]:
        mean = self.entropy.of(stats.entropy, batch.loss_mask)
        found = policy_gradient_loss(
            stats.logprob, advantage, batch.sampler_logprobs, self.clip, self.cap, self.clip_high, self.dual_clip,
            keeps_gradient=stats.entropy.detach() > (math.inf if mean is None else mean),
        )  # fmt: skip
        return found.loss, curves(found)
