"""A server of questions to `symbolic.py`, run as a script.

A question is a line of JSON on stdin, [left, right, relative, absolute], and its answer is a line, 1 or 0, on stdout.
The kernel ends the process where a question takes more seconds of processor time than the first argument: a signal with
its default action also stops arithmetic on huge integers, which no Python handler interrupts, and processor time does
not run while others have the machine. It ends as well when stdin is closed or its parent is gone. The first line on
stdout is "ready", or "broken" with the reason.
"""

import json
import os
import resource
import select
import signal
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

_MEMORY = 4 << 30


def _symbolic() -> Any:
    """The file beside this one, without the rest of emlit: so it starts in a second."""
    spec = spec_from_file_location("symbolic", Path(__file__).with_name("symbolic.py"))
    assert spec is not None  # it has a place
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def serve(seconds: float) -> None:
    """Answer the questions on stdin until it is closed or the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the run, which ends this process itself
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    sys.set_int_max_str_digits(0)
    parent = os.getppid()
    symbolic = _symbolic()
    out, sys.stdout = sys.stdout, sys.stderr  # a library that prints must not answer
    try:
        symbolic.check()
    except RuntimeError as error:
        print("broken", " ".join(str(error).split()), file=out, flush=True)
        return
    print("ready", file=out, flush=True)
    unread = b""
    while os.getppid() == parent:
        if not select.select([0], [], [], 2)[0]:
            continue
        read = os.read(0, 1 << 16)
        if not read:
            return
        *lines, unread = (unread + read).split(b"\n")
        for line in lines:
            signal.setitimer(signal.ITIMER_PROF, seconds)
            try:
                verdict = str(int(symbolic.equal(*json.loads(line))))
            except Exception as error:
                verdict = f"broken {error!r}"
            signal.setitimer(signal.ITIMER_PROF, 0)
            print(" ".join(verdict.split()), file=out, flush=True)


if __name__ == "__main__":
    serve(float(sys.argv[1]))
