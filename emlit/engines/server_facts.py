"""What a vLLM server says of itself, and whether emlit can sample from it."""

import json
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

from emlit.engines.http_requests import Patience, dead
from emlit.errors import EngineError

_START = "start it with python -m emlit.serve --config FILE"


@dataclass(frozen=True)
class Facts:
    """Of one server.

    Attributes:
        world_size: processes that hold its model, copies included
        backend: by which it takes weights
    """

    world_size: int
    backend: str


def healthy_within(url: str, seconds: float) -> None:
    """Wait for a server that is starting.

    Raises:
        EngineError: it is still not healthy
    """
    until = time.monotonic() + seconds
    while True:
        try:
            _get(f"{url}/health")
            return
        except (OSError, ValueError) as error:
            said = _said(error)
        if time.monotonic() >= until:
            raise EngineError(
                f"there is no server at {url} after {seconds:.0f} s of waiting (last: {said}); {_START}, or correct "
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
        config = _get(f"{url}/server_info?config_format=json", seconds=60.0)["vllm_config"]
        world_size = _get(f"{url}/get_world_size")["world_size"]
    except urllib.error.HTTPError as error:
        if error.code != 404:
            raise EngineError(f"server {url} does not say how it was started: {_said(error)}; {_START}") from error
        raise EngineError(
            f"server {url} has no API for weights, which vLLM leaves out without VLLM_SERVER_DEV_MODE=1; {_START}"
        ) from error
    except (OSError, KeyError, ValueError) as error:
        raise EngineError(f"server {url} does not say how it was started: {_said(error)}; {_START}") from error
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
    if _get(f"{url}/is_paused")["is_paused"]:
        raise EngineError(
            f"server {url} is paused, as is one that a run was handing weights to when it was killed; start it again"
        )
    return Facts(int(world_size), str(transfer["backend"]))


def weight_version(url: str, patience: Patience) -> str:
    """What a server calls its weights.

    Raises:
        EngineError: it does not answer for as long as patience lasts
    """
    until = time.monotonic() + patience.seconds
    while True:
        try:
            return str(_get(f"{url}/weight_info")["weight_version"])
        except (OSError, KeyError, ValueError) as error:
            said = _said(error)
        if time.monotonic() >= until:
            raise dead(url, patience, said)
        time.sleep(0.5)


def _get(address: str, seconds: float = 10.0) -> Any:
    with urllib.request.urlopen(address, timeout=seconds) as answer:
        body = answer.read()
    return json.loads(body) if body else None


def _said(error: Exception) -> str:
    reason = getattr(error, "reason", None)
    return f"HTTP {error.code}" if isinstance(error, urllib.error.HTTPError) else f"{reason or error}"
