"""A sharded model's weights, read from safetensors by each process for itself."""

import logging
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.distributed.tensor import DTensor, distribute_tensor

from emlit.errors import DataError, first_line

if TYPE_CHECKING:
    from transformers import PreTrainedModel

log = logging.getLogger(__name__)


def load_sharded(
    model: "PreTrainedModel",
    weights: dict[str, Tensor],
    path: str,
    whole: Callable[[], "PreTrainedModel"],
) -> None:
    """Fill a model that was made on the meta device and sharded.

    Each process reads its rows of each tensor and no others, converting their dtype on the way.

    Args:
        model: as transformers made it, without adapters around it; they may be inside
        weights: its DTensors, by the names that they have in the files, tied ones under both
        path: a directory with *.safetensors, or a Hugging Face id
        whole: loads the model as a whole, for files of other names than its own; asked of the first process

    Raises:
        DataError: files that cannot be read
    """
    import torch.distributed.checkpoint as checkpoint
    from torch.distributed.checkpoint.hf_storage import HuggingFaceStorageReader
    from torch.distributed.checkpoint.metadata import TensorStorageMetadata

    fill_buffers(model)
    folder = _local(path)
    reader = HuggingFaceStorageReader(str(folder))
    try:
        named = reader.read_metadata().state_dict_metadata
    except Exception as error:  # safetensors has its own
        raise DataError(f"the weights in {path} could not be read: {first_line(error)}") from error
    wanted = {name: tensor for name, tensor in weights.items() if name in named}
    if not _all_of(weights, wanted):
        log.warning("the files of %s name weights otherwise than the model: the first process reads them whole", path)
        _scatter(weights, whole)
        return
    sizes = {name: tuple(each.size) for name, each in named.items() if isinstance(each, TensorStorageMetadata)}
    wrong = [name for name, tensor in wanted.items() if sizes[name] != tuple(tensor.shape)]
    if wrong:
        raise DataError(f"{path} has a {wrong[0]} of {sizes[wrong[0]]}, not {tuple(wanted[wrong[0]].shape)}")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "torch.distributed is disabled")  # of no_dist: nobody waits for anybody
        checkpoint.load(wanted, storage_reader=HuggingFaceStorageReader(str(folder)), no_dist=True)


def fill_buffers(model: "PreTrainedModel") -> None:
    """Compute what no file holds: rotary frequencies and their like."""
    for parameter in model.parameters():
        parameter._is_hf_initialized = True  # type: ignore[attr-defined]  # transformers leaves those alone
    with torch.no_grad():
        model.initialize_weights()


def _local(path: str) -> Path:
    if Path(path).is_dir():
        return Path(path)
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(path, allow_patterns=["*.safetensors", "*.json"]))
    except Exception as error:
        raise DataError(f"pretrained is {path}, which could not be loaded: {first_line(error)}") from error


def _all_of(weights: dict[str, Tensor], wanted: dict[str, Tensor]) -> bool:
    """Whether each weight is read under one of its names: a file has a tied one once."""
    read = {id(tensor) for tensor in wanted.values()}
    sharded = [tensor for tensor in weights.values() if isinstance(tensor, DTensor)]
    return bool(wanted) and all(id(tensor) in read for tensor in sharded)


def _scatter(weights: dict[str, Tensor], whole: Callable[[], "PreTrainedModel"]) -> None:
    state = whole().state_dict() if torch.distributed.get_rank() == 0 else {}
    for name, tensor in weights.items():
        if isinstance(tensor, DTensor):
            scatter(state.get(name), tensor)


@torch.no_grad()
def scatter(full: Tensor | None, tensor: DTensor) -> None:
    """Copy a whole tensor of the first process's into a sharded one; the others may give None."""
    full = torch.empty(tensor.shape) if full is None else full
    device = tensor.device_mesh.device_type
    shards = distribute_tensor(full.to(device, tensor.dtype), tensor.device_mesh, tensor.placements)
    tensor.to_local().copy_(shards.to_local())


def take_over(state: Mapping[str, Tensor], module: nn.Module) -> None:
    """Copy whole tensors, which every process has, into a module's own of the same names, sharded or not."""
    own = module.state_dict(keep_vars=True)
    for name, full in state.items():
        if isinstance(tensor := own[name], DTensor):
            scatter(full, tensor)
        else:
            tensor.data.copy_(full)
