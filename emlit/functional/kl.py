"""Per-token estimates of KL(policy || reference) from samples of the policy (Schulman, 2020)."""

from typing import Literal

import torch
from torch import Tensor

KLEstimator = Literal["k1", "k2", "k3"]
KLPenalty = Literal["k2", "k3"]

# exp(20) is 5e8: past it k3 would overflow in float32 and its gradient carries no information.
_MAX_LOG_RATIO = 20.0


def approx_kl(logprob: Tensor, reference_logprob: Tensor, estimator: KLEstimator = "k3") -> Tensor:
    """Estimate KL(policy || reference) at tokens sampled from the policy.

    With d = log p - log q:
        k1 = d              unbiased, high variance, can be negative
        k2 = d^2 / 2        biased, low variance
        k3 = e^-d - 1 + d   unbiased, low variance, never negative ("low_var_kl" in verl)

    As a penalty, what counts is the gradient on fixed samples, and it differs: k1's expectation is 0 whatever the
    reference, k2's is that of KL(policy || reference), and k3's is that of KL(reference || policy). Hence KLPenalty.

    Args:
        logprob: (...), log p of the sampled tokens under the policy, nats
        reference_logprob: (...), the same under the reference, nats
        estimator: "k1", "k2" or "k3"

    Returns:
        (...), nats. In k3 a d below -20 counts as -20 and has no gradient.

    Raises:
        ValueError: an unknown estimator
    """
    log_ratio = logprob - reference_logprob
    if estimator == "k1":
        return log_ratio
    if estimator == "k2":
        return 0.5 * log_ratio.square()
    if estimator == "k3":
        clipped = log_ratio.clamp(min=-_MAX_LOG_RATIO)
        return torch.expm1(-clipped) + clipped
    raise ValueError(f"estimator is {estimator!r}; it must be 'k1', 'k2' or 'k3'")
