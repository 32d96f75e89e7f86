"""Everything that a prediction depends on."""

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from emlit.modules import CausalLM
from emlit.pretrained import resolve, skeleton
from emlit.rollout.trainer import Trainer
from emlit.strategies import plain_values


def settings_of(trainer: Trainer, module: CausalLM) -> dict[str, Any]:
    """The settings of a predict run; `parameters` is the model's number of them (none where it does not sample)."""
    data = trainer.datamodule
    problems: dict[str, Any] = defaultdict(hashlib.sha256)
    prompts = hashlib.sha256()
    for prompt in data.evaluation_prompts:
        problems[prompt.task.name].update(repr((prompt.row.id, prompt.row.answer, prompt.row.fields)).encode())
        prompts.update(repr((prompt.task.name, prompt.row.id, prompt.tokens)).encode())
    path, trusted = resolve(module.pretrained), module.trust_remote_code
    strategies = {each.name(data.sampling): each.settings(data.sampling) for each in data.all_strategies()}
    replayed = not data.engine.needs_context
    return {
        "pretrained": module.pretrained,
        "parameters": None if replayed else sum(each.numel() for each in skeleton(path, trusted).parameters()),
        "weights": _fingerprint(Path(path)),
        "checkpoint": None if trainer.ckpt_path is None else _fingerprint(Path(trainer.ckpt_path)),
        "engine": type(data.engine).__name__,
        "engine_dtype": getattr(data.engine, "dtype", None),
        "engine_options": getattr(data.engine, "options", None),
        "scored_in": module.dtype_name if module.score else None,
        "replayed": data.engine.digest(),
        "prompts": prompts.hexdigest(),
        "problems": {task: digest.hexdigest() for task, digest in problems.items()},
        "tasks": {task.name: plain_values(task) for task in data.evaluation_tasks},
        "context": data.longest_context,
        "seed": data.seed,
        "strategies": strategies,
    }


def differences(earlier: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """The names of settings that are not the same; strategies may be added, but not changed."""
    found = [name for name in now if name != "strategies" and earlier.get(name) != now[name]]
    before = earlier.get("strategies", {})
    return found + [
        f"strategy {name!r}" for name, each in now["strategies"].items() if name in before and before[name] != each
    ]


def _fingerprint(path: Path) -> list[list[str | int]] | None:
    """Name, size and time of a checkpoint's or model's weight files; None for a model on the hub."""
    if not path.exists():
        return None
    files = sorted(path.glob("*.safetensors")) if path.is_dir() else [path]
    return [[str(file), file.stat().st_size, file.stat().st_mtime_ns] for file in files]
