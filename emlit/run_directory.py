"""A run's directory: what an earlier run left there, and what this one may put in its place."""

import contextlib
import os
import stat
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path

from emlit.errors import ConfigError
from emlit.resilience import checkpoint_files
from emlit.resilience.files import delete
from emlit.resilience.marks import MARK, adopt, mark, require_own
from emlit.resilience.run_lock import lock_name

_TENSORBOARD = ("events.out.tfevents.[0-9]*", "config.yaml", "hparams.yaml", "checkpoints/*.ckpt")
# What Lightning's profilers write: of each process where there are several, and PyTorch's trace of each action.
_PROFILES = ("profile.txt", "profile-[0-9].txt", "profile-[0-9][0-9].txt", "profile-*.[0-9]*.pt.trace.json")
_EARLIER = ("tensorboard", "checkpoints", "export", "non_finite", "summary.json")
# What each command puts into the directory, and so may take the place of.
_WRITTEN = {
    "fit": ("summary.json", "samples.jsonl", "samples.html", "tensorboard", "non_finite", "checkpoints/kept-*.pt",
            "checkpoints/step-*.ckpt"),
    "predict": ("predictions.jsonl", "predictions.rank*.jsonl", "predictions.settings.json", "costs.rank*.jsonl",
                "report.json", "report.md", "comparisons.json", "figures", "tensorboard-predict"),
    "validate": ("preflight", "tensorboard-validate"),
    "test": ("tensorboard-test",),
}  # fmt: skip


def stale_paths(run_dir: Path, checkpoint: Path | None, overwrite: bool, automatic: bool) -> list[Path]:
    """What a fresh run must delete first, so that it does not mix with what an earlier one left.

    Args:
        run_dir: of the run
        checkpoint: that it resumes from; one in this directory makes it the same run
        overwrite: an earlier run may be deleted
        automatic: it may be where it was killed before it had anything to keep

    Raises:
        ConfigError: the directory holds an earlier run
    """
    if overwrite and automatic:
        raise ConfigError(
            "overwrite is true and ckpt_path is auto: one starts anew, the other resumes; leave one of them out"
        )
    if checkpoint is not None and checkpoint.resolve().is_relative_to((run_dir / "checkpoints").resolve()):
        return []
    # Lightning writes the config once a run is set up; before that there are only empty event files.
    ran = ["export", "summary.json"]
    ran += ["**/*.ckpt", "non_finite/*.pt"] if automatic else ["checkpoints", "tensorboard/config.yaml"]
    if not overwrite and any(any(run_dir.glob(name)) for name in ran):
        last = run_dir / "checkpoints" / "last.ckpt"
        on = "resume with --ckpt_path last, " if last.exists() else ""
        raise ConfigError(
            f"run_dir {run_dir} holds an earlier run: {on}start anew with --overwrite true, or choose another --run_dir"
        )
    earlier = [run_dir / name for name in _EARLIER]
    # Somebody's link to a disk with more room, where nothing is yet.
    return [path for path in earlier if not (path.is_symlink() and path.is_dir() and not any(path.iterdir()))]


def is_of_run(run_dir: Path, path: Path) -> bool:
    """Whether a path is the run's directory, one above it, or among what else is written there than the export."""
    run_dir, path = run_dir.resolve(), path.resolve()
    if not path.is_relative_to(run_dir):
        return run_dir.is_relative_to(path)
    names = {name.partition("/")[0] for written in (_EARLIER, *_WRITTEN.values()) for name in written} - {"export"}
    inner = path.relative_to(run_dir).parts
    return not inner or any(fnmatch(inner[0], name) for name in names)


def require_directory(run_dir: Path) -> None:
    """Raise ConfigError where a run directory is a file or a link to nowhere, or cannot be looked at."""
    try:
        reason = None if stat.S_ISDIR(os.stat(run_dir).st_mode) else "it is a file"
    except FileNotFoundError:
        reason = "it is a link to nowhere" if run_dir.is_symlink() else None
    except OSError as error:
        reason = error.strerror
    if reason is not None:
        raise ConfigError(f"run_dir {run_dir} cannot be used: {reason}; choose another --run_dir")


def make(run_dir: Path) -> tuple[Path, ...]:
    """Make a run's directory; what was not there before, the innermost first. ConfigError where that is refused."""
    new = tuple(each for each in (run_dir, *run_dir.parents) if not each.exists())
    try:
        run_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"run_dir {run_dir} cannot be made: {error.strerror}; choose another --run_dir") from error
    return new


def leave_no_trace(new: Sequence[Path]) -> None:
    """Delete the directories that `make` made, where nothing but what a start that failed leaves is in them."""

    def is_empty(path: Path) -> bool:
        curves = path.name.startswith("events.out.tfevents") and path.stat().st_size < 200  # their file's header
        return path.is_dir() or path.name.startswith(MARK) or curves

    with contextlib.suppress(OSError):  # another process uses it
        if new and all(map(is_empty, new[0].rglob("*"))):
            delete(new[0])
            for each in new[1:]:
                each.rmdir()


def require_free(
    run_dir: Path, command: str, earlier: Sequence[Path] = (), profiled: bool = False, keeps_config: bool = False
) -> None:
    """Refuse a directory where a command's results would take the place of what emlit did not write.

    Args:
        run_dir: of the run
        command: fit, validate, test or predict
        earlier: would be deleted
        profiled: a profiler writes there, too
        keeps_config: so does SavedConfig

    Raises:
        ConfigError: as said
    """
    names = [*_WRITTEN[command], *(f"{command}-{name}" for name in _PROFILES if profiled)]
    names += ["config.yaml"] * keeps_config
    if command == "validate":
        stem = "preflight" if (run_dir / "predictions.settings.json").exists() else "report"
        names += [f"{stem}.json", f"{stem}.md"]
    found = [path for name in names for path in (run_dir.glob(name) if set("*[") & set(name) else [run_dir / name])]
    for path in [*earlier, *found]:
        require_own(path, instead="choose another --run_dir")


def take(run_dir: Path, command: str, earlier: Sequence[Path], checkpoint: Path | None, profiled: bool = False) -> None:
    """Mark a run's directory as emlit's, and delete what `stale_paths` found.

    Args:
        run_dir: of the run
        command: fit, validate, test or predict
        earlier: to delete
        checkpoint: that was read; as last.ckpt of this directory it is the run's own, whoever put it there
        profiled: a profiler writes there, too

    Raises:
        ConfigError: that one is a link, or the file system refused
    """
    try:
        mark(run_dir)
        adopt(run_dir, lock_name(command))
        for path in earlier:
            delete(path)
        last = run_dir / "checkpoints" / "last.ckpt"
        if checkpoint is not None and command == "fit" and checkpoint.absolute() == last.absolute():
            _adopt_checkpoint(last)
        folder = "tensorboard" if command == "fit" else f"tensorboard-{command}"
        if command != "predict":
            mark(run_dir / folder, *_TENSORBOARD)
        for name in _PROFILES if profiled else ():
            adopt(run_dir, f"{command}-{name}")
    except OSError as error:
        raise ConfigError(
            f"run_dir {run_dir} cannot be written to: {error.strerror} ({error.filename}); choose another --run_dir"
        ) from error


def _adopt_checkpoint(last: Path) -> None:
    if last.is_dir() and not last.is_symlink():
        mark(last, ".metadata", checkpoint_files.SHARDS_META, "__[0-9]*_[0-9]*.distcp")
    elif not last.is_symlink():
        adopt(last.parent, last.name)
    require_own(last, instead="give its path from elsewhere")
