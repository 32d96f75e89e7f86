"""Which checkpoint a run resumes from, what it holds, and whether anything is left to do."""

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from emlit.errors import ConfigError
from emlit.json_files import json_object
from emlit.modules import LoRA
from emlit.parallel.plain_shards import check_contents
from emlit.policy.lora import differences
from emlit.resilience import checkpoint_files
from emlit.resilience.files import set_aside
from emlit.resilience.marks import facts_of


def find_checkpoint(asked: str | None, run_dir: Path, fit: bool) -> Path | None:
    """The checkpoint that `--ckpt_path` means: a path, "last", or "auto" (the last one where there is one).

    Raises:
        ConfigError: there is no such checkpoint, it is something else, or "auto" for anything but fit
    """
    if asked is None:
        return None
    if asked == "auto" and not fit:
        raise ConfigError(
            "ckpt_path is auto, which is for fit: give last or a checkpoint's path, or leave --ckpt_path out to use "
            "model.pretrained as it is"
        )
    path = run_dir / "checkpoints" / "last.ckpt" if asked in ("last", "auto") else Path(asked)
    if not path.exists() and facts_of(path.parent) is not None and set_aside(path).exists():
        with contextlib.suppress(FileNotFoundError):  # another process was there before
            set_aside(path).rename(path)  # killed while a sharded one was replaced
    if path.is_file() or (path.is_dir() and (path.suffix == ".ckpt" or (path / ".metadata").is_file())):
        return path
    if path.exists():
        raise ConfigError(f"ckpt_path is {asked}, which is neither a checkpoint's file nor its folder of shards")
    if asked == "auto":
        return None
    raise ConfigError(f"ckpt_path is {asked}, but there is no {path}; check --run_dir, or leave --ckpt_path out")


def read_checkpoint(path: Path, pretrained: str, lora: LoRA | None) -> Mapping[str, Any]:
    """All of a checkpoint but the tensors of a folder of shards: nothing in it is run.

    Raises:
        ConfigError: it is no checkpoint, none of this model's, or holds more than tensors and plain values
    """
    content = checkpoint_files.read(path, mmap=True)
    try:
        step, _ = content["global_step"], content["loops"]["fit_loop"]
        origin, theirs = content["emlit"]["pretrained"], content["emlit"].get("lora")
    except (KeyError, TypeError, AttributeError) as error:
        raise ConfigError(f"ckpt_path is {path}, which is not a checkpoint of emlit") from error
    if type(step) is not int or step < 0 or type(origin) is not str or not isinstance(theirs, dict | None):
        raise ConfigError(f"ckpt_path is {path}, which holds what no run of emlit wrote; give another checkpoint")
    if origin != pretrained:
        raise ConfigError(
            f"ckpt_path is {path}, which holds the weights of {origin}, not of {pretrained}; set --model.pretrained to "
            f"{origin}"
        )
    if reason := differences(theirs, lora):
        raise ConfigError(f"ckpt_path is {path}, which {reason}")
    if path.is_dir():
        check_contents(path)
    return content


def is_finished(run_dir: Path, content: Mapping[str, Any], config: Any) -> bool:
    """Whether a run that would resume from a checkpoint has nothing left to do, its end included.

    `content` is the checkpoint's, `config` the command line's.
    """
    step, trainer = content["global_step"], config.trainer
    loop = content["loops"]["fit_loop"]
    ended = loop["epoch_loop.batch_progress"]["is_last_batch"]
    epochs = loop["epoch_progress"]["current"]["ready" if ended else "processed"]
    guard = content.get("callbacks", {}).get("CollapseGuard", {})
    over = (
        0 < (trainer.max_steps or -1) <= step
        or 0 < (trainer.max_epochs or -1) <= epochs
        or (config.guard.mode == "stop" and guard.get("stop_step") is not None)
    )
    if not over:
        return False
    if config.export.enabled:
        exported = facts_of(Path(config.export.dirpath or run_dir / "export")) or {}
        if (exported.get("run"), exported.get("step")) != ((facts_of(run_dir) or {}).get("word"), step):
            return False
    return not config.summary.enabled or _summarised_step(run_dir) == step


def _summarised_step(run_dir: Path) -> int | None:
    file = run_dir / "summary.json"
    try:
        return json_object(file.read_bytes(), {"steps": int})["steps"] if file.is_file() else None
    except (OSError, ValueError):
        return None
