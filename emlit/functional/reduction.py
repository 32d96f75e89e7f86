"""From per-token values to one number, so that micro-batches of a round add up to the round."""

from typing import Literal, NamedTuple

import torch
from torch import Tensor

Reduction = Literal["token_mean", "sequence_mean", "sequence_sum"]


class Normaliser(NamedTuple):
    """What the sums over a whole round are divided by, over all of its micro-batches and ranks.

    Attributes:
        tokens: sampled tokens in the round
        sequences: completions in the round
    """

    tokens: float
    sequences: float


def token_weights(
    mask: Tensor, reduction: Reduction, normaliser: Normaliser, dtype: torch.dtype = torch.float32
) -> Tensor:
    """What each token of one micro-batch weighs in its round's mean.

        token_mean     1 / tokens                   every token of the round weighs the same
        sequence_mean  1 / (length_i * sequences)   every completion weighs the same
        sequence_sum   1 / sequences                the paper's Eq. 2: long completions weigh more

    Args:
        mask: (B, T), bool, true on sampled tokens
        reduction: one of the three above
        normaliser: the round's
        dtype: of the result

    Returns:
        (B, T); 0 outside of `mask`

    Raises:
        ValueError: an unknown reduction
    """
    weights = mask.to(dtype)
    if reduction == "token_mean":
        return weights / max(normaliser.tokens, 1)
    if reduction == "sequence_mean":
        return weights / weights.sum(dim=1, keepdim=True).clamp(min=1) / max(normaliser.sequences, 1)
    if reduction == "sequence_sum":
        return weights / max(normaliser.sequences, 1)
    raise ValueError(f"reduction is {reduction!r}; it must be 'token_mean', 'sequence_mean' or 'sequence_sum'")


def reduce_tokens(values: Tensor, mask: Tensor, reduction: Reduction, normaliser: Normaliser) -> Tensor:
    """Sum `values` over the sampled tokens of one micro-batch, each with its weight in the round (`token_weights`).

    Args:
        values: (B, T)
        mask: (B, T), bool, true on sampled tokens; values elsewhere are ignored, nan included
        reduction: as in `token_weights`
        normaliser: the round's

    Returns:
        A scalar. Over the micro-batches of a round these add up to the round's value, however it was cut.

    Raises:
        ValueError: an unknown reduction
    """
    return (values.masked_fill(~mask, 0.0) * token_weights(mask, reduction, normaliser, values.dtype)).sum()


def sequence_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Mean of `values` over the masked tokens of each row; 0 for a row without any. (B, T), (B, T) -> (B)."""
    return values.masked_fill(~mask, 0.0).sum(dim=1) / mask.sum(dim=1).clamp(min=1)


def flat_positions(mask: Tensor) -> Tensor:
    """Where a mask is true, counted along its rows: (B, T) -> (M,), int64. Of a mask on a GPU the host waits for it."""
    return mask.flatten().nonzero().squeeze(1)
