"""Completions that are being sampled in a thread, while this one trains."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait

import torch

from emlit.records import Completion


class Pending:
    """What `generate` will return, or raise.

    The thread ends with the process, so that a run which is left does not wait for what it no longer needs.

    Args:
        generate: samples them
        on_waited: told of the seconds that somebody waited for them
        shares_cores: it computes on this process's cores, of which each side then has half, since two pools of threads
            on the same cores are many times slower than one
    """

    def __init__(
        self,
        generate: Callable[[], list[Completion]],
        on_waited: Callable[[float], None] | None = None,
        shares_cores: bool = False,
    ) -> None:
        self._future: Future[list[Completion]] = Future()
        self._on_waited = on_waited
        # Both settings are a thread's own.
        self._all = cores = torch.get_num_threads()
        mine = max(1, cores // 2) if shares_cores else cores
        device = torch.cuda.current_device() if torch.cuda.is_initialized() else None
        arguments = (generate, mine, device)
        threading.Thread(target=self._run, args=arguments, name="emlit-round-ahead", daemon=True).start()
        if shares_cores:
            torch.set_num_threads(max(1, cores - mine))

    def _run(self, generate: Callable[[], list[Completion]], threads: int, device: int | None) -> None:
        try:
            torch.set_num_threads(threads)
            if device is not None:
                torch.cuda.set_device(device)
            self._future.set_result(generate())
        except BaseException as error:
            self._future.set_exception(error)

    def wait(self) -> BaseException | None:
        """Until there is a result; the error, if it is one."""
        started = time.perf_counter()
        try:
            wait([self._future])
        finally:
            if torch.get_num_threads() != self._all:
                torch.set_num_threads(self._all)
            if self._on_waited is not None:
                self._on_waited(time.perf_counter() - started)
        return self._future.exception()

    def result(self) -> list[Completion]:
        """Wait for them."""
        self.wait()
        return self._future.result()
