"""From a model to its shards, and back to whole weights where they are needed."""

from collections.abc import Callable
from dataclasses import dataclass
from types import MethodType
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from lightning.pytorch.strategies import ModelParallelStrategy
from torch import Tensor, nn
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.fsdp import (
    CPUOffloadPolicy,
    FSDPModule,
    MixedPrecisionPolicy,
    OffloadPolicy,
    fully_shard,
    register_fsdp_forward_method,
)
from torch.distributed.tensor import DTensor

from emlit.errors import ConfigError
from emlit.parallel.strategy import COMPUTE_DTYPES, FSDP2

if TYPE_CHECKING:
    import lightning as L

T = TypeVar("T")


@dataclass(frozen=True)
class Sharding:
    """How a model is cut over processes.

    Attributes:
        mesh: the processes: one dimension, or replicas and shards
        device: of this process's computations
        compute_dtype: what gathered weights are cast to; None leaves them as they are
        cpu_offload: keep shards in the host's memory
    """

    mesh: DeviceMesh
    device: torch.device
    compute_dtype: torch.dtype | None = None
    cpu_offload: bool = False

    @classmethod
    def of(cls, trainer: "L.Trainer") -> "Sharding | None":
        """What the trainer's strategy asks for; None where each process holds a whole model.

        Raises:
            ConfigError: layers are to be cut, too
        """
        strategy = trainer.strategy
        if not isinstance(strategy, ModelParallelStrategy):
            return None
        if isinstance(strategy, FSDP2):
            mesh, offload = strategy.sharding_mesh, strategy.cpu_offload
        else:
            mesh, offload = strategy.device_mesh["data_parallel"], False
            if strategy.device_mesh["tensor_parallel"].size() > 1:
                raise ConfigError(
                    "trainer.strategy has a tensor_parallel_size above 1, and layers are only sharded over data here; "
                    "use --trainer.strategy fsdp2"
                )
        return cls(mesh, strategy.root_device, COMPUTE_DTYPES[trainer.precision], offload)

    @property
    def home(self) -> torch.device:
        """Where shards are kept."""
        return torch.device("cpu") if self.cpu_offload else self.device

    def apply(self, model: nn.Module, layers: list[nn.Module], keep_root: bool = True) -> None:
        """Shard each of `layers`, then what is left of `model`, in place; gradients are summed in float32.

        Args:
            model: whose forward pass all others are in, on any device
            layers: gathered for their own turn and let go after it
            keep_root: keep what is left whole from its forward pass to its backward pass; a model that has none of
                those should let go
        """
        offload = CPUOffloadPolicy(pin_memory=self.device.type == "cuda") if self.cpu_offload else OffloadPolicy()
        options: dict[str, Any] = {
            "mesh": self.mesh,
            "mp_policy": MixedPrecisionPolicy(param_dtype=self.compute_dtype, reduce_dtype=torch.float32),
            "offload_policy": offload,
        }
        for layer in layers:
            fully_shard(layer, reshard_after_forward=True, **options)
        fully_shard(model, reshard_after_forward=not keep_root, **options)
        model.compute_whole = MethodType(lambda _, compute: compute(), model)  # type: ignore[assignment]
        register_fsdp_forward_method(model, "compute_whole")


def is_sharded(model: nn.Module | None) -> bool:
    """Whether its forward passes are collectives, which every process has to take part in."""
    return isinstance(model, FSDPModule)


def within_forward(model: nn.Module, compute: Callable[[], T]) -> T:
    """`compute()`, as a forward pass of `model`: its own weights (embeddings, final norm, lm_head) are whole meanwhile.

    What it returns may hold tensors in tuples and lists: through those the backward pass finds its way.
    """
    sharded: Any = model  # with the method that `Sharding.apply` gives it
    return sharded.compute_whole(compute) if is_sharded(model) else compute()


def release(model: nn.Module | None) -> None:
    """Let go of the weights that a forward pass without a backward pass has gathered."""
    if isinstance(model, FSDPModule):
        model.reshard()


def gathered(tensor: Tensor, device: torch.device) -> Tensor:
    """The whole of a sharded tensor, which every process must ask for; another tensor as it is."""
    if not isinstance(tensor, DTensor):
        return tensor
    # Shards in the host's memory are gathered by way of the device, whose collectives are the quicker ones.
    moved: Any = tensor.to(device) if tensor.device != device else tensor  # a DTensor still
    return moved.full_tensor()


def gradient_norm(model: nn.Module) -> Tensor:
    """The 2-norm of all gradients together, over all shards, a scalar on the device; every process must call it."""
    gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
    norm = torch.nn.utils.get_total_norm(gradients)
    return norm.full_tensor() if isinstance(norm, DTensor) else norm
