"""Running a function compiled, or as it is where there is no compiler."""

import functools
import logging
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

log = logging.getLogger(__name__)

_broken: list[str] = []


@functools.cache
def compiled(function: Callable[..., Any], dynamic: bool) -> Callable[..., Any]:
    """Made when first called: `torch.compile` takes seconds to import."""
    return torch.compile(function, dynamic=dynamic)


def run_compiled(function: Callable[..., Any], *args: Any, dynamic: bool) -> Any:
    """`function(*args)`, compiled.

    Args:
        function: of tensors; a plain one, not a closure
        args: its arguments
        dynamic: whether one compilation shall serve all shapes, as on a GPU, or each shape have its own
    """
    if _broken:
        return function(*args)
    try:
        return compiled(function, dynamic)(*args)
    except torch._dynamo.exc.TorchDynamoException as error:
        _broken.append(str(error))
        log.warning("running uncompiled, several times slower: %s", str(error).strip().splitlines()[0])
        return function(*args)


def run_on_gpu(function: Callable[..., Any], z: Tensor, *args: Any) -> Any:
    """`function(z, *args)`, compiled on a GPU. On a CPU the seconds that this takes are never earned back."""
    return run_compiled(function, z, *args, dynamic=True) if z.is_cuda else function(z, *args)
