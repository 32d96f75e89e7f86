"""What a vLLM server says of itself, and whether emlit can sample from it."""

import logging
import time
import urllib.error
import urllib.request
from dataclasses import dataclass

import torch

from emlit.engines.http_requests import Patience, dead
from emlit.engines.server_calls import get, said
from emlit.errors import EngineError
from emlit.server.secret import FILE_VARIABLE, VARIABLE, default_file

log = logging.getLogger(__name__)

_START = "start it with python -m emlit.serve --config FILE"


@dataclass(frozen=True)
class Facts:
    """Of one server.

    Attributes:
        world_size: processes that hold its model, copies included
        backend: by which it takes weights
        dtype: of its weights; None where it does not say
    """

    world_size: int
    backend: str
    dtype: torch.dtype | None = None


def healthy_within(url: str, seconds: float) -> None:
    """Wait for a server that is starting.

    Raises:
        EngineError: it is still not healthy
    """
    until = time.monotonic() + seconds
    while True:
        try:
            get(f"{url}/health")
            return
        except (OSError, ValueError) as error:
            last = said(error)
        if time.monotonic() >= until:
            raise EngineError(
                f"there is no server at {url} after {seconds:.0f} s of waiting (last: {last}); {_START}, or correct "
                "engine.urls"
            )
        time.sleep(0.5)


def server_facts(url: str, context: int) -> Facts:
    """Check that a server samples what emlit asks for.

    Args:
        url: of the server
        context: longest prompt plus completion, in tokens

    Raises:
        EngineError: it was started without something that is needed
    """
    try:
        config = get(f"{url}/server_info?config_format=json", seconds=60.0)["vllm_config"]
        world_size = get(f"{url}/get_world_size")["world_size"]
    except urllib.error.HTTPError as error:
        if error.code == 401:
            raise EngineError(
                f"server {url} has another secret than this trainer: give it here what the server was started with, as "
                f"{VARIABLE} or as the file {FILE_VARIABLE} (on the server's machine it is {default_file()} unless set)"
            ) from error
        if error.code != 404:
            raise EngineError(f"server {url} does not say how it was started: {said(error)}; {_START}") from error
        raise EngineError(
            f"server {url} has no API for weights, which vLLM leaves out without VLLM_SERVER_DEV_MODE=1; {_START}"
        ) from error
    except (OSError, KeyError, ValueError) as error:
        raise EngineError(f"server {url} does not say how it was started: {said(error)}; {_START}") from error
    model = config["model_config"]
    for key, is_right, should in (
        ("max_model_len", model["max_model_len"] >= context, f"at least {context}, this run's context"),
        ("logprobs_mode", "processed_logprobs" in str(model["logprobs_mode"]), "processed_logprobs"),
        (
            "logits_processors",
            any("EntropyDecoding" in str(each) for each in model["logits_processors"] or []),
            "emlit.decoding.vllm:EntropyDecoding",
        ),
    ):
        if not is_right:
            raise EngineError(f"server {url} was started with {key} {model[key]}; it must be {should}: {_START}")
    transfer = config.get("weight_transfer_config")
    if not transfer:
        raise EngineError(f"server {url} was started without --weight-transfer-config and takes no weights; {_START}")
    if get(f"{url}/is_paused")["is_paused"]:
        raise EngineError(
            f"server {url} is paused, as is one that a run was handing weights to when it was killed; start it again"
        )
    if _is_unguarded(url):
        log.warning(
            "server %s lets anybody who reaches it replace its weights and call its workers, without a secret: %s",
            url,
            _START,
        )
    found = getattr(torch, str(model.get("dtype")).removeprefix("torch."), None)
    return Facts(int(world_size), str(transfer["backend"]), found if isinstance(found, torch.dtype) else None)


def _is_unguarded(url: str) -> bool:
    try:
        urllib.request.urlopen(f"{url}/is_paused", timeout=10).close()
    except OSError:
        return False
    return True


def weight_version(url: str, patience: Patience) -> str:
    """What a server calls its weights.

    Raises:
        EngineError: it does not answer for as long as patience lasts
    """
    until = time.monotonic() + patience.seconds
    while True:
        try:
            return str(get(f"{url}/weight_info")["weight_version"])
        except (OSError, KeyError, ValueError) as error:
            last = said(error)
        if time.monotonic() >= until:
            raise dead(url, patience, last)
        time.sleep(0.5)
