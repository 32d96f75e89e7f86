"""From per-token values to one number, so that micro-batches of a round add up to the round."""

from typing import Literal, NamedTuple

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


def reduce_tokens(values: Tensor, mask: Tensor, reduction: Reduction, normaliser: Normaliser) -> Tensor:
    """Sum `values` over the sampled tokens of one micro-batch, as its share of the round's mean.

        token_mean     sum_i sum_t v_it / tokens                 every token of the round weighs the same
        sequence_mean  sum_i (sum_t v_it / length_i) / sequences every completion weighs the same
        sequence_sum   sum_i sum_t v_it / sequences              the paper's Eq. 2: long completions weigh more

    Args:
        values: (B, T)
        mask: (B, T), bool, true on sampled tokens; values elsewhere are ignored, nan included
        reduction: one of the three above
        normaliser: the round's

    Returns:
        A scalar. Over the micro-batches of a round these add up to the round's value, however it was cut.

    Raises:
        ValueError: an unknown reduction
    """
    sums = values.masked_fill(~mask, 0.0).sum(dim=1)
    if reduction == "token_mean":
        return sums.sum() / max(normaliser.tokens, 1)
    if reduction == "sequence_mean":
        return (sums / mask.sum(dim=1).clamp(min=1)).sum() / max(normaliser.sequences, 1)
    if reduction == "sequence_sum":
        return sums.sum() / max(normaliser.sequences, 1)
    raise ValueError(f"reduction is {reduction!r}; it must be 'token_mean', 'sequence_mean' or 'sequence_sum'")


def sequence_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Mean of `values` over the masked tokens of each row; 0 for a row without any. (B, T), (B, T) -> (B)."""
    return values.masked_fill(~mask, 0.0).sum(dim=1) / mask.sum(dim=1).clamp(min=1)
