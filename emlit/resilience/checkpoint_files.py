"""Checkpoints on the disk: written as they are pickled, and read without running what a pickle asks for."""

import contextlib
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from emlit.errors import ConfigError, DataError, EmlitError, first_line
from emlit.resilience.endings import is_of_others
from emlit.resilience.marks import create

# What Lightning calls what is no tensor in a folder of shards.
SHARDS_META = "meta.pt"


def write(content: Any, path: Path) -> None:
    """Save with torch into a new file.

    Raises:
        OSError: the file could not be written
    """
    with create(path) as file:
        try:
            torch.save(content, file)
        except RuntimeError as error:  # of torch's zip writer, which stumbles over the file's own
            if isinstance(error.__context__, OSError):
                raise error.__context__ from error
            raise


def read(path: Path, key: str = "ckpt_path", mmap: bool = False) -> Any:
    """Tensors and plain values of a file; of a folder of shards, the plain values.

    Raises:
        ConfigError: it is no checkpoint, or holds what would run code
    """
    file = path / SHARDS_META if path.is_dir() else path
    try:
        return torch.load(file, map_location="cpu", mmap=mmap and file == path, weights_only=True)
    except OSError as error:
        raise ConfigError(f"{key} is {path}, which could not be read: {error.strerror or error}") from error
    except Exception as error:  # a pickle can fail in every way
        raise refusal(path, key, error) from error


def refusal(path: Path, key: str, error: Exception) -> ConfigError:
    """Why a file or folder was not read: nothing in it is run to find out more."""
    reason = "" if isinstance(error, pickle.UnpicklingError) else f" ({first_line(error)[:200]})"
    return ConfigError(
        f"{key} is {path}, which is not a checkpoint of emlit{reason}: only tensors and plain values are read, as a "
        "pickle of anything else could run code"
    )


@contextlib.contextmanager
def restoring(path: Any) -> Iterator[None]:
    """Turn whatever a checkpoint's altered values lead to into one sentence.

    Args:
        path: of the checkpoint, or what tells it then; without one, errors stay as they are, and so do those of other
            people's programs and of devices

    Raises:
        DataError: as said, with its cause
    """
    try:
        yield
    except Exception as error:
        path = path() if callable(path) else path
        device = isinstance(error, torch.OutOfMemoryError | OSError) or "CUDA" in str(error)
        if path is None or isinstance(error, EmlitError) or device or is_of_others(error):
            raise
        raise DataError(
            f"ckpt_path is {path}, which holds what no run can resume from ({type(error).__name__}: "
            f"{first_line(error)[:200]}); give another checkpoint, or start anew without --ckpt_path, in another "
            "--run_dir or with --overwrite true"
        ) from error
