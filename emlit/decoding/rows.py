"""Steps of a decoding on rows of logits, and their parameters beside them."""

from collections.abc import Callable
from typing import Any

from torch import Tensor

from emlit.functional.compilation import run_compiled


def run(function: Callable[..., Any], z: Tensor, *args: Any) -> Any:
    """`function(z, *args)`, compiled on a GPU. On a CPU the seconds that this takes are never earned back."""
    return run_compiled(function, z, *args, dynamic=True) if z.is_cuda else function(z, *args)


def column(value: float | Tensor, z: Tensor) -> Tensor:
    """A number, or one a row (B,), as (B, 1) beside z (B, V); a number is written there without the host waiting."""
    if isinstance(value, Tensor):
        return value.to(z).reshape(-1, 1).expand(len(z), 1).contiguous()
    return z.new_full((len(z), 1), value)
