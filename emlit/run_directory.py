"""A run's directory: which checkpoint to go on from, and what an earlier run left there."""

import contextlib
import shutil
from collections.abc import Iterable
from pathlib import Path

import torch

from emlit.errors import ConfigError
from emlit.files import set_aside
from emlit.modules import LoRA
from emlit.modules.lora import differences


def find_checkpoint(asked: str | None, run_dir: Path, fit: bool) -> Path | None:
    """The checkpoint that `--ckpt_path` means: a path, "last", or "auto" (the last one where there is one).

    Raises:
        ConfigError: there is no such checkpoint, or "auto" for anything but fit
    """
    if asked is None:
        return None
    if asked == "auto" and not fit:
        raise ConfigError(
            "ckpt_path is auto, which is for fit: give last or a checkpoint's path, or leave --ckpt_path out to use "
            "model.pretrained as it is"
        )
    path = run_dir / "checkpoints" / "last.ckpt" if asked in ("last", "auto") else Path(asked)
    if not path.exists() and set_aside(path).exists():  # killed while a sharded one was replaced
        with contextlib.suppress(FileNotFoundError):  # another process was there before
            set_aside(path).rename(path)
    if path.exists():
        return path
    if asked == "auto":
        return None
    raise ConfigError(f"ckpt_path is {asked}, but there is no {path}; check --run_dir, or leave --ckpt_path out")


def checkpoint_step(path: Path, pretrained: str, lora: LoRA | None) -> int:
    """The optimiser step of a checkpoint: a file, or a folder of shards.

    Raises:
        ConfigError: it is no checkpoint, or none of this model's
    """
    try:
        whole = path.is_file()
        content = torch.load(path if whole else path / "meta.pt", map_location="cpu", mmap=whole, weights_only=False)
        step, origin = content["global_step"], content["emlit"]["pretrained"]
    except Exception as error:  # a pickle can fail in every way
        raise ConfigError(f"ckpt_path is {path}, which is not a checkpoint of emlit") from error
    if origin != pretrained:
        raise ConfigError(
            f"ckpt_path is {path}, which holds the weights of {origin}, not of {pretrained}; set --model.pretrained to "
            f"{origin}"
        )
    if reason := differences(content["emlit"].get("lora"), lora):
        raise ConfigError(f"ckpt_path is {path}, which {reason}")
    return step


def claim(run_dir: Path, checkpoint: Path | None, overwrite: bool, automatic: bool) -> list[Path]:
    """What a fresh run must delete first, so that it does not mix with what an earlier one left.

    Args:
        run_dir: of the run
        checkpoint: that it goes on from; one in this directory makes it the same run
        overwrite: an earlier run may be deleted
        automatic: it may be where it was killed before it had anything to keep

    Raises:
        ConfigError: the directory holds an earlier run
    """
    if overwrite and automatic:
        raise ConfigError(
            "overwrite is true and ckpt_path is auto: one starts anew, the other goes on; leave one of them out"
        )
    if checkpoint is not None and checkpoint.resolve().is_relative_to((run_dir / "checkpoints").resolve()):
        return []
    # Lightning writes the config once a run is set up; before that there are only empty event files.
    ran = ["export", "summary.json"]
    ran += ["**/*.ckpt", "non_finite/*.pt"] if automatic else ["checkpoints", "tensorboard/config.yaml"]
    if not overwrite and any(any(run_dir.glob(name)) for name in ran):
        last = run_dir / "checkpoints" / "last.ckpt"
        on = "go on with --ckpt_path last, " if last.exists() else ""
        raise ConfigError(
            f"run_dir {run_dir} holds an earlier run: {on}start anew with --overwrite true, or choose another --run_dir"
        )
    return [run_dir / name for name in ("tensorboard", "checkpoints", "export", "non_finite", "summary.json")]


def clear(paths: Iterable[Path]) -> None:
    """Delete files and directories, where they are."""
    for path in paths:
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
