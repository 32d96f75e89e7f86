"""Adaptive temperature: cool each distribution to a share of its own entropy (arXiv 2505.15134, Algorithm 1)."""

from dataclasses import dataclass
from math import ceil, log2

import torch
from torch import Tensor

from emlit.decoding.base import Decoding
from emlit.decoding.rows import column
from emlit.functional.compilation import run_on_gpu
from emlit.functional.entropy import LOWEST

# At once: on a GPU nothing of their size is held beside them, on a CPU these logits stay in its cache.
_ROWS_ON_GPU, _LOGITS_ON_CPU = 256, 2**18
# Tokens so many nats below the likeliest are nothing: a million of them have less than 1e-5 nats of entropy.
_FAR = {torch.float32: 30.0, torch.float64: 60.0}


def adaptive_temperature(
    logits: Tensor,
    ratio: float | Tensor = 0.5,
    threshold: float | Tensor = 0.1,
    t_min: float = 0.01,
    t_max: float = 1.0,
    max_iter: int = 50,
    tol: float = 1e-3,
) -> Tensor:
    """The temperature T of each row at which H(softmax(z / T)) = max(ratio * H0, threshold), by bisection.

    Rows with H0 <= threshold keep T = 1. The paper found ratios of 0.4 to 0.6 best; the released script used 0.85 with
    a tolerance of 0.1 nats, which is larger than the target of most tokens.

    Args:
        logits: (B, V); -inf marks an impossible token
        ratio: share of the entropy to keep; a number or (B,)
        threshold: nats, the entropy to stop at; a number or (B,)
        t_min: lower end of the bisection
        t_max: upper end
        max_iter: at most so many halvings; how many are made follows from `tol` and not from the logits
        tol: nats; a row keeps the first temperature at which its entropy is this close to the target

    Returns:
        (B,), float64 for float64 logits, float32 otherwise. No row depends on another row.

    Raises:
        ValueError: logits that are not (B, V), or 0 < t_min < t_max violated
    """
    if logits.ndim != 2:
        raise ValueError(f"adaptive_temperature needs logits of shape (rows, vocabulary), got {tuple(logits.shape)}")
    if not 0 < t_min < t_max:
        raise ValueError(f"t_min is {t_min} and t_max is {t_max}; 0 < t_min < t_max is needed")
    dtype = torch.float64 if logits.dtype == torch.float64 else torch.float32
    z, halvings = logits.detach(), min(max_iter, _halvings(t_max - t_min, tol))

    result = z.new_empty(len(z), dtype=dtype)
    like = result.unsqueeze(1)
    ratios, thresholds, lows, highs, tols = (column(each, like) for each in (ratio, threshold, t_min, t_max, tol))
    # A CPU has a row of many tokens by itself, and little of it: the cooler, the more tokens come to nothing.
    alone = not z.is_cuda and z.shape[1] > _LOGITS_ON_CPU // 8
    size = _ROWS_ON_GPU if z.is_cuda else 1 if alone else _LOGITS_ON_CPU // max(1, z.shape[1])
    for start in range(0, len(z), size):
        rows = slice(start, start + size)
        part = z[rows].to(dtype)
        largest = part.amax(dim=1, keepdim=True)
        entropy = run_on_gpu(_entropy_at, part, largest, torch.ones_like(largest))
        pending, target = entropy > thresholds[rows], torch.maximum(ratios[rows] * entropy, thresholds[rows])
        found, low, high = torch.ones_like(largest), lows[rows], highs[rows]
        for _ in range(halvings):
            # On a GPU all rows take all halvings, so that the host need not wait to be told which are done.
            if not z.is_cuda and not pending.any():
                break
            near = part[:, (part > largest - _FAR[dtype] * (low + high) / 2).squeeze(0)] if alone else part
            warmest = high
            found, low, high, pending = run_on_gpu(_halve, near, largest, target, tols[rows], found, low, high, pending)
            if alone and high < warmest:
                part = near
        result[rows] = found.squeeze(1)
    return result


def _halvings(width: float, tol: float) -> int:
    """Enough for `tol` at any distribution but the steepest: 20 for the defaults."""
    return max(1, ceil(log2(width / tol)) + 10) if tol > 0 else 1 << 30


def _halve(
    z: Tensor, largest: Tensor, target: Tensor, tol: Tensor, found: Tensor, low: Tensor, high: Tensor, pending: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """`found`, `low`, `high`, `pending` after one halving; what is not pending stays. z is (B, V), all else (B, 1)."""
    middle = (low + high) / 2
    entropy = _entropy_at(z, largest, middle)
    found = torch.where(pending, middle, found)
    high = torch.where(pending & (entropy > target), middle, high)
    low = torch.where(pending & (entropy <= target), middle, low)
    return found, low, high, pending & ((entropy - target).abs() >= tol)


def _entropy_at(z: Tensor, largest: Tensor, temperature: Tensor) -> Tensor:
    """Entropy of softmax(z / temperature), (B, 1)."""
    scaled = ((z - largest) / temperature).clamp(min=LOWEST)
    e = scaled.exp()
    s = e.sum(dim=1, keepdim=True)
    return s.log() - (e * scaled).sum(dim=1, keepdim=True) / s


@dataclass(frozen=True)
class AdaptiveTemperature(Decoding):
    """Adaptive temperature as a decoding.

    Args:
        ratio: share of each distribution's entropy to keep, between 0 and 1
        threshold: nats; no distribution is cooled below this
    """

    ratio: float = 0.5
    threshold: float = 0.1

    def __post_init__(self) -> None:
        if not 0 < self.ratio <= 1:
            raise ValueError(f"ratio is {self.ratio}; it must be above 0 and at most 1")
        if not self.threshold >= 0:
            raise ValueError(f"threshold is {self.threshold}; it must not be negative")

    def __call__(self, logits: Tensor) -> Tensor:
        """(B, V) -> (B, V)."""
        return logits.float() / adaptive_temperature(logits, self.ratio, self.threshold).unsqueeze(1)

    def describe(self) -> str:
        return f"adaptive temperature {self.ratio:g}"
