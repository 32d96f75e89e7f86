"""Percentile bootstrap over problems: the samples of one problem stay together, as they are not independent.

For what is no share; shares have intervals of their own (`emlit.metrics.shares`).
"""

import functools
from dataclasses import dataclass
from math import isnan, nan

import torch
from torch import Tensor

LEVEL = 0.95


@dataclass(frozen=True)
class Interval:
    """A measured value with the ends of its 95 % interval; the ends are nan where nothing can be said of them."""

    value: float
    low: float = nan
    high: float = nan

    @property
    def ends(self) -> list[float] | None:
        """Both, as a report's JSON has them, which knows no nan."""
        return None if isnan(self.low) or isnan(self.high) else [self.low, self.high]


@functools.lru_cache(maxsize=2)
def resampled_counts(problems: int, resamples: int = 1000, seed: int = 0) -> Tensor:
    """How often each of P problems is drawn in each of B resamples: (B, P), float64; the same for the same arguments.

    Two measurements of the same problems with the same counts are compared in pairs: take the difference, resample by
    resample. The tensor is shared by all who ask for it: read it, and leave it as it is.
    """
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randint(problems, (resamples, problems), generator=generator)
    counts = torch.zeros(resamples, problems, dtype=torch.float64)
    return counts.scatter_add_(1, drawn, torch.ones_like(drawn, dtype=torch.float64))


def percentile_interval(value: float, replicates: Tensor) -> Interval:
    """The middle 95 % of the replicates (B,), without those that are nan (a resample that lacks what is measured)."""
    known = replicates[~replicates.isnan()]
    if not len(known):
        return Interval(value)
    ends = torch.tensor([(1 - LEVEL) / 2, (1 + LEVEL) / 2], dtype=known.dtype)
    low, high = torch.quantile(known, ends).tolist()
    return Interval(value, low, high)


def interval_of_ratio(numerator: Tensor, denominator: Tensor, counts: Tensor) -> Interval:
    """The interval of sum(numerator) / sum(denominator) over problems; one problem alone tells none.

    A mean over problems has ones below; a mean over completions or tokens has their numbers.

    Args:
        numerator: (P,), float64
        denominator: (P,), float64, not negative
        counts: (B, P) of `resampled_counts`
    """
    value = (numerator.sum() / denominator.sum()).item()
    if len(numerator) < 2:
        return Interval(value)
    return percentile_interval(value, (counts @ numerator) / (counts @ denominator))
