"""Runs one untrusted program and proves that it came to its end.

The proof is a keyed hash that the starter alone can check. While the program runs, the hash object is on the value
stack of the frame below: in no variable, file or environment, and not among what the garbage collector tracks. A
program that leaves by another way than its last line (os._exit, a signal, an exception) never gets to `finish`.

It is hard to get at, not impossible: the program shares this process and may read its memory. Grading by tests keeps
the tests in another one.
"""

import atexit
import gc
import os
import sys
import threading
from _blake2 import blake2b
from _io import _IOBase
from contextlib import suppress
from typing import Any

from start import Job, main_module, traceback_of, with_source


def finish(send, proof, _ran) -> None:
    """What the interpreter does after the last line, and then the proof. The starter ends us when it has read it."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    flush()
    send(b"ok %s\n" % proof.hexdigest().encode())


def flush() -> None:
    """What was written to any open file is output too. The program may have put anything in the streams' places."""
    streams: list[Any] = [sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__]
    with suppress(MemoryError):
        streams += [each for each in gc.get_objects() if issubclass(type(each), _IOBase)]
    for stream in streams:
        with suppress(BaseException):
            stream.flush()


def run(job: Job) -> None:
    key, control = job.key, job.control
    try:
        code = with_source(job.work["program"], "<program>")
        names = main_module().__dict__
        finish(control.sendall, blake2b(key=key()), exec(code, names))  # type: ignore[func-returns-value]
    except BaseException as error:
        flush()
        traceback_of(error, 1)
        job.report_exception(error)
    control.recv(1)  # until the starter ends the sandbox, or is gone
    os._exit(1)


if __name__ == "__main__":
    run(Job())
