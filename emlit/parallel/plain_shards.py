"""Folders of shards, read without running what a pickle in them asks for."""

import io
import pickle
from pathlib import Path
from typing import Any

import torch
from torch.distributed.checkpoint import DefaultLoadPlanner, FileSystemReader, Metadata, load
from torch.distributed.checkpoint.metadata import StorageMeta
from torch.distributed.checkpoint.planner import ReadItem

from emlit.resilience.checkpoint_files import refusal

# Of which classes and functions the pickled table of contents of a folder of shards is made.
_CONTENTS = {
    "torch": {"Size", "device", *(name for name, value in vars(torch).items() if isinstance(value, torch.dtype))},
    "torch.serialization": {"_get_layout"},
    "torch.distributed.checkpoint.filesystem": {"_StorageInfo"},
    "torch.distributed.checkpoint.metadata": {
        "BytesStorageMetadata", "ChunkStorageMetadata", "Metadata", "MetadataIndex", "StorageMeta", "TensorProperties",
        "TensorStorageMetadata", "_MEM_FORMAT_ENCODING",
    },
    "pathlib": {"Path", "PosixPath", "PurePosixPath"},
    "collections": {"OrderedDict"},
}  # fmt: skip


def load_plain(state: dict[str, Any], path: Path) -> None:
    """Fill a state from a folder of shards; every process of the strategy must call it.

    Raises:
        CheckpointException: the folder holds more than tensors and plain values, or cannot be read
    """
    load(state, storage_reader=PlainReader(path), planner=PlainPlanner())


def check_contents(path: Path) -> None:
    """Read the table of contents of a folder of shards.

    Raises:
        ConfigError: it cannot be read, or names more than plain values
    """
    try:
        PlainReader(path).read_metadata()
    except Exception as error:  # a pickle can fail in every way
        raise refusal(path, "ckpt_path", error) from error


class PlainReader(FileSystemReader):
    """Reads a folder of shards; torch's own unpickles any class that the folder's table of contents names."""

    def read_metadata(self, *args: Any, **kwargs: Any) -> Metadata:
        with Path(self._get_metadata_path(kwargs.get("rank"))).open("rb") as file:
            metadata = _Contents(file).load()
        if not isinstance(metadata, Metadata):
            raise pickle.UnpicklingError("the table of contents is not plain data")
        metadata.storage_meta = metadata.storage_meta or StorageMeta()
        metadata.storage_meta.load_id = self.load_id
        return metadata


class PlainPlanner(DefaultLoadPlanner):
    """Loads a folder of shards; torch's own unpickles any class that a value other than a tensor names."""

    def load_bytes(self, read_item: ReadItem, value: io.BytesIO) -> None:
        torch.load(value, weights_only=True)
        value.seek(0)
        super().load_bytes(read_item, value)


class _Contents(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if name in _CONTENTS.get(module, ()):
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"{module}.{name} is not plain data")
