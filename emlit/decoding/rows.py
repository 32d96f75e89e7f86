"""Steps of a decoding, compiled where that pays."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from emlit.functional.compilation import run_compiled

# Compilation takes seconds, once; below this vocabulary it is never earned back on a CPU.
_COMPILE_FROM = 2**14


def run(function: Callable[..., Any], z: Tensor, *args: Any) -> Any:
    """`function(z, *args)`, compiled on a GPU, and for large vocabularies in float32 on a CPU."""
    pays = z.is_cuda or (z.shape[1] >= _COMPILE_FROM and z.dtype == torch.float32)
    return run_compiled(function, z, *args, dynamic=z.is_cuda) if pays else function(z, *args)


def run_on_gpu(function: Callable[..., Any], z: Tensor, *args: Any) -> Any:
    """Likewise, but never compiled on a CPU."""
    return run_compiled(function, z, *args, dynamic=True) if z.is_cuda else function(z, *args)


def column(value: float | Tensor, z: Tensor) -> Tensor:
    """A number, or one a row (B,), as (B, 1) beside z (B, V); a number is written there without the host waiting."""
    if isinstance(value, Tensor):
        return value.to(z).reshape(-1, 1).expand(len(z), 1).contiguous()
    return z.new_full((len(z), 1), value)
