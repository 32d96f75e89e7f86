"""Files that are there whole or not at all, also after a kill, a power cut or a full disk."""

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from safetensors import SafetensorError

from emlit.errors import StorageError
from emlit.resilience.marks import create, mark, record, require_own

# No room, over the quota, past the largest size that a file may have.
DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def sync(path: Path) -> None:
    """Wait until a file or directory of one's own, with all that is in it, is on the disk."""
    for each in [path, *path.rglob("*")] if path.is_dir() else [path]:
        sync_entry(each)


def sync_entry(path: Path) -> None:
    """Wait until a file, or the names in a directory, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def flush(file: IO[Any]) -> None:
    """Wait until what was written to an open file is on the disk."""
    file.flush()
    os.fsync(file.fileno())


def append_to(path: Path) -> IO[bytes]:
    """A file of emlit's, open for appending; ConfigError where there is one that is not emlit's."""
    record(path)
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    file = os.fdopen(os.open(path, flags, 0o666), "ab")
    file.seek(0, os.SEEK_END)
    return file


def scratch_of(target: Path, word: str | None = None) -> Path:
    """Where what becomes `target` is written; `word` is that of the mark beside it, unless given."""
    return target.with_name(f".{target.name}.{word or mark(target.parent)}.partial")


def set_aside(target: Path, word: str | None = None) -> Path:
    """Where what `target` replaces waits until it is replaced."""
    return scratch_of(target, word).with_suffix(".old")


@contextlib.contextmanager
def replacing(target: Path, kept: str = "", word: str | None = None) -> Iterator[Path]:
    """Yield a path at which nothing is; the file or directory made there becomes `target` when this ends.

    Args:
        target: replaced whole, where it is emlit's
        kept: what is still good if it fails, and how to resume
        word: of a mark, where the directory of `target` is not emlit's; `target` is then a directory, and sealed

    Raises:
        StorageError: the file system refused
        ConfigError: `target` is there, and not emlit's
    """
    with writing(target, kept):
        target.parent.mkdir(parents=True, exist_ok=True)
        scratch = scratch_of(target, word)
    with writing(target, kept, scratch):
        require_own(target)
        delete(scratch)
        yield scratch
        put_in_place(scratch, target, word)


def put_in_place(scratch: Path, target: Path, word: str | None = None) -> None:
    """Rename a finished file or directory to its final name, what stood there being replaced, and wait for the disk.

    A file is replaced by a file in one move. A directory, or a file before a directory, is moved aside, as `set_aside`
    names it, and deleted when the new one is in place: whatever the moment of a kill, a whole one is there under one of
    the names.
    """
    require_own(target)
    if scratch.is_file():
        record(target)
    _follow_umask(scratch)
    sync(scratch)
    aside = set_aside(target, word)
    if target.is_dir() or (target.exists() and scratch.is_dir()):
        delete(aside)
        os.replace(target, aside)
    os.replace(scratch, target)
    sync_entry(target.parent)
    delete(aside)


def write_whole(path: Path, text: str, kept: str = "") -> None:
    """Write a text file by way of a scratch file: whoever reads `path` sees the old content or the new.

    Raises:
        StorageError: the file system refused; `kept` says what is still good
        ConfigError: `path` is there, and not emlit's
    """
    with replacing(path, kept) as scratch, create(scratch) as file:
        file.write(text.encode("utf-8", "backslashreplace"))


@contextlib.contextmanager
def writing(path: Path, kept: str = "", scratch: Path | None = None) -> Iterator[None]:
    """Turn a failure to write into one sentence.

    Args:
        path: what is being written
        kept: what is still good, and how to resume
        scratch: a half-written file or directory to remove, which also gives back its room

    Raises:
        StorageError: the file system refused
    """
    try:
        yield
    except (OSError, SafetensorError) as error:  # its Rust knows no OSError
        if scratch is not None:
            delete(scratch)
        reason = getattr(error, "strerror", None) or str(error)
        raise StorageError(f"{path} could not be written: {reason}" + (f"; {kept}" if kept else "")) from error


def delete(path: Path) -> None:
    """A file, a link or a directory of emlit's, where there is one and it can be."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
        return
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)


def _follow_umask(path: Path) -> None:
    """Give files the permissions that a plain `open` gives them: safetensors lets nobody but their owner read them."""
    umask = os.umask(0o077)  # there is no other way to ask
    os.umask(umask)
    for file in path.rglob("*") if path.is_dir() else [path]:
        if not file.is_dir():
            file.chmod(0o666 & ~umask)
