"""The policy-gradient loss of sampled tokens."""

from typing import NamedTuple

import torch
from torch import Tensor


class PolicyLoss(NamedTuple):
    """Per-token loss, and what became of the importance weights.

    Attributes:
        loss: (...), unreduced
        ratio: (...), p / p_old before it is clipped or capped, detached; ones without `old_logprob`
        clipped: (...), bool, where the PPO clip took the gradient away
        capped: (...), bool, where the weight was larger than the cap
    """

    loss: Tensor
    ratio: Tensor
    clipped: Tensor
    capped: Tensor


def importance_ratio(logprob: Tensor, old_logprob: Tensor) -> Tensor:
    """p / p_old of sampled tokens from log p (nats), (...): its logarithm clipped to +-20, p_old a constant."""
    return (logprob - old_logprob.detach()).clamp(-20.0, 20.0).exp()


def policy_gradient_loss(
    logprob: Tensor,
    advantage: Tensor,
    old_logprob: Tensor | None = None,
    clip: float | Tensor | None = None,
    cap: float | None = None,
    clip_high: float | Tensor | None = None,
    dual_clip: float | None = None,
    keeps_gradient: Tensor | None = None,
) -> PolicyLoss:
    """REINFORCE, or its importance-weighted forms.

    Without `old_logprob` the loss is -A log p. With it, w = p / p_old and

        neither     -A w
        cap         -A w', where w' has the value min(w, cap) and the gradient min(w, cap) d log p: truncated importance
                    sampling (arXiv 1802.01561, Eq. 1, the rho of IMPALA)
        clip        max(-A w, -A clamp(w, 1 - clip, 1 + clip_high)) (PPO, arXiv 1707.06347, Eq. 7; two bounds: DAPO,
                    arXiv 2503.14476, Eq. 10)
        both        PPO on w': without a cap nothing bounds a large w where A is negative
        dual_clip   with clip: at most -A dual_clip where A is negative (arXiv 1912.09729, Eq. 5)

    At p = p_old all of these have the gradient of -A log p.

    Args:
        logprob: (...), log p of the sampled tokens, nats
        advantage: broadcasts against `logprob`; taken as a constant
        old_logprob: (...), log p under the policy that sampled them; taken as a constant
        clip: how far below 1 the interval for w reaches, and above it too unless `clip_high` is given; needs
            `old_logprob`. A number, or one a token
        cap: largest weight; needs `old_logprob`
        clip_high: how far above 1 it reaches; needs `clip`
        dual_clip: above 1; needs `clip`
        keeps_gradient: (...), bool; where it is true, a weight that the upper bound clips has the bound's value and
            goes on having a gradient

    Returns:
        PolicyLoss of (...) tensors; w is `importance_ratio`.

    Raises:
        ValueError: `clip` or `cap` without `old_logprob`, `clip_high` or `dual_clip` without `clip`, a clip that is not
            positive, a cap below 1, a dual clip not above 1
    """
    advantage = advantage.detach()
    nowhere = torch.zeros_like(logprob, dtype=torch.bool)
    if clip is None and (clip_high is not None or dual_clip is not None):
        raise ValueError("clip_high and dual_clip need clip")
    if old_logprob is None:
        if clip is not None or cap is not None:
            raise ValueError("clip and cap need old_logprob: there is no ratio without it")
        return PolicyLoss(-advantage * logprob, torch.ones_like(logprob).detach(), nowhere, nowhere)
    for name, value in (("clip", clip), ("clip_high", clip_high)):
        if isinstance(value, int | float) and not value > 0:
            raise ValueError(f"{name} is {value}; it must be positive")
    if cap is not None and not cap >= 1:
        raise ValueError(f"cap is {cap}; it must be at least 1")
    if dual_clip is not None and not dual_clip > 1:
        raise ValueError(f"dual_clip is {dual_clip}; it must be above 1")
    ratio = importance_ratio(logprob, old_logprob)
    weight, capped = ratio, nowhere
    if cap is not None:
        # The factor is 1 and has the gradient of log p.
        weight = ratio.detach().clamp(max=cap) * (logprob - logprob.detach()).exp()
        capped = ratio.detach() > cap
    loss, clipped = -advantage * weight, nowhere
    if clip is not None:
        low, high = 1 - clip, 1 + (clip if clip_high is None else clip_high)
        if isinstance(low, Tensor) or isinstance(high, Tensor):
            low, high = (each if isinstance(each, Tensor) else torch.full_like(ratio, each) for each in (low, high))
        inside = ratio.clamp(low, high)  # type: ignore[arg-type]
        kept = None if keeps_gradient is None else keeps_gradient & (ratio > high)
        if kept is not None:
            inside = torch.where(kept, inside.detach() * ratio / ratio.detach(), inside)
        clipped_loss = -advantage * inside
        clipped = clipped_loss > loss
        # Not torch.maximum, which halves the gradient where the two are equal.
        loss = torch.where(clipped, clipped_loss, loss)
        if kept is not None:
            clipped = clipped & ~kept
    if dual_clip is not None:
        largest = -advantage * dual_clip
        too_large = (advantage < 0) & (loss > largest)
        loss, clipped = torch.where(too_large, largest, loss), clipped | too_large
    return PolicyLoss(loss, ratio.detach(), clipped, capped)
