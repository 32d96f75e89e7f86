"""Sampling with vLLM's own OpenAI-compatible servers, beside the trainer or on other machines."""

import asyncio
import contextlib
import logging
import os
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from emlit.decoding.requests import to_flat_keys
from emlit.engines.base import Engine, ModelSource, OnFinished
from emlit.engines.http_requests import Patience, ask_servers
from emlit.engines.server_facts import healthy_within, server_facts, weight_version
from emlit.engines.vllm import installed
from emlit.engines.weight_transfer import WeightTransfer
from emlit.errors import ConfigError, EmlitError, EngineError, require_at_least, require_positive
from emlit.processes import all_gather
from emlit.records import Completion, Request, Sampling

log = logging.getLogger(__name__)

UNTOUCHED = "default"  # what vLLM calls the weights that it has read from disk


class VLLMServerEngine(Engine):
    """vLLM in servers of its own, which `python -m emlit.serve --config FILE` starts (docs/servers.md).

    Each process of the trainer asks the servers itself; new weights go from the first process to all servers, by vLLM's
    weight-transfer API: NCCL between GPUs, memory on one machine. Control endpoints get the secret of
    `emlit.server.secret`, from the environment or its file. A weights version is never taken on trust: servers
    carry the name of the last push, which is compared before and after each batch of requests.

    Args:
        urls: of the servers, each with a model's whole weights; requests are shared out evenly
        concurrency: requests of one process under way at each server
        patience: seconds for which a server may fail or be unhealthy before the run ends; requests are repeated
            until then, and their seeds make a repeated one the same
        start_timeout: seconds for which to wait for servers that are starting
        bucket_mb: MiB of weights gathered and sent at a time
        directory: where weights pass through files in memory, on a CPU; /dev/shm unless set
        host: this machine's address for NCCL; the one on the way to the first server unless set

    Raises:
        ConfigError: vLLM, whose weight-transfer API this uses, is not installed; a URL that is none
    """

    samples_elsewhere = True
    starting = "connecting to vLLM's servers"

    def __init__(
        self,
        urls: list[str] = ["http://127.0.0.1:8000"],  # noqa: B006 (copied)
        concurrency: int = 256,
        patience: float = 20.0,
        start_timeout: float = 300.0,
        bucket_mb: int = 256,
        directory: str | None = None,
        host: str | None = None,
    ) -> None:
        if not installed():
            raise ConfigError(
                "engine is VLLMServerEngine, but vLLM is not installed beside the trainer, which hands over weights by "
                "it: install it (README, Install)"
            )
        if not urls:
            raise ConfigError("engine.urls is an empty list; name a server, as in http://127.0.0.1:8000")
        for url in urls:
            if not url.startswith(("http://", "https://")):
                raise ConfigError(f"engine.urls has {url}; a URL begins with http:// or https://")
        self.urls = [url.rstrip("/").removesuffix("/v1") for url in urls]
        if len(set(self.urls)) < len(self.urls):
            raise ConfigError(f"engine.urls has a server twice ({', '.join(self.urls)}); leave one out")
        require_at_least(1, "VLLMServerEngine", concurrency=concurrency, bucket_mb=bucket_mb)
        require_positive("VLLMServerEngine", patience=patience, start_timeout=start_timeout)
        if directory is not None and not os.path.isdir(directory):
            raise ConfigError(f"engine.directory is {directory}, and there is no such directory")
        self.patience = Patience(concurrency, patience)
        self.start_timeout = start_timeout
        self.bucket_bytes, self.directory, self.host = bucket_mb << 20, directory, host
        self.transfer: WeightTransfer | None = None
        self.pushed = UNTOUCHED
        self._asking: tuple[asyncio.AbstractEventLoop, asyncio.Task] | None = None

    def start(self, source: ModelSource) -> None:
        until = time.monotonic() + self.start_timeout
        for url in self.urls:
            healthy_within(url, max(1.0, until - time.monotonic()))
        self.facts = [server_facts(url, source.context) for url in self.urls]
        if len(backends := {facts.backend for facts in self.facts}) > 1:
            raise EngineError(
                f"the servers take weights by {' and '.join(sorted(backends))}; start all with the same --weights"
            )
        # Half the bytes to gather, to send and to hold there, where the servers would round what they get.
        dtypes = {facts.dtype for facts in self.facts}
        self.weights_dtype = dtypes.pop() if len(dtypes) == 1 and dtypes <= {torch.bfloat16, torch.float16} else None
        self.source = source
        self.pushed, self.weights_version = UNTOUCHED, 0

    def generate(
        self, requests: Sequence[Request], sampling: Sampling, on_finished: OnFinished | None = None
    ) -> list[Completion]:
        bodies = [self._body(request, sampling) for request in requests]
        places = {id(body): place for place, body in enumerate(bodies)}

        def answered(body: dict[str, Any], answer: dict[str, Any]) -> None:
            if on_finished is not None:
                on_finished(places[id(body)], _completion(answer))

        shares = dict(zip(self.urls, _even(bodies, len(self.urls)), strict=True))
        answers = self._run(ask_servers(shares, self.patience, self.pushed, answered))
        return [_completion(answer) for url in self.urls for answer in answers[url]]

    def _body(self, request: Request, sampling: Sampling) -> dict[str, Any]:
        """Of /v1/completions. What is left out, a server would take from the model's generation_config.json."""
        return {
            "prompt": request.prompt,
            "seed": request.seed,
            "max_tokens": min(sampling.max_tokens, self.source.context - len(request.prompt)),
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "top_k": sampling.top_k,
            "min_p": sampling.min_p,
            "repetition_penalty": 1.0,
            "presence_penalty": 0.0,
            "frequency_penalty": 0.0,
            "stop": sampling.stop,
            "stop_token_ids": list(self.source.stop_token_ids),
            "logprobs": 0,
            "return_token_ids": True,
            "skip_special_tokens": False,
            "vllm_xargs": to_flat_keys(sampling.decoding),
        }

    def _run(self, asking: Any) -> Any:
        """The coroutine's result, in a loop that `close` can end from another thread."""

        async def run() -> Any:
            task = asyncio.current_task()
            assert task is not None
            self._asking = asyncio.get_running_loop(), task
            try:
                return await asking
            finally:
                self._asking = None

        return asyncio.run(run())

    def load_weights(self, weights: Iterable[tuple[str, Tensor]], version: int) -> None:
        """Every process must call it and gathers the same tensors; the first one sends, the others wait for it."""
        all_gather(None)  # one that still waits for a round would find the servers paused
        weights, pushed, failure = iter(weights), "", None
        if _first():
            try:
                pushed = f"{version}-{uuid.uuid4().hex}"
                self._send(weights, pushed)
            except Exception as error:
                failure = error if isinstance(error, EmlitError) else EngineError(f"{type(error).__name__}: {error}")
        for _ in weights:  # gathering is collective, so that all of them must go through to the end
            pass
        pushed, failure = all_gather((pushed, failure))[0]
        if failure is not None:
            raise failure
        self.pushed, self.weights_version = pushed, version

    def _send(self, weights: Iterator[tuple[str, Tensor]], pushed: str) -> None:
        for url in self.urls:
            found = weight_version(url, self.patience)
            if self.transfer is not None and found != self.pushed:
                log.warning("server %s was started again; it gets the current weights", url)
                self._leave()
        if self.transfer is None:
            self.transfer = WeightTransfer(
                self.urls,
                [facts.world_size for facts in self.facts],
                self.facts[0].backend,
                self.bucket_bytes,
                self.directory,
                self.host,
            )
        self.transfer.send(weights, pushed)

    def _leave(self) -> None:
        """Close the transfer: else its communicator would hold memory of the GPU until the process ends."""
        transfer, self.transfer = self.transfer, None
        if transfer is not None:
            with contextlib.suppress(EngineError):  # of a server that is gone, which is told where it matters
                transfer.close()

    def close(self) -> None:
        """Leave the servers to others. What another thread is sampling ends."""
        if (asking := self._asking) is not None:
            loop, task = asking
            with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(task.cancel)
        self._leave()


def _first() -> bool:
    return not torch.distributed.is_initialized() or torch.distributed.get_rank() == 0


def _even(items: Sequence[Any], parts: int) -> list[list[Any]]:
    """Neighbours, which may have a prompt and its cache in common, stay together."""
    cuts = [len(items) * part // parts for part in range(parts + 1)]
    return [list(items[start:end]) for start, end in zip(cuts, cuts[1:], strict=False)]


def _completion(answer: dict[str, Any]) -> Completion:
    choice = answer["choices"][0]
    return Completion(
        choice["token_ids"],
        choice["logprobs"]["token_logprobs"],
        "length" if choice["finish_reason"] == "length" else "stop",
    )
