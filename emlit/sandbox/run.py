"""Running untrusted programs, one or hundreds."""

import os
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from emlit.sandbox.isolation import chosen
from emlit.sandbox.levels import Level
from emlit.sandbox.limits import ExecutionResult, Limits
from emlit.sandbox.supervise import execute

# A job is run by calling it with an event that ends it early.
Job = Callable[[threading.Event], ExecutionResult]


def run_python(
    program: str,
    timeout: float = 10.0,
    memory_mb: int = 1024,
    *,
    stdin: str | bytes = "",
    limits: Limits | None = None,
    stop: threading.Event | None = None,
    level: Level | None = None,
    unsafe_code: bool = False,
) -> ExecutionResult:
    """Run an untrusted program by itself.

    That it came to its last line is hard to fake, but not impossible: the program shares a process with what notes its
    end. Where a program is graded by tests, `run_tests` keeps the tests out of its reach.

    Args:
        program: any text
        timeout: seconds of wall time
        memory_mb: MiB of memory
        stdin: what it reads from standard input
        limits: the other bounds; its timeout and memory are not used
        stop: ends it early
        level: how to shut in; the machine's best where None
        unsafe_code: run it under rlimits alone where nothing shuts it in

    Raises:
        ConfigError: a limit that is not a positive number, or a machine on which nothing shuts programs in
    """
    bounds = replace(limits or Limits(), timeout=timeout, memory_mb=memory_mb)
    content = stdin.encode("utf-8", "surrogatepass") if isinstance(stdin, str) else stdin
    return execute(level or chosen(unsafe_code), program, bounds, content, stop)


def run_all(jobs: Iterable[Job], on_finished: Callable[[int], None] | None = None) -> list[ExecutionResult]:
    """Run jobs in parallel, one a core (shared with the other processes of a run); the results are in the jobs' order.

    Args:
        jobs: each called with an event that it passes on, such as `lambda stop: run_python(text, stop=stop)`
        on_finished: called with a job's number as it ends, for a progress bar; one call at a time

    An exception, a KeyboardInterrupt among them, ends the jobs that run and drops the others.
    """
    stop, told = threading.Event(), threading.Lock()

    def one(number: int, job: Job) -> ExecutionResult:
        result = job(stop)
        if on_finished is not None:
            with told:
                on_finished(number)
        return result

    beside = int(os.environ.get("LOCAL_WORLD_SIZE") or os.environ.get("WORLD_SIZE") or 1)
    shared = max(1, len(os.sched_getaffinity(0)) // beside)
    pool = ThreadPoolExecutor(shared, thread_name_prefix="sandbox")
    try:
        futures = [pool.submit(one, number, job) for number, job in enumerate(jobs)]
        return [future.result() for future in futures]
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)
