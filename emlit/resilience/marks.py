"""What emlit may replace or delete: what carries its own mark.

A directory is emlit's where it holds the file `.emlit`, and then only those of its files which that one names. It
begins with a word drawn at random, which is part of every scratch file's name, so that nobody else's is taken for one.
"""

import glob
import json
import os
import secrets
from fnmatch import fnmatchcase
from pathlib import Path
from typing import IO, Any

from emlit.errors import ConfigError

MARK = ".emlit"


def create(path: Path) -> IO[bytes]:
    """A new file, open for writing; FileExistsError where there is anything, a link that leads elsewhere included."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.fdopen(os.open(path, flags, 0o666), "wb")


def mark(directory: Path, *patterns: str, **facts: Any) -> str:
    """The word of a directory's mark, which is made where it is missing, as is the directory.

    Args:
        directory: emlit's from now on, but for what it holds already
        patterns: of names within it that are emlit's; `*` stays within one folder
        facts: kept in a new mark, for `facts_of`

    Raises:
        OSError: the file system refused
    """
    directory.mkdir(parents=True, exist_ok=True)
    if (found := facts_of(directory)) is None:
        found = {"word": secrets.token_hex(8), **facts}
        scratch = directory / f"{MARK}.{found['word']}"
        content = "".join(f"{line}\n" for line in (json.dumps(found), *patterns))
        with create(scratch) as file:
            file.write(content.encode("utf-8", "surrogateescape"))
        try:
            os.link(scratch, directory / MARK)  # whole or not at all
        except FileExistsError:  # another process was first
            found = facts_of(directory)
            if found is None:
                raise ConfigError(f"{directory / MARK} is no mark of emlit; move it away") from None
        except OSError:  # a file system without links
            os.replace(scratch, directory / MARK)
        finally:
            scratch.unlink(missing_ok=True)
    return found["word"]


def facts_of(directory: Path) -> dict[str, Any] | None:
    """What the mark of a directory says beside names; None where there is no mark."""
    return _facts_in(directory / MARK)


def record(path: Path) -> None:
    """Name a file in its directory's mark, before it is made.

    Raises:
        ConfigError: it is there already and not emlit's
        OSError: the file system refused
    """
    mark(path.parent)
    require_own(path)
    adopt(path.parent, _literal(path.name))


def adopt(directory: Path, pattern: str) -> None:
    """Add a pattern of names to a directory's mark; OSError where the file system refused."""
    mark(directory)
    if pattern not in _lines(directory / MARK)[1:]:
        with os.fdopen(os.open(directory / MARK, os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW), "ab") as file:
            file.write(f"{pattern}\n".encode("utf-8", "surrogateescape"))


def seal(directory: Path, **facts: Any) -> None:
    """Mark a directory that emlit has just made, with all that it holds."""
    files = [path.relative_to(directory).as_posix() for path in directory.rglob("*") if not path.is_dir()]
    mark(directory, *map(_literal, sorted(files)), **facts)


def require_own(path: Path, key: str = "", instead: str = "") -> None:
    """Refuse to replace what is not emlit's; an empty directory is anybody's.

    Args:
        path: of a file, or of a directory with all that it holds
        key: whose value it is, for the sentence
        instead: another way out than to move it away

    Raises:
        ConfigError: it is there, or holds something, that emlit did not write
    """
    if (found := foreign(path)) is None:
        return
    subject = f"{key} is {path}, which" if key else str(path)
    what = (
        "is there, and emlit did not write it"
        if found == path
        else (f"holds {found.relative_to(path)}, which emlit did not write")
    )
    link = ", being a link" if found.is_symlink() else ""
    raise ConfigError(f"{subject} {what}{link}: it is not replaced; move it away{instead and f', or {instead}'}")


def foreign(path: Path) -> Path | None:
    """The first of what would be lost with `path` that is not emlit's: itself, or a file in it; None if all is."""
    if not os.path.lexists(path):
        return None
    if path.is_symlink():
        return path
    return (
        _foreign_in(path, None) if path.is_dir() else None if path.is_file() and _is_named(path, path.parent) else path
    )


def _foreign_in(directory: Path, marked: Path | None) -> Path | None:
    marked = directory if facts_of(directory) is not None else marked
    for entry in sorted(os.scandir(directory), key=lambda entry: entry.name):
        path = Path(entry.path)
        if entry.is_dir(follow_symlinks=False):
            found = _foreign_in(path, marked)
        else:
            own = _is_mark(path) or (marked is not None and _is_named(path, marked))
            found = None if own and entry.is_file(follow_symlinks=False) else path
        if found is not None:
            return found
    return None


def _is_named(path: Path, marked: Path) -> bool:
    facts, name = facts_of(marked), path.relative_to(marked).as_posix()
    if facts is None:
        return False
    if name.startswith(".") and name.endswith((f".{facts['word']}.partial", f".{facts['word']}.old")):
        return True
    return any(_matches(name, pattern) for pattern in _lines(marked / MARK)[1:])


def _matches(name: str, pattern: str) -> bool:
    parts, patterns = name.split("/"), pattern.split("/")
    return len(parts) == len(patterns) and all(map(fnmatchcase, parts, patterns))


def _literal(name: str) -> str:
    """A name as a pattern, in one line."""
    return glob.escape(name).replace("\n", "?")


def _is_mark(path: Path) -> bool:
    """Whether a file is a mark, or what a kill left of one that was being made."""
    return (facts := _facts_in(path)) is not None and path.name in (MARK, f"{MARK}.{facts['word']}")


def _facts_in(path: Path) -> dict[str, Any] | None:
    if not path.name.startswith(MARK):
        return None
    try:
        found = json.loads(_lines(path)[0])
        return found if isinstance(found.get("word"), str) and found["word"].isalnum() else None
    except (IndexError, ValueError, AttributeError, RecursionError):
        return None


def _lines(path: Path) -> list[str]:
    """Of a mark; none where it is a link, or no file."""
    try:
        content = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
    except FileNotFoundError:  # another process was making it
        content = b""
    return content.decode("utf-8", "surrogateescape").split("\n")
