"""Intervals of shares, closed or exact: a bootstrap of problems that all agree has no width."""

from math import inf, nan, sqrt

import torch
from torch import Tensor

from emlit.metrics.bootstrap import LEVEL, Interval

Z = 1.959963984540054  # the normal distribution's quantile at (1 + LEVEL) / 2


def wilson(share: float, trials: float) -> tuple[float, float]:
    """Both ends of Wilson's score interval (1927) for a share of independent trials, whose number may be a fraction."""
    scale = 1 + Z * Z / trials
    middle = (share + Z * Z / (2 * trials)) / scale
    half = Z / scale * sqrt(share * (1 - share) / trials + (Z / (2 * trials)) ** 2)
    return max(0.0, middle - half), min(1.0, middle + half)


def exact_end(trials: int) -> float:
    """The upper end of Clopper and Pearson's exact interval (1934) where none of n independent trials succeeded."""
    return 1 - ((1 - LEVEL) / 2) ** (1 / trials)


def share_interval(numerator: Tensor, denominator: Tensor, completions: float | None = None) -> Interval:
    """The interval of a share sum(numerator) / sum(denominator), of problems whose samples depend on each other.

    Wilson's, for the number of independent trials that would have the variance that is seen between problems: never
    fewer than the problems (with one sample each it is Wilson's own), never more than the completions. Where all
    problems are at 0, or all at 1, nothing is known of that variance, and the exact interval over problems is taken.

    Args:
        numerator: (P,), float64, from 0 to the denominator
        denominator: (P,), float64, not negative; where it is 0 the problem does not count
        completions: that the values were computed from, if they are not the denominator's sum
    """
    counted = denominator > 0
    numerator, denominator = numerator[counted], denominator[counted]
    problems, total = len(numerator), denominator.sum().item()
    if not problems:
        return Interval(nan)
    if not numerator.any():
        return Interval(0.0, 0.0, exact_end(problems))
    if torch.equal(numerator, denominator):
        return Interval(1.0, 1 - exact_end(problems), 1.0)
    share = numerator.sum().item() / total
    residuals = numerator - share * denominator
    variance = (residuals @ residuals).item() / total**2 * problems / max(1, problems - 1)
    worth = share * (1 - share) / variance if variance else inf
    return Interval(share, *wilson(share, min(max(worth, problems), max(completions or total, problems))))


def paired_interval(differences: Tensor, completions: float) -> Interval:
    """The interval of a mean difference of two shares, taken on the same problems.

    What is gained and what is lost are two shares, whose intervals are put together as Newcombe did (1998, "method
    10"), with their covariance. Where no problem differs that is the exact interval: as many differences as n equal
    pairs do not exclude.

    Args:
        differences: (P,), float64, from -1 to 1
        completions: that they were computed from
    """
    ones = torch.ones_like(differences)
    gained = share_interval(differences.clamp(min=0), ones, completions)
    lost = share_interval((-differences).clamp(min=0), ones, completions)
    spread = differences.clamp(min=0).std(correction=0) * differences.clamp(max=0).std(correction=0)
    if spread > 0:  # no problem is among both, so that their mean product is 0
        correlation = -gained.value * lost.value / spread.item()
    else:
        correlation = -1.0 if 1.0 in (gained.value, lost.value) else 0.0
    value = gained.value - lost.value
    low = _together(gained.value - gained.low, lost.high - lost.value, correlation)
    high = _together(gained.high - gained.value, lost.value - lost.low, correlation)
    return Interval(value, max(-1.0, value - low), min(1.0, value + high))


def _together(first: float, second: float, correlation: float) -> float:
    return sqrt(max(0.0, first**2 + second**2 - 2 * correlation * first * second))
