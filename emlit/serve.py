"""Starts vLLM's OpenAI server for the runs of a config: `python -m emlit.serve --config FILE`.

It reads the files that `python cli.py fit` reads: the model, the context, and how an engine in the trainer's process
would be set. What else stands on the command line goes to vLLM as it is, and overrides.
"""

import argparse
import json
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import yaml

from emlit import pretrained
from emlit.context import context_length, default_context
from emlit.engines.vllm import VLLMEngine
from emlit.errors import ConfigError
from emlit.includes import config_parts
from emlit.resilience.endings import ends_in_a_sentence
from emlit.resilience.outputs import outlast_readers
from emlit.server import HOSTS_VARIABLE, secret

# By which weights reach the server; `emlit.engines.shm_transfer.BACKEND`, which only vLLM's processes import.
BACKENDS = {"nccl": "nccl", "shm": "emlit_shm"}
# How vLLM's command line takes lists, where it is not one flag with several words.
_AS_JSON, _ONE_BY_ONE = ("allowed_origins",), ("middleware",)
_LOCAL, _ANY = ("127.0.0.1", "localhost", "::1"), ("0.0.0.0", "::")


def command(config: dict[str, Any], host: str, port: int, weights: str, more: Sequence[str] = ()) -> list[str]:
    """The command that starts the server.

    Args:
        config: as a run's, merged
        host: address to listen at
        port: likewise
        weights: a key of BACKENDS
        more: arguments of vLLM's, which count where they contradict
    """
    model, data = config.get("model") or {}, config.get("data") or {}
    name = (model.get("init_args") or model).get("pretrained", "tiny")
    path = pretrained.resolve(name)
    trusted = bool((model.get("init_args") or model).get("trust_remote_code"))
    context = data.get("context") or default_context(name, context_length(path, trusted))
    arguments = _engine(data.get("engine")).arguments(path, context, trusted) | {
        "host": host,
        "port": port,
        # ControlAccess last: vLLM puts what comes later around what came before.
        "middleware": [
            "emlit.server.decoding_requests.DecodingRequests",
            "emlit.server.access.ControlAccess",
        ],
        "allowed_origins": [],
        "weight_transfer_config": {"backend": BACKENDS[weights]},
        "disable_uvicorn_access_log": True,  # a line for each request
        # Else what a request leaves out would come from the model's generation_config.json.
        "generation_config": "vllm",
    }
    if "gpu_memory_utilization" in arguments:
        # A recipe's share is for a GPU that a trainer is on too; this one's are a server's alone.
        arguments |= {"gpu_memory_utilization": 0.9, "enable_sleep_mode": False}
    if weights == "shm":
        arguments["worker_extension_cls"] = "emlit.engines.shm_transfer.RegistersShm"
    return [sys.executable, "-m", "vllm.entrypoints.openai.api_server", *_flags(arguments), *more]


def environment(hosts: Sequence[str] = ()) -> dict[str, str]:
    """What the server needs, over what there is.

    Args:
        hosts: names by which it is reached, beside its addresses and the machine's name

    Raises:
        ConfigError: the secret of its control endpoints cannot be read or written
    """
    # The API for weights, without what vLLM unpickles for those who ask for it.
    needed = {"VLLM_SERVER_DEV_MODE": "1", "VLLM_ALLOW_INSECURE_SERIALIZATION": "0"}
    needed[HOSTS_VARIABLE] = ",".join([*hosts, os.environ.get(HOSTS_VARIABLE, "")])
    if secret.find() is None:
        needed[secret.FILE_VARIABLE] = str(secret.create())
    chosen = {"VLLM_NO_USAGE_STATS": "1"}
    if not torch.cuda.is_available():
        # The rank of a sampled token is computed by a compiled function: 10 s of compilation for a number that nobody
        # here reads.
        chosen["TORCHDYNAMO_DISABLE"] = "1"
    return chosen | os.environ | needed


def _engine(setting: Any) -> VLLMEngine:
    """The VLLMEngine of a config, or one on a GPU of its own."""
    if isinstance(setting, dict) and str(setting.get("class_path", "")).endswith("VLLMEngine"):
        return VLLMEngine(**(setting.get("init_args") or {}))
    return VLLMEngine(gpu_memory_utilization=0.9)


def _flags(arguments: dict[str, Any]) -> list[str]:
    flags = []
    for name, value in arguments.items():
        flag = f"--{name.replace('_', '-')}"
        if isinstance(value, bool):
            flags.append(flag if value else f"--no-{flag[2:]}")
        elif name in _AS_JSON:
            flags += [flag, json.dumps(value)]
        elif name in _ONE_BY_ONE:
            flags += [word for each in value for word in (flag, each)]
        elif isinstance(value, list):
            flags += [flag, *map(str, value)]
        else:
            flags += [flag, json.dumps(value) if isinstance(value, dict) else str(value)]
    return flags


def read(files: Sequence[str]) -> dict[str, Any]:
    """Configs, each over those before it and over what it includes.

    Raises:
        ConfigError: a file that is not there, or is no mapping, or an include that cannot be followed
    """
    merged: dict[str, Any] = {}
    for file in files:
        try:
            parts = config_parts(Path(file))
        except (OSError, ValueError, yaml.YAMLError) as error:
            raise ConfigError(f"config {file} cannot be read: {' '.join(str(error).split())}") from error
        for _, found in parts:
            if not isinstance(found, dict):
                raise ConfigError(f"config {file} is no mapping of keys; give one that fit takes")
            merged = _over(merged, found)
    return merged


def _over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    return below | {
        key: _over(below[key], value) if isinstance(value, dict) and isinstance(below.get(key), dict) else value
        for key, value in above.items()
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Become the server. Errors of emlit end it with one sentence and exit status 2."""
    outlast_readers()
    parser = argparse.ArgumentParser(
        prog="python -m emlit.serve", description=__doc__, allow_abbrev=False, epilog="docs/servers.md has the rest."
    )
    parser.add_argument("--config", action="append", required=True, help="a run's config; again for an overlay")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at (127.0.0.1: this machine alone)")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument(
        "--weights",
        choices=BACKENDS,
        default="nccl" if torch.cuda.is_available() else "shm",
        help="how new weights come: nccl between GPUs, shm through the memory of one machine",
    )
    parser.add_argument(
        "--allow-host", action="append", default=[], metavar="NAME",
        help="a name by which the server is reached, beside its addresses and this machine's own name; again for more",
    )  # fmt: skip
    parser.add_argument("--print", action="store_true", help="print the command and do not run it")
    chosen, more = parser.parse_known_args(arguments)
    with ends_in_a_sentence():
        words = command(read(chosen.config), chosen.host, chosen.port, chosen.weights, more)
        if chosen.print:
            print("VLLM_SERVER_DEV_MODE=1", shlex.join(words))
            return
        variables = environment([*chosen.allow_host, *([] if chosen.host in _ANY else [chosen.host])])
    if chosen.host not in _LOCAL:
        print(
            f"emlit: HTTP is not encrypted: whoever can read what the trainer sends to {chosen.host}:{chosen.port} has "
            "the secret, and can replace the model's weights and run code in its workers; let nobody but the trainer "
            "reach it (docs/servers.md)",
            file=sys.stderr,
        )
    os.execve(sys.executable, words, variables)


if __name__ == "__main__":
    main()
