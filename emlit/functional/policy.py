"""The policy-gradient loss of sampled tokens."""

from typing import NamedTuple

import torch
from torch import Tensor


class PolicyLoss(NamedTuple):
    """Per-token loss, and where the PPO clip took the gradient away.

    Attributes:
        loss: (...), unreduced
        clipped: (...), bool
    """

    loss: Tensor
    clipped: Tensor


def policy_gradient_loss(
    logprob: Tensor, advantage: Tensor, old_logprob: Tensor | None = None, clip: float | None = None
) -> PolicyLoss:
    """REINFORCE, or its importance-weighted and clipped form (PPO, arXiv 1707.06347, Eq. 7).

    Without `old_logprob` the loss is -A log p. With it, ratio = p / p_old and the loss is -A ratio, or
    max(-A ratio, -A clamp(ratio, 1 - clip, 1 + clip)); at p = p_old all three have the same gradient.

    Args:
        logprob: (...), log p of the sampled tokens, nats
        advantage: broadcasts against `logprob`; taken as a constant
        old_logprob: (...), log p under the policy that sampled them; taken as a constant
        clip: half-width of the interval for the ratio; needs `old_logprob`

    Returns:
        PolicyLoss of (...) tensors. The log-ratio is clipped to +-20.

    Raises:
        ValueError: `clip` without `old_logprob`, or not positive
    """
    advantage = advantage.detach()
    if old_logprob is None:
        if clip is not None:
            raise ValueError("clip needs old_logprob: there is no ratio to clip without it")
        loss = -advantage * logprob
        return PolicyLoss(loss, torch.zeros_like(loss, dtype=torch.bool))
    ratio = (logprob - old_logprob.detach()).clamp(-20.0, 20.0).exp()
    loss = -advantage * ratio
    if clip is None:
        return PolicyLoss(loss, torch.zeros_like(loss, dtype=torch.bool))
    if clip <= 0:
        raise ValueError(f"clip is {clip}; it must be positive")
    clipped_loss = -advantage * ratio.clamp(1 - clip, 1 + clip)
    return PolicyLoss(torch.maximum(loss, clipped_loss), clipped_loss > loss)
