"""Where in a completion, and on how few tokens, a quantity sits."""

import torch
from torch import Tensor

DECILES = 10


def top_share(values: Tensor, fraction: float = 0.2) -> Tensor:
    """Share of sum |v_i| that the `fraction` of elements with the largest |v_i| carry: the Lorenz curve from the top.

    Where `fraction` of them is no whole number, the next element counts with what is left, so that equal values give
    exactly `fraction` however many they are, and the share never depends on rounding.

    Args:
        values: (M,)
        fraction: above 0, at most 1

    Returns:
        A float64 scalar in [fraction, 1]; nan where there is nothing to share (no element, or all of them 0)

    Raises:
        ValueError: a fraction out of its range
    """
    if not 0 < fraction <= 1:
        raise ValueError(f"fraction is {fraction}; it must be above 0 and at most 1")
    ordered = values.double().abs().sort(descending=True).values
    wanted = fraction * len(ordered)
    whole = int(wanted)
    top = ordered[:whole].sum() + (wanted - whole) * ordered[whole : whole + 1].sum()
    return top / ordered.sum()


def relative_deciles(mask: Tensor) -> Tensor:
    """In which tenth of its row's masked tokens each of them lies: token i of n (from 0) in floor(10 i / n).

    Rows of fewer than 10 tokens leave some tenths empty.

    Args:
        mask: (B, T), bool, true on sampled tokens

    Returns:
        (B, T), int64, 0 to 9; -1 outside of `mask`
    """
    place = mask.long().cumsum(dim=1) - 1
    length = mask.sum(dim=1, keepdim=True).clamp(min=1)
    return (DECILES * place // length).masked_fill(~mask, -1)


def decile_means(values: Tensor, deciles: Tensor) -> Tensor:
    """Mean of `values` (M,) in each tenth, of which `deciles` (M,) has the numbers: (10,), float64; nan where empty."""
    counts = torch.bincount(deciles, minlength=DECILES)
    return torch.bincount(deciles, weights=values.double(), minlength=DECILES) / counts
