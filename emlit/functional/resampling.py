"""Resampling of weighted particles, with the entropic annealing of arXiv 2510.05825."""

import torch
from torch import Tensor


def effective_sample_size(weights: Tensor) -> float:
    """1 / sum_i w_i^2 of weights (N) that add up to 1: N where they are equal, 1 where one has all."""
    return 1 / weights.square().sum().item()


def annealed_weights(log_weights: Tensor, progress: float) -> Tensor:
    """softmax(log_weights / tau), flatter than softmax(log_weights) where few particles have most of it, early on.

    tau = max(1, (1 - progress) / (ESS / N)) where ESS / N < 1/2 and progress < 1/2, else 1. ESS is the effective
    sample size of softmax(log_weights) (arXiv 2510.05825, its schedule by ESS).

    Args:
        log_weights: (N), finite
        progress: t / T, the share of the steps that are done, 0 to 1

    Returns:
        (N), float64, adding up to 1
    """
    log_weights = log_weights.double()
    share = effective_sample_size(log_weights.softmax(dim=0)) / len(log_weights)
    tau = max(1.0, (1 - progress) / share) if share < 0.5 and progress < 0.5 else 1.0
    return (log_weights / tau).softmax(dim=0)


def systematic_resampling(weights: Tensor, uniform: float) -> list[int]:
    """N indices, drawn by one number: those in whose share of [0, 1) the points (i + uniform) / N lie.

    Index i comes floor(N w_i) or ceil(N w_i) times, N w_i on average (Kitagawa 1996).

    Args:
        weights: (N), adding up to 1
        uniform: in [0, 1)
    """
    points = (torch.arange(len(weights), dtype=torch.float64) + uniform) / len(weights)
    found = torch.searchsorted(weights.double().cumsum(dim=0), points, right=True)
    last = int(weights.nonzero()[-1])  # rounding may end the sum a little below 1
    return found.clamp(max=last).tolist()
