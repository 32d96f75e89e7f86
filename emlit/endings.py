"""What a run that ends early says last."""

import os
import shlex
import sys
from pathlib import Path

from lightning.pytorch.cli import ArgsType

from emlit.errors import EmlitError


def to_go_on(args: ArgsType, saved: bool = True) -> str:
    """The command that goes on from where this one was stopped; the same again where it `saved` nothing."""
    words = sys.argv[1:] if args is None else [str(word) for word in args]
    if words[:1] == ["fit"] and saved:
        kept: list[str] = []
        for word in words:
            if kept and kept[-1] in ("--ckpt_path", "--overwrite"):  # its value
                kept.pop()
            elif not word.startswith(("--ckpt_path=", "--overwrite=")):
                kept.append(word)
        words = [*kept, "--ckpt_path", "auto"]
    if "TORCHELASTIC_RUN_ID" in os.environ:
        return shlex.join(["torchrun", "...", "cli.py", *words])
    program = [Path(sys.executable).name, "cli.py"] if sys.argv[0].endswith(".py") or args else [sys.argv[0]]
    return shlex.join([*program, *words])


def disk_full(error: OSError) -> str:
    """One sentence; that of the failure before where closing the curves' file then failed too."""
    before: BaseException | None = error
    while before is not None and not isinstance(before, EmlitError):
        before = before.__context__
    if before is not None:
        return str(before)
    return (
        f"{error.filename or 'a file, perhaps of the curves,'} could not be written: {error.strerror}; what was "
        "written before is kept: make room, then fit goes on with --ckpt_path auto and predict with the same command"
    )
