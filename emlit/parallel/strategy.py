"""Lightning's strategy for FSDP2, with a mesh of all processes."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from lightning.fabric.utilities.device_dtype_mixin import _update_properties
from lightning.pytorch.strategies import ModelParallelStrategy, StrategyRegistry
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh

from emlit.errors import ConfigError, require_positive
from emlit.parallel.plain_shards import load_plain

# What each precision of the trainer computes in; weights, the optimiser and sums of gradients stay as they are.
COMPUTE_DTYPES: dict[str, torch.dtype | None] = {"32-true": None, "bf16-mixed": torch.bfloat16}


class FSDP2(ModelParallelStrategy):
    """Weights, gradients and the optimiser's state in shards over all processes (torch's FSDP2).

    The modules do the sharding, in `configure_model`. Lightning's own strategy asks for two sizes whose defaults shard
    nothing on a single node; here every process holds a shard.

    Args:
        cpu_offload: keep shards and the optimiser in the host's memory; each layer visits the GPU for its turn
        shard_within_node: shard over the GPUs of a node, and replicate over nodes (HSDP): more memory, and only
            gradients cross the network
        save_distributed_checkpoint: checkpoints are folders to which every process writes its shard; false gathers them
            into one file, which a single GPU without this strategy can resume from, too
        timeout_minutes: of a collective, but for those within and between replicas; generation happens between two
    """

    def __init__(
        self,
        cpu_offload: bool = False,
        shard_within_node: bool = False,
        save_distributed_checkpoint: bool = True,
        timeout_minutes: float = 60.0,
    ) -> None:
        require_positive("FSDP2", timeout_minutes=timeout_minutes)
        super().__init__(
            save_distributed_checkpoint=save_distributed_checkpoint,
            # Norms of what lies in the host's memory are summed over processes there.
            process_group_backend="cpu:gloo,cuda:nccl" if cpu_offload and torch.cuda.is_available() else None,
            timeout=timedelta(minutes=timeout_minutes),
        )
        self.cpu_offload, self.shard_within_node = cpu_offload, shard_within_node
        self._sharding_mesh: DeviceMesh | None = None

    def setup_environment(self) -> None:
        self._data_parallel_size, self._tensor_parallel_size = self.num_nodes * self.num_processes, 1
        super().setup_environment()

    def model_to_device(self) -> None:
        if not self.cpu_offload:
            super().model_to_device()
            return
        # Parameters stay; what is computed with, and where batches are sent, is the device's.
        assert self.lightning_module is not None
        _update_properties(self.lightning_module, device=self.root_device)

    def load_checkpoint(self, checkpoint_path: Any, weights_only: bool | None = None) -> dict[str, Any]:
        """As Lightning does, but nothing that a pickle names is run: its own reader of folders runs all of it."""
        with patch("lightning.fabric.strategies.model_parallel._distributed_checkpoint_load", load_plain):
            return super().load_checkpoint(checkpoint_path, weights_only=True)

    @property
    def sharding_mesh(self) -> DeviceMesh:
        """What parameters are sharded over: one dimension, or replicas and shards."""
        if self._sharding_mesh is None:
            self._sharding_mesh = self.device_mesh["data_parallel"]
            if self.shard_within_node and self.num_nodes > 1:
                shape = (self.num_nodes, self.num_processes)
                self._sharding_mesh = init_device_mesh(
                    self.root_device.type, shape, mesh_dim_names=("replicate", "shard")
                )
        return self._sharding_mesh


StrategyRegistry.register("fsdp2", FSDP2, description="FSDP2 over all processes")


def require_known(strategy: Any, precision: Any, checkpoint: Path | None) -> None:
    """Refuse a config's `trainer.strategy` that cannot go well.

    Raises:
        ConfigError: the first FSDP, a precision that was not tried with sharded weights, or a strategy that does not
            read the folder of shards that `checkpoint` is
    """
    name = strategy if isinstance(strategy, str) else getattr(strategy, "class_path", "")
    if (name.startswith("fsdp") and name != "fsdp2") or name.rpartition(".")[2] == "FSDPStrategy":
        raise ConfigError(
            f"trainer.strategy is {name}, the first FSDP, which clips no gradient norms and is not supported; use "
            "FSDP2: --config configs/trainer/fsdp.yaml, or --trainer.strategy fsdp2"
        )
    sharded = name.rpartition(".")[2] in ("fsdp2", "FSDP2", "ModelParallelStrategy")
    if sharded and precision not in (None, 32, "32", *COMPUTE_DTYPES):
        raise ConfigError(
            f"trainer.precision is {precision}, which was not tried with sharded weights; set "
            f"{' or '.join(COMPUTE_DTYPES)}"
        )
    if checkpoint is not None and checkpoint.is_dir() and name.rpartition(".")[2] not in ("fsdp2", "FSDP2"):
        raise ConfigError(
            f"ckpt_path is {checkpoint}, a folder of shards, which trainer.strategy {name} does not read; set "
            "--trainer.strategy fsdp2, which does with any number of processes"
        )
