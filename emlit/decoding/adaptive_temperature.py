"""Adaptive temperature: cool each distribution to a share of its own entropy (arXiv 2505.15134, Algorithm 1)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from emlit.functional import token_entropy


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
        max_iter: at most so many halvings
        tol: nats; a row is done when its entropy is this close to the target

    Returns:
        (B,), float64 for float64 logits, float32 otherwise. No row depends on another row.

    Raises:
        ValueError: logits that are not (B, V), or 0 < t_min < t_max violated
    """
    if logits.ndim != 2:
        raise ValueError(f"adaptive_temperature needs logits of shape (rows, vocabulary), got {tuple(logits.shape)}")
    if not 0 < t_min < t_max:
        raise ValueError(f"t_min is {t_min} and t_max is {t_max}; 0 < t_min < t_max is needed")
    z = logits.detach().to(torch.float64 if logits.dtype == torch.float64 else torch.float32)
    z = z - z.amax(dim=-1, keepdim=True)
    start = token_entropy(z)
    target = torch.maximum(ratio * start, torch.as_tensor(threshold, dtype=z.dtype, device=z.device))
    low, high = torch.full_like(start, t_min), torch.full_like(start, t_max)
    result = torch.ones_like(start)
    pending = start > torch.as_tensor(threshold, dtype=z.dtype, device=z.device)
    for _ in range(max_iter):
        if not pending.any():
            break
        middle = (low + high) / 2
        entropy = torch.full_like(start, torch.nan)
        entropy[pending] = token_entropy(z[pending], middle[pending].unsqueeze(1))
        result = torch.where(pending, middle, result)
        high = torch.where(pending & (entropy > target), middle, high)
        low = torch.where(pending & (entropy <= target), middle, low)
        pending = pending & ((entropy - target).abs() >= tol)
    return result


@dataclass(frozen=True)
class AdaptiveTemperature:
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
