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


def policy_gradient_loss(
    logprob: Tensor,
    advantage: Tensor,
    old_logprob: Tensor | None = None,
    clip: float | None = None,
    cap: float | None = None,
) -> PolicyLoss:
    """REINFORCE, or its importance-weighted forms.

    Without `old_logprob` the loss is -A log p. With it, w = p / p_old and

        neither     -A w
        cap         -A w', where w' has the value min(w, cap) and the gradient min(w, cap) d log p: truncated importance
                    sampling (arXiv 1802.01561, Eq. 1, the rho of IMPALA)
        clip        max(-A w, -A clamp(w, 1 - clip, 1 + clip)) (PPO, arXiv 1707.06347, Eq. 7)
        both        PPO on w': without a cap nothing bounds a large w where A is negative

    At p = p_old all of these have the gradient of -A log p.

    Args:
        logprob: (...), log p of the sampled tokens, nats
        advantage: broadcasts against `logprob`; taken as a constant
        old_logprob: (...), log p under the policy that sampled them; taken as a constant
        clip: half-width of the interval for w; needs `old_logprob`
        cap: largest weight; needs `old_logprob`

    Returns:
        PolicyLoss of (...) tensors. The log-ratio is clipped to +-20.

    Raises:
        ValueError: `clip` or `cap` without `old_logprob`, a clip that is not positive, a cap below 1
    """
    advantage = advantage.detach()
    nowhere = torch.zeros_like(logprob, dtype=torch.bool)
    if old_logprob is None:
        if clip is not None or cap is not None:
            raise ValueError("clip and cap need old_logprob: there is no ratio without it")
        return PolicyLoss(-advantage * logprob, torch.ones_like(logprob).detach(), nowhere, nowhere)
    if clip is not None and not clip > 0:
        raise ValueError(f"clip is {clip}; it must be positive")
    if cap is not None and not cap >= 1:
        raise ValueError(f"cap is {cap}; it must be at least 1")
    ratio = (logprob - old_logprob.detach()).clamp(-20.0, 20.0).exp()
    weight, capped = ratio, nowhere
    if cap is not None:
        # The factor is 1 and has the gradient of log p.
        weight = ratio.detach().clamp(max=cap) * (logprob - logprob.detach()).exp()
        capped = ratio.detach() > cap
    loss, clipped = -advantage * weight, nowhere
    if clip is not None:
        clipped_loss = -advantage * ratio.clamp(1 - clip, 1 + clip)
        clipped = clipped_loss > loss
        # Not torch.maximum, which halves the gradient where the two are equal.
        loss = torch.where(clipped, clipped_loss, loss)
    return PolicyLoss(loss, ratio.detach(), clipped, capped)
