"""Terms that move the entropy towards a target, or up: the field's regularisers beside `EntropyFloor`.

A target of a mean is not a sum over tokens. Its gradient is, at the mean of the step before: so each term is the
token's entropy times what the derivative of the target is there.
"""

import math
from typing import Any

import torch

from emlit.errors import ConfigError, require_fraction, require_not_negative
from emlit.functional import MoreStats, NucleusEntropy
from emlit.losses.covariance import StepCovariance
from emlit.losses.lagged import Reduce, RoundStatistic
from emlit.losses.terms import LossInputs, LossOutputs, LossTerm
from emlit.losses.token_weights import above_row_quantile, require_advantage


class EntropyBonus(LossTerm):
    """-weight * H: T1's bonus (arXiv 2501.11651), and what acts of EPO's (arXiv 2509.22576), whose weight is 0.001.

    EPO's smoothing, a penalty where H leaves a band around its past mean, is made of constants as released and has no
    gradient; it is left out. T1 has a moving reference policy beside it (`reference_momentum`); its weight is not
    published.

    Args:
        weight: of the entropy; positive raises it
    """

    def __init__(self, weight: float = 0.001) -> None:
        if not math.isfinite(weight):
            raise ConfigError(f"weight of EntropyBonus is {weight}; it must be a number")
        self.weight = weight

    def __call__(self, inputs: LossInputs) -> LossOutputs:
        return LossOutputs(inputs.stats.entropy, -self.weight)


class EntropyTarget(LossTerm):
    """weight * |mean H - target|, from both sides (Confucius3-Math, Sec. 6.1).

    Args:
        target: nats a token
        weight: of the distance
    """

    def __init__(self, target: float = 0.55, weight: float = 0.001) -> None:
        if not target > 0:
            raise ConfigError(f"target of EntropyTarget is {target}; it must be positive, in nats")
        require_not_negative("EntropyTarget", weight=weight)
        self.target, self.weight = target, weight
        self.entropy = RoundStatistic("mean")

    def __call__(self, inputs: LossInputs) -> LossOutputs:
        mean = self.entropy.of(inputs.stats.entropy, inputs.batch.loss_mask)
        if mean is None or mean == self.target:
            return LossOutputs()
        return LossOutputs(inputs.stats.entropy, math.copysign(self.weight, mean - self.target))


class SIREN(LossTerm):
    """weight * (E - anchor)^2, E the nucleus entropy of the most uncertain tokens (arXiv 2509.25133).

    E is the mean over a completion's tokens above the `q`-quantile of their nucleus entropy, then over completions,
    whatever the objective's reduction. anchor is E of the first step, so that the term acts from the third on. The
    released code falls back to an anchor of 0 on errors, and takes the nucleus of the 10,000 likeliest tokens; here it
    is that of all.

    Args:
        weight: of the square
        p: mass of the nucleus
        q: which quantile of each completion
        anchor: nats; that of the first step unless set
    """

    def __init__(self, weight: float = 0.005, p: float = 0.8, q: float = 0.8, anchor: float | None = None) -> None:
        require_not_negative("SIREN", weight=weight)
        require_fraction("SIREN", p=p, q=q)
        self.weight, self.q, self.anchor, self.given = weight, q, anchor, anchor
        self.nucleus = NucleusEntropy(p)
        self.needs = (self.nucleus,)
        self.mean = RoundStatistic("mean")  # of E over completions

    def __call__(self, inputs: LossInputs) -> LossOutputs:
        assert isinstance(inputs.stats, MoreStats)
        entropy, mask = inputs.stats.extra[self.nucleus], inputs.batch.loss_mask
        kept = above_row_quantile(entropy.detach(), mask, self.q)
        count = kept.sum(dim=1, keepdim=True).clamp(min=1)
        of_completion = (entropy.detach() * kept).sum(dim=1, keepdim=True) / count
        mean, anchor = self.mean.of(of_completion, mask.any(dim=1, keepdim=True)), self.anchor
        if mean is None or anchor is None:
            return LossOutputs()
        terms = entropy * kept * (mask.sum(dim=1, keepdim=True) / count)  # a mean over kept, as one over all
        return LossOutputs(terms, 2 * self.weight * (mean - anchor), reduction="sequence_mean")

    def update(self, reduce: Reduce) -> None:
        super().update(reduce)
        if self.anchor is None:
            self.anchor = self.mean.value

    def state_dict(self) -> dict[str, Any]:
        return {"anchor": self.anchor}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.anchor = state["anchor"] if self.given is None else self.given


class CovarianceEntropyBonus(StepCovariance, LossTerm):
    """-weight * c H, c larger where log p and advantage go together: TEA-RL's intent (Light-IF, arXiv 2508.03178).

    c = clamp(scale * softmax over the completion of the covariance, 0, most), a constant. In the released code another
    result overwrites it, so that it never acts, and the softmax is not detached.

    Args:
        weight: of the bonus
        scale: of the softmax
        most: the largest c
    """

    def __init__(self, weight: float = 0.001, scale: float = 10.0, most: float = 5.0) -> None:
        if not (weight >= 0 and scale > 0 and most > 0):
            raise ConfigError(
                f"CovarianceEntropyBonus has weight {weight}, scale {scale} and most {most}; the first must not be "
                "negative, the others must be positive"
            )
        self.weight, self.scale, self.most = weight, scale, most
        self.logprob, self.advantage = RoundStatistic("mean"), RoundStatistic("mean")

    def __call__(self, inputs: LossInputs) -> LossOutputs:
        mask, advantage = inputs.batch.loss_mask, require_advantage(inputs, "CovarianceEntropyBonus")
        covariance = self.covariance(inputs.stats.logprob, advantage, mask)
        if covariance is None:
            return LossOutputs()
        factor = self.scale * torch.softmax(covariance.masked_fill(~mask, -1e30), dim=1)
        return LossOutputs(inputs.stats.entropy * factor.clamp(max=self.most), -self.weight)
