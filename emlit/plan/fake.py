"""Tensors without memory: a model at full size takes its steps, and only shapes and dtypes are computed."""

import contextlib
from collections.abc import Collection, Iterator
from typing import Any
from unittest.mock import patch

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode

from emlit.functional import linear_loss, tiles

_INDEXING = {
    torch.ops.aten.index.Tensor,
    torch.ops.aten.index_put.default,
    torch.ops.aten.index_put_.default,
    torch.ops.aten._index_put_impl_.default,
}


class KnownCounts(TorchDispatchMode):
    """Answers what depends on numbers that fake tensors do not have.

    A mask is taken to have `count` true entries, a number that is asked for to be 1, or 0 where it is an integer: each
    check passes, and no branch is taken that a sound run would not take.

    Gradients of a parameter that is used twice, as tied embeddings are, are added in place: autograd does so with plain
    tensors, and makes a third one of these.

    Args:
        count: true entries of every mask: the scored tokens of a micro-batch
        parameters: their shapes
    """

    def __init__(self, count: int, parameters: Collection[torch.Size] = ()) -> None:
        super().__init__()
        self.count, self.parameters = count, parameters

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is torch.ops.aten._local_scalar_dense.default:
            dtype = args[0].dtype
            return True if dtype == torch.bool else 1.0 if dtype.is_floating_point else 0
        if func is torch.ops.aten.masked_select.default:
            return args[0].new_empty(self.count)
        if func is torch.ops.aten.nonzero.default:
            return args[0].new_empty((self.count, args[0].dim()), dtype=torch.int64)
        if func in _INDEXING:
            indices: list[Any] = []
            for index in args[1]:
                if index is not None and index.dtype == torch.bool:
                    places = index.new_empty(self.count, dtype=torch.int64)
                    indices += [places] * index.dim()
                else:
                    indices.append(index)
            args = (args[0], indices, *args[2:])
        in_backward = torch._C._current_graph_task_id() != -1
        if func is torch.ops.aten.add.Tensor and in_backward and args[0].shape in self.parameters:
            func = torch.ops.aten.add_.Tensor
        return func(*args, **kwargs)


@contextlib.contextmanager
def without_memory(
    count: int, as_on_cpu: bool = False, parameters: Collection[torch.Size] = ()
) -> Iterator[FakeTensorMode]:
    """Within it tensors are fake ones on the CPU, the head's tiles those of a GPU unless `as_on_cpu`.

    `count` and `parameters` are as in KnownCounts. Of the head's chunks of tokens two are worked on: the others would
    take the same memory once more, and minutes.
    """
    fake, slices = FakeTensorMode(allow_non_fake_inputs=True), tiles._slices

    def few(length: int, size: int) -> list[slice]:
        return slices(length, size)[:2] if length == count else slices(length, size)

    tile = tiles._TILE_ELEMENTS_CPU if as_on_cpu else tiles._TILE_ELEMENTS_GPU
    held = linear_loss._HELD_ELEMENTS_CPU if as_on_cpu else linear_loss._HELD_ELEMENTS_GPU
    with (
        patch.object(tiles, "_TILE_ELEMENTS_CPU", tile),
        patch.object(linear_loss, "_HELD_ELEMENTS_CPU", held),
        patch.object(tiles, "_slices", few),
        fake,
        KnownCounts(count, parameters),
    ):
        yield fake


def materialise(module: nn.Module) -> None:
    """Turn a module on the meta device into one of fake tensors on the CPU; tied weights stay tied."""
    module.to_empty(device="cpu")
    tie = getattr(module, "tie_weights", None)
    if tie is not None:
        tie()
