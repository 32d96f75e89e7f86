"""Completions that are being sampled in a thread, while this one trains."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait

from emlit.records import Completion


class Pending:
    """What `generate` will return, or raise.

    The thread ends with the process, so that a run which is left does not wait for what it no longer needs.

    Args:
        generate: samples them
        on_waited: told of the seconds that somebody waited for them
    """

    def __init__(
        self, generate: Callable[[], list[Completion]], on_waited: Callable[[float], None] | None = None
    ) -> None:
        self._future: Future[list[Completion]] = Future()
        self._on_waited = on_waited
        threading.Thread(target=self._run, args=(generate,), name="emlit-round-ahead", daemon=True).start()

    def _run(self, generate: Callable[[], list[Completion]]) -> None:
        try:
            self._future.set_result(generate())
        except BaseException as error:
            self._future.set_exception(error)

    def wait(self) -> BaseException | None:
        """Until there is a result; the error, if it is one."""
        started = time.perf_counter()
        try:
            wait([self._future])
        finally:
            if self._on_waited is not None:
                self._on_waited(time.perf_counter() - started)
        return self._future.exception()

    def result(self) -> list[Completion]:
        """Wait for them."""
        self.wait()
        return self._future.result()
