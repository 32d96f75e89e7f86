"""Waiting on sandboxed processes until one of them is done or a bound is reached."""

import selectors
import threading
import time
from collections.abc import Sequence

from emlit.sandbox.levels import Level
from emlit.sandbox.limits import ExecutionResult, Limits
from emlit.sandbox.process import Process

_TICK = 0.05  # seconds between two looks at the scratch folder
_START = 60.0  # seconds that a sandbox may take to start on a busy machine


def execute(
    level: Level, program: str, limits: Limits, stdin: bytes = b"", stop: threading.Event | None = None
) -> ExecutionResult:
    """Run one program at one level; whatever it does, there is a result, and nothing of it is left."""
    try:
        process = Process(level, "program", {"program": program}, limits, stdin)
    except OSError as error:
        return ExecutionResult(False, f"sandbox: {error}")
    try:
        supervise([process], limits.timeout, stop)
    finally:
        process.kill()
    return process.result()


def supervise(processes: Sequence[Process], timeout: float, stop: threading.Event | None = None) -> None:
    """Read from processes until one has a verdict; the others' verdicts stay None. Kills none of them.

    Args:
        processes: started ones; the first with a verdict ends the waiting
        timeout: seconds of wall time from when all of them were ready
        stop: set by whoever wants the waiting to end now
    """
    with selectors.DefaultSelector() as selector:
        for process in processes:
            for descriptor in process.streams:
                selector.register(descriptor, selectors.EVENT_READ, process)
        born = next_look = time.monotonic()
        while all(process.verdict is None for process in processes):
            for key, _ in selector.select(_TICK):
                if not key.data.read(key.fd):
                    selector.unregister(key.fd)
            now = time.monotonic()
            if stop is not None and stop.is_set():
                processes[0].end("stopped: the caller wants no more results")
            if now >= next_look:
                next_look = now + _TICK
                for process in processes:
                    process.watch()
            _keep_time(processes, now, born, timeout)


def _keep_time(processes: Sequence[Process], now: float, born: float, timeout: float) -> None:
    late = [process for process in processes if process.started is None]
    if late:
        if now > born + _START:
            late[0].end(f"sandbox: it did not start within {_START:g} s")
    elif now > max(process.started or 0.0 for process in processes) + timeout:
        processes[0].end(f"timeout: {timeout:g} s of wall time")
