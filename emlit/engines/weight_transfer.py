"""Weights for vLLM servers by vLLM's own weight-transfer API, a bucket at a time."""

import queue
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from tempfile import gettempdir
from typing import Any
from urllib.parse import urlparse

import torch
from torch import Tensor

from emlit.engines.server_calls import post, said
from emlit.errors import ConfigError, EngineError


def buckets(weights: Iterable[tuple[str, Tensor]], size: int) -> Iterator[dict[str, Tensor]]:
    """The weights in order, in parts of at most `size` bytes; a larger one is a part of its own.

    What is held at any time is a part and the weight after it.
    """
    part: dict[str, Tensor] = {}
    held = 0
    for name, tensor in weights:
        nbytes = tensor.numel() * tensor.element_size()
        if part and held + nbytes > size:
            yield part
            part, held = {}, 0
        part[name] = tensor
        held += nbytes
        del tensor
    if part:
        yield part


class WeightTransfer:
    """The trainer's side, on the one process that sends.

    vLLM's trainer engines send a whole model whose names and shapes they ask for beforehand. Here weights come from an
    iterator that gathers them as it goes, so each bucket is sent as if it were the model, within one update: `_Servers`
    opens and closes that around them.

    Args:
        urls: of the servers
        world_sizes: of each, how many workers it has
        backend: what they were started with
        bucket_bytes: the most that is gathered before it is sent
        directory: for files of the shared-memory backend
        host: by which servers on other machines reach this one
        timeout: seconds for one bucket

    Raises:
        EngineError: a server that does not answer, or refuses
    """

    def __init__(
        self,
        urls: list[str],
        world_sizes: list[int],
        backend: str,
        bucket_bytes: int,
        directory: str | None = None,
        host: str | None = None,
        timeout: float = 300.0,
    ) -> None:
        from vllm.distributed.weight_transfer import WeightTransferTrainerFactory

        self.servers = _Servers(urls, world_sizes, timeout)
        self.source = _bucket_source(torch.device("cpu") if backend != "nccl" else torch.device("cuda"))
        self.bucket_bytes = bucket_bytes
        self.servers.post("shutdown_weight_transfer_engine")  # what an earlier run has left behind
        info = self._init_info(backend, directory, host or _own_address(urls[0]))
        self.engine = self._watched(
            lambda: WeightTransferTrainerFactory.trainer_init(info, client=self.servers, source=self.source)
        )

    def _init_info(self, backend: str, directory: str | None, host: str) -> Any:
        if backend == "nccl":
            from vllm.distributed.weight_transfer.nccl_engine import NCCLTrainerInitInfo

            return NCCLTrainerInitInfo(
                rank=0,
                master_address=host,
                master_port=_free_port(),
                world_size=1 + sum(self.servers.world_sizes),
                packed_buffer_size_bytes=self.bucket_bytes,
            )
        from emlit.engines.shm_transfer import ShmTrainerInitInfo

        return ShmTrainerInitInfo(rank=0, directory=directory or shared_directory())

    def send(self, weights: Iterable[tuple[str, Tensor]], version: str) -> None:
        """Replace the servers' weights, all at once for whoever samples: between requests, with empty caches.

        Args:
            weights: whole tensors; each is let go before the next bucket is gathered
            version: what the servers are to call them
        """
        self.servers.post("pause?mode=wait")  # which also empties the prefix cache, of blocks of the old weights
        self.servers.post("start_weight_update")
        for part in buckets(weights, self.bucket_bytes):
            self.source.tensors = part
            if torch.cuda.is_available():
                torch.cuda.current_stream().synchronize()  # what gathered them; sending has streams of its own
            self._watched(self.engine.send_weights)
            self.source.tensors = {}
            del part
        self.servers.post("finish_weight_update", {"weight_version": version})
        self.servers.post("resume")

    def close(self) -> None:
        """Let go of communicators and files, here and at the servers that still answer."""
        self.engine.shutdown()  # vLLM's aborts its communicator, which waits for no worker
        self.servers.post("shutdown_weight_transfer_engine")

    def _watched(self, call: Callable[[], Any]) -> Any:
        """What `call` returns, or the error of a server, for which a collective operation would wait for ever."""
        found: dict[str, Any] = {}
        device = torch.cuda.current_device() if torch.cuda.is_available() else None

        def run() -> None:
            if device is not None:
                torch.cuda.set_device(device)
            try:
                found["result"] = call()
            except BaseException as error:
                found["error"] = error

        self.servers.failure = None
        thread = threading.Thread(target=run, name="emlit-weights", daemon=True)
        thread.start()
        while thread.is_alive():
            thread.join(0.05)
            if self.servers.failure is not None:
                raise self.servers.failure
        if "error" in found:
            raise found["error"]
        return found["result"]


