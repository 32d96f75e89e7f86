"""Parameters of a decoding beside the rows of logits that they are for."""

from torch import Tensor


def column(value: float | Tensor, z: Tensor) -> Tensor:
    """A number, or one a row (B,), as (B, 1) beside z (B, V); a number is written there without the host waiting."""
    if isinstance(value, Tensor):
        return value.to(z).reshape(-1, 1).expand(len(z), 1).contiguous()
    return z.new_full((len(z), 1), value)
