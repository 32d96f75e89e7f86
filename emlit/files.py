"""Files that are there whole or not at all, also after a kill, a power cut or a full disk."""

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from emlit.errors import StorageError

# No room, over the quota, past the largest size that a file may have.
DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def sync(path: Path) -> None:
    """Wait until a file, or every file of a directory, is on the disk."""
    for file in [path, *path.rglob("*")] if path.is_dir() else [path, path.parent]:
        handle = os.open(file, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def flush(file: IO[Any]) -> None:
    """Wait until what was written to an open file is on the disk."""
    file.flush()
    os.fsync(file.fileno())


def put_in_place(scratch: Path, target: Path) -> None:
    """Rename a finished file or directory to its final name, what stood there being replaced, and wait for the disk.

    A file is replaced by a file in one move. A directory, or a file before a directory, is moved aside, as `set_aside`
    names it, and deleted when the new one is in place: whatever the moment of a kill, a whole one is there under one of
    the names.
    """
    sync(scratch)
    aside = set_aside(target)
    if target.is_dir() or (target.exists() and scratch.is_dir()):
        _delete(aside)
        os.replace(target, aside)
    os.replace(scratch, target)
    sync(target.parent)
    _delete(aside)


def set_aside(target: Path) -> Path:
    """Where what `target` replaces waits until it is replaced."""
    return target.with_name(f"{target.name}.old")


def write_whole(path: Path, text: str, kept: str = "") -> None:
    """Write a text file by way of a scratch file: whoever reads `path` sees the old content or the new.

    Raises:
        StorageError: the file system refused; `kept` says what is still good
    """
    scratch = path.with_name(path.name + ".partial")
    with writing(path, kept, scratch):
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch.write_text(text, encoding="utf-8")
        put_in_place(scratch, path)


@contextlib.contextmanager
def writing(path: Path, kept: str = "", scratch: Path | None = None) -> Iterator[None]:
    """Turn a failure to write into one sentence.

    Args:
        path: what is being written
        kept: what is still good, and how to go on
        scratch: a half-written file or directory to remove, which also gives back its room

    Raises:
        StorageError: the file system refused
    """
    try:
        yield
    except OSError as error:
        if scratch is not None:
            _delete(scratch)
        reason = error.strerror or str(error)
        raise StorageError(f"{path} could not be written: {reason}" + (f"; {kept}" if kept else "")) from error


def _delete(path: Path) -> None:
    """A file or a directory, where there is one and it can be."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
        return
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)
