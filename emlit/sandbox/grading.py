"""Tests of an untrusted solution: the tests in one sandbox, the solution in another, plain data between them."""

import socket
import threading
from collections.abc import Sequence
from dataclasses import replace

from emlit.sandbox.isolation import chosen
from emlit.sandbox.levels import Level
from emlit.sandbox.limits import ExecutionResult, Limits
from emlit.sandbox.process import Process
from emlit.sandbox.supervise import supervise


def run_tests(
    solution: str,
    tests: str,
    names: Sequence[str],
    *,
    setup: str = "",
    timeout: float = 10.0,
    memory_mb: int = 1024,
    limits: Limits | None = None,
    stop: threading.Event | None = None,
    level: Level | None = None,
    unsafe_code: bool = False,
) -> ExecutionResult:
    """Run trusted tests against an untrusted solution.

    The solution's process sees neither the tests nor what becomes of its answers: objects that call themselves equal to
    everything, patched builtins and forged ends do not reach the tests. What passes is plain data (docs/sandbox.md
    lists it) and instances of classes that `setup` defines, attribute by attribute. What a call changes in its
    arguments is changed in those of the tests. Anything else of the solution's stays where it is, and the tests call it
    and its methods; the tests may pass functions and what pickle takes.

    Args:
        solution: the untrusted program; it is run once, and then called
        tests: the trusted program; passed where it runs to its last line
        names: the solution's functions, classes and values that the tests use
        setup: trusted; run in front of both: imports, helper classes
        timeout: seconds of wall time in all
        memory_mb: MiB of each of the two
        limits: the other bounds; its timeout and memory are not used
        stop: ends it early
        level: how to shut in; the machine's best where None
        unsafe_code: run it under rlimits alone where nothing shuts it in

    Returns:
        The tests' end; where the solution ended, or could not be called, the reason begins with "solution". Output is
        that of the tests and then that of the solution.

    Raises:
        ConfigError: a limit that is not a positive number, or a machine on which nothing shuts programs in
    """
    bounds = replace(limits or Limits(), timeout=timeout, memory_mb=memory_mb)
    level = level or chosen(unsafe_code)
    both = {"setup": setup, "names": list(names)}
    ours, theirs = socket.socketpair()
    started: list[Process] = []
    try:
        started.append(Process(level, "tests", {**both, "tests": tests}, bounds, peer=ours))
        started.append(Process(level, "solution", {**both, "solution": solution}, bounds, peer=theirs))
        ours.close()
        theirs.close()
        supervise(started, timeout, stop)
    except OSError as error:
        return ExecutionResult(False, f"sandbox: {error}")
    finally:
        ours.close()
        theirs.close()
        for process in started:
            process.kill()
    return _result(*started)


def _result(tests: Process, solution: Process) -> ExecutionResult:
    found, other = tests.result(), solution.result()
    if tests.verdict is None:
        found = replace(other, ok=False, reason=f"solution {other.reason}", stdout=found.stdout, stderr=found.stderr)
    return replace(found, stdout=found.stdout + other.stdout, stderr=found.stderr + other.stderr)
