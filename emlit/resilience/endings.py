"""What a run that ends early says last."""

import contextlib
import os
import shlex
import site
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from emlit.errors import EmlitError, first_line
from emlit.printable import printable
from emlit.resilience.files import DISK_FULL

if TYPE_CHECKING:
    from lightning.pytorch.cli import ArgsType


def resume_command(args: "ArgsType", saved: bool = True) -> str:
    """The command that resumes from where this one was stopped, or starts anew where it `saved` nothing."""
    words = sys.argv[1:] if args is None else [str(word) for word in args] if isinstance(args, list | dict) else []
    if words[:1] == ["fit"]:
        names = {word.partition("=")[0] for word in words}
        if saved or not names & {"--ckpt_path", "--overwrite"}:
            words = [*_without(words, "--ckpt_path", "--overwrite"), "--ckpt_path", "auto"]
        elif "--overwrite" not in names and not {"auto", "--ckpt_path=auto"} & set(words):  # it began from another's
            words = [*words, "--overwrite", "true"]
    if "TORCHELASTIC_RUN_ID" in os.environ:
        return shlex.join(["torchrun", "...", "cli.py", *words])
    program = [Path(sys.executable).name, "cli.py"] if sys.argv[0].endswith(".py") or args else [sys.argv[0]]
    return shlex.join([*program, *words])


def _without(words: list[str], *keys: str) -> list[str]:
    """A command line without some keys and their values."""
    kept: list[str] = []
    for word in words:
        if kept and kept[-1] in keys:  # its value
            kept.pop()
        elif word.partition("=")[0] not in keys or word in keys:
            kept.append(word)
    return kept


def say(sentence: str) -> None:
    """A line on stderr; what was given from outside may stand in it."""
    print(f"emlit: {printable(sentence, 10_000)}", file=sys.stderr)


def refused_file(error: OSError) -> str | None:
    """One sentence; that of the failure before where closing the curves' file then failed too.

    None where somebody else's program met it, whose traceback says more; a full disk needs none.
    """
    before: BaseException | None = error
    while before is not None and not isinstance(before, EmlitError):
        before = before.__context__
    if before is not None:
        return str(before)
    reason = error.strerror or first_line(error)
    if error.errno not in DISK_FULL:
        if is_of_others(error):
            return None
        return f"{error.filename}: {reason}" if error.filename else reason
    return (
        f"{error.filename or 'a file, perhaps of the curves,'} could not be written: {reason}; what was "
        "written before is kept: make room, then fit resumes with --ckpt_path auto and predict with the same command"
    )


@contextlib.contextmanager
def ends_in_a_sentence() -> Iterator[None]:
    """Errors of emlit and of the file system end the program with one line and status 2."""
    try:
        yield
    except EmlitError as error:
        say(f"error: {error}")
        sys.exit(2)
    except OSError as error:
        if (sentence := refused_file(error)) is None:
            raise
        say(f"error: {sentence}")
        sys.exit(2)


def is_of_others(error: BaseException) -> bool:
    """Whether somebody else's program, such as a plug-in, took part in what failed."""
    return any(not _is_installed(Path(frame.filename)) for frame in traceback.extract_tb(error.__traceback__))


def show_mistake(error: BaseException) -> None:
    """Print the traceback of what is behind an error where somebody else's program raised it, and no ValueError."""
    while (behind := error.__cause__ or error.__context__) is not None:
        error = behind
    if not isinstance(error, ValueError | EmlitError) and is_of_others(error):
        traceback.print_exception(error)


def _is_installed(file: Path) -> bool:
    """Whether a program is Python's, a library's or emlit's."""
    root = Path(__file__).parents[2]
    libraries = (sys.prefix, sys.base_prefix, *site.getsitepackages())
    places = [root / "emlit", (root / "emlit/callbacks").resolve(), root / "cli.py", *map(Path, libraries)]
    return str(file).startswith("<") or any(file.is_relative_to(each) for each in places)
