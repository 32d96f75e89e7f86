"""Weights for a vLLM server on the same machine, through files in memory: a backend of vLLM's weight-transfer API.

vLLM's own backends need GPUs. Here each bucket of weights is one file in a directory that both sides see (/dev/shm,
which is memory). The trainer removes it as soon as every worker has mapped and read it: there is never more than one.

Importing this module registers the backend on either side; a server's workers import it for `--worker-extension-cls`.
"""

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar, Self

import torch
from torch import Tensor
from vllm.distributed.weight_transfer import (
    TrainerWeightTransferEngine,
    VLLMWeightSyncClient,
    WeightSource,
    WeightTransferEngine,
    WeightTransferEngineFactory,
    WeightTransferTrainerFactory,
)
from vllm.distributed.weight_transfer.base import TrainerInitInfo, WeightTransferInitInfo, WeightTransferUpdateInfo

from emlit.errors import EngineError

BACKEND = "emlit_shm"
_ALIGNMENT = 64  # bytes; a view of another dtype must start at a multiple of its size


@dataclass
class ShmInitInfo(WeightTransferInitInfo):
    """The directory, and a file in it by which a worker tells that it is the trainer's."""

    directory: str
    proof: str


@dataclass
class ShmUpdateInfo(WeightTransferUpdateInfo):
    """What a bucket's file holds: tensor i has `shapes[i]` and begins at byte `offsets[i]`."""

    path: str
    names: list[str]
    dtype_names: list[str]
    shapes: list[list[int]]
    offsets: list[int]


@dataclass
class ShmTrainerInitInfo(TrainerInitInfo):
    """Where the trainer puts its files."""

    backend: ClassVar[str] = BACKEND
    directory: str


class ShmWeightTransferEngine(WeightTransferEngine[ShmInitInfo, ShmUpdateInfo]):
    """The worker's side: map a bucket, load it as a checkpoint's weights."""

    init_info_cls = ShmInitInfo
    update_info_cls = ShmUpdateInfo

    def init_transfer_engine(self, init_info: ShmInitInfo) -> None:
        try:
            found = Path(init_info.directory, init_info.proof).is_file()
        except PermissionError:
            found = False
        if not found:
            raise RuntimeError(
                f"{init_info.directory} of the trainer is not there, or is another user's: start the server on the "
                "trainer's machine and as the same user, or with --weights nccl"
            )
        self.directory = Path(init_info.directory)

    def start_weight_update(self) -> None:
        from vllm.model_executor.model_loader.reload import initialize_layerwise_reload

        initialize_layerwise_reload(self.model)

    def receive_weights(self, update_info: ShmUpdateInfo) -> None:
        from vllm.model_executor.model_loader.mtp_validation import disable_mtp_completeness_check

        model: Any = self.model
        with disable_mtp_completeness_check():
            model.load_weights(_read(update_info, self.directory))

    def finish_weight_update(self) -> None:
        from vllm.model_executor.model_loader.reload import finalize_layerwise_reload

        finalize_layerwise_reload(self.model, self.model_config)

    def shutdown(self) -> None:
        """Nothing is held between updates."""


class ShmTrainerWeightTransferEngine(TrainerWeightTransferEngine[ShmTrainerInitInfo]):
    """The trainer's side: `send_weights` puts what `source` holds into one file and waits for the workers."""

    init_info_cls = ShmTrainerInitInfo

    @classmethod
    def trainer_init(
        cls, init_info: ShmTrainerInitInfo, *, client: VLLMWeightSyncClient, source: WeightSource | None = None
    ) -> Self:
        engine = cls(client=client, source=source, is_sender=init_info.is_sender)
        engine.scratch = TemporaryDirectory(prefix="emlit-weights-", dir=init_info.directory)
        proof = Path(engine.scratch.name, "proof")
        proof.touch()
        client.init_weight_transfer_engine(asdict(ShmInitInfo(engine.scratch.name, proof.name)))
        return engine

    scratch: TemporaryDirectory

    def send_weights(self) -> None:
        assert self.source is not None
        path = Path(self.scratch.name, f"bucket-{secrets.token_hex(8)}")
        with _written(path, dict(self.source)) as update_info:
            self.client.start_weight_update()
            self.client.update_weights(asdict(update_info))
            self.client.finish_weight_update()

    def shutdown(self) -> None:
        self.scratch.cleanup()


@contextmanager
def _written(path: Path, tensors: dict[str, Tensor]) -> Iterator[ShmUpdateInfo]:
    """A file with the tensors, for as long as this context."""
    offsets, end = [], 0
    for tensor in tensors.values():
        offsets.append(end)
        end += -(-tensor.numel() * tensor.element_size() // _ALIGNMENT) * _ALIGNMENT
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with open(descriptor, "wb") as file:
            # Writing to a mapped page that a full /dev/shm cannot give would end the process without a word.
            try:
                os.posix_fallocate(file.fileno(), 0, max(end, 1))
            except OSError as error:
                raise EngineError(
                    f"{path.parent.parent} has no room for {end >> 20} MiB of weights ({error.strerror}): lower "
                    "engine.bucket_mb, or set engine.directory to one that trainer and servers both see"
                ) from error
        mapped = torch.from_file(str(path), shared=True, size=max(end, 1), dtype=torch.uint8)
        for tensor, offset in zip(tensors.values(), offsets, strict=True):
            _view(mapped, offset, tensor.dtype, list(tensor.shape)).copy_(tensor)
        del mapped
        dtypes = [str(tensor.dtype).removeprefix("torch.") for tensor in tensors.values()]
        shapes = [list(tensor.shape) for tensor in tensors.values()]
        yield ShmUpdateInfo(str(path), list(tensors), dtypes, shapes, offsets)
    finally:
        path.unlink(missing_ok=True)


def _read(info: ShmUpdateInfo, directory: Path) -> Iterator[tuple[str, Tensor]]:
    status = Path(info.path).lstat()
    is_within = Path(info.path).parent == directory and status.st_uid == directory.stat().st_uid
    if not is_within or not stat.S_ISREG(status.st_mode):
        raise RuntimeError(f"{info.path} is no file that the trainer put into {directory}")
    # Private and never written to. It stays mapped, and its memory in use, until vLLM has put the last of its tensors
    # into a layer: those of a layer whose other parts come with the next bucket wait for them.
    mapped = torch.from_file(info.path, shared=False, size=status.st_size, dtype=torch.uint8)
    for name, dtype, shape, offset in zip(info.names, info.dtype_names, info.shapes, info.offsets, strict=True):
        yield name, _view(mapped, offset, getattr(torch, dtype), shape)


def _view(mapped: Tensor, offset: int, dtype: torch.dtype, shape: list[int]) -> Tensor:
    size = torch.Size(shape).numel() * dtype.itemsize
    return mapped[offset : offset + size].view(dtype).view(shape)


class RegistersShm:
    """A name for `--worker-extension-cls`: a worker that resolves it has imported this module."""


def _register() -> None:
    names: dict[Any, type] = {
        WeightTransferEngineFactory: ShmWeightTransferEngine,
        WeightTransferTrainerFactory: ShmTrainerWeightTransferEngine,
    }
    for factory, engine in names.items():
        factory.register_engine(BACKEND, engine)


_register()
