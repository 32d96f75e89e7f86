"""pass@k without bias, from more samples than k."""

from math import comb

import torch
from torch import Tensor


def pass_at_k(samples: Tensor, correct: Tensor, k: int) -> Tensor:
    """The chance that one of k samples, drawn from a problem's own without replacement, is right.

    1 - C(n - c, k) / C(n, k), in whole numbers (Chen et al., arXiv 2107.03374, Sec. 2.1).

    Args:
        samples: (P,), n of each problem
        correct: (P,), c of each problem
        k: at least 1 and at most the smallest n

    Returns:
        (P,), float64

    Raises:
        ValueError: a k that some problem has not enough samples for
    """
    if k < 1 or len(samples) and k > samples.min():
        raise ValueError(f"k is {k}; it must be between 1 and the {int(samples.min())} samples of each problem")
    pairs = zip(samples.long().tolist(), correct.long().tolist(), strict=True)
    return torch.tensor([1 - comb(n - c, k) / comb(n, k) for n, c in pairs], dtype=torch.float64)


def powers_up_to(n: int) -> list[int]:
    """1, 2, 4, … below n, and n."""
    return [1 << i for i in range(n.bit_length()) if 1 << i < n] + [n]
