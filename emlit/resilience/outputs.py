"""Standard output and standard error of a program that goes on when nobody reads them any more."""

import contextlib
import os
import sys
from typing import Any


class Lasting:
    """A text stream; once its reader is gone, what is written goes nowhere, by this stream and any other of its file.

    A killed `tee`, a lost connection or `| head` would otherwise end a run of hours at its next line.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        self._try(self._stream.write, text)
        return len(text)

    def flush(self) -> None:
        self._try(self._stream.flush)

    def _try(self, function: Any, *arguments: Any) -> None:
        try:
            function(*arguments)
        except OSError:
            with contextlib.suppress(OSError, ValueError):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, self._stream.fileno())
                os.close(nowhere)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def outlast_readers() -> None:
    """Make this program's two outputs lasting ones."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is getattr(sys, f"__{name}__") and stream is not None:
            setattr(sys, name, Lasting(stream))