class _Servers:
    """vLLM's `VLLMWeightSyncClient` for several servers at once. (Its own client over HTTP can send no secret.)"""

    def __init__(self, urls: list[str], world_sizes: list[int], timeout: float) -> None:
        self.urls, self.world_sizes, self.timeout = urls, world_sizes, timeout
        self.failure: EngineError | None = None

    def init_weight_transfer_engine(self, init_info: dict[str, Any]) -> None:
        infos = []
        for index in range(len(self.urls)):
            before = sum(self.world_sizes[:index])
            moved = {"rank_offset": init_info["rank_offset"] + before} if "rank_offset" in init_info else {}
            infos.append({"init_info": {**init_info, **moved}})
        self._each(lambda index: self.call(index, "init_weight_transfer_engine", infos[index]))

    def start_weight_update(self) -> None:
        """`WeightTransfer.send` has."""

    def update_weights(self, update_info: Any) -> None:
        self.post("update_weights", {"update_info": update_info})

    def finish_weight_update(self, weight_version: str | None = None) -> None:
        """`WeightTransfer.send` will."""

    def post(self, path: str, body: dict[str, Any] | None = None) -> None:
        self._each(lambda index: self.call(index, path, body))

    def call(self, index: int, path: str, body: dict[str, Any] | None) -> None:
        post(f"{self.urls[index]}/{path}", body, self.timeout)

    def _each(self, call: Callable[[int], None]) -> None:
        """For every server at once, since workers of several meet in one collective operation; the first error counts.

        In threads that nobody waits for: where one server is gone, the others may wait for it in that operation.
        """
        answers: queue.Queue[EngineError | None] = queue.Queue()
        for index in range(len(self.urls)):
            threading.Thread(target=lambda i=index: answers.put(self._one(call, i)), daemon=True).start()
        for _ in self.urls:
            if (failure := answers.get()) is not None:
                self.failure = failure
                raise failure

    def _one(self, call: Callable[[int], None], index: int) -> EngineError | None:
        try:
            call(index)
        except (OSError, ValueError) as error:
            return EngineError(
                f"server {self.urls[index]} did not take the weights: {said(error)}; restart it, and fit resumes from "
                "its last checkpoint with --ckpt_path auto"
            )
        return None


def _bucket_source(device: torch.device) -> Any:
    """A `WeightSource` of whatever `tensors` holds, on a device."""
    from vllm.distributed.weight_transfer import ParamMeta, WeightSource

    class Bucket(WeightSource):
        tensors: dict[str, Tensor] = {}

        def metadata(self) -> list[ParamMeta]:
            return [ParamMeta(name, tensor.dtype, tuple(tensor.shape)) for name, tensor in self.tensors.items()]

        def __iter__(self) -> Iterator[tuple[str, Tensor]]:
            return ((name, tensor.to(device)) for name, tensor in self.tensors.items())

    return Bucket()


def shared_directory() -> str:
    """Memory that is a directory, where there is one."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else gettempdir()


def _own_address(url: str) -> str:
    """This machine's address on the way to a server. (Nothing is sent.)"""
    host = urlparse(url).hostname
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((host, 9))
        except OSError as error:
            raise ConfigError(f"engine.urls has {url}, whose host cannot be found ({error}); correct it") from error
        return str(probe.getsockname()[0])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("", 0))
        return int(probe.getsockname()[1])
