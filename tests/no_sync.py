"""Proof on a CPU that code does not make the host wait for a GPU."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class HostSync(AssertionError):
    """An operation for whose result, or the shape of it, the host waits."""


# By the name of an ATen operation, without its overload.
_WAITS = {
    "_local_scalar_dense", "is_nonzero", "equal", "allclose",  # a number: .item(), bool(), int()
    "nonzero", "argwhere", "masked_select", "bincount", "histc",  # a shape
    "_unique", "_unique2", "unique_dim", "unique_consecutive", "unique_dim_consecutive",
}  # fmt: skip
# Methods that read the memory of a CPU's tensor without an operation of ATen.
_READS = {"tolist", "numpy", "cpu", "__array__", "__bool__", "__int__", "__float__", "__index__"}


class _Operations(TorchDispatchMode):
    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if _waits(func._schema.name.removeprefix("aten::"), args, kwargs):
            raise HostSync(f"{func} makes the host wait for the device")
        return func(*args, **kwargs)


def _waits(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    if name in ("index", "_unsafe_index"):
        return _has_mask(args[1])
    if name in ("index_put", "index_put_", "_index_put_impl_", "_unsafe_index_put"):
        return _has_mask(args[1]) and args[2].numel() != 1  # a single value becomes masked_fill
    if name == "repeat_interleave":
        return kwargs.get("output_size") is None
    return name in _WAITS


def _has_mask(indices: Any) -> bool:
    return any(isinstance(each, Tensor) and each.dtype in (torch.bool, torch.uint8) for each in tree_leaves(indices))


class _Calls(TorchFunctionMode):
    def __init__(self, as_on_cuda: bool) -> None:
        super().__init__()
        self.as_on_cuda = as_on_cuda

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if self.as_on_cuda and func in (Tensor.is_cuda.__get__, Tensor.is_cpu.__get__):  # type: ignore[attr-defined]
            return func == Tensor.is_cuda.__get__  # type: ignore[attr-defined]
        if getattr(func, "__name__", "") in _READS and args and isinstance(args[0], Tensor):
            raise HostSync(f"Tensor.{func.__name__} makes the host wait for the device")
        if func in (torch.tensor, torch.as_tensor) and not isinstance(args[0], Tensor) and (kwargs or {}).get("device"):
            raise HostSync(f"torch.{func.__name__} copies from the host's memory to the device, and waits")
        return func(*args, **(kwargs or {}))


@contextmanager
def no_sync(as_on_cuda: bool = False) -> Iterator[None]:
    """Raise HostSync at `.item()`, `.tolist()`, boolean indexing, `nonzero` and their like.

    Compiled functions run as they are written, so that what they do is seen.

    Args:
        as_on_cuda: let every tensor say `is_cuda`, so that the branch for GPUs runs, on a CPU's tensors
    """
    with torch.compiler.set_stance("force_eager"), _Calls(as_on_cuda), _Operations():
        yield
