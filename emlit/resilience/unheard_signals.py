"""A signal is heard also while the main thread is in a call that does not come back to Python."""

import contextlib
import os
import signal
import socket
import threading
from collections.abc import Callable, Container


class UnheardSignals:
    """Watches for signals in a thread of its own.

    Python runs a handler between two of its instructions. While a model is read, a kernel compiled or a graph captured
    there may be none for minutes.

    Args:
        signals: those that are watched for; others, an alarm say, are nobody's business here
        unheard: told of a signal's number `patience` seconds after it came, to do what the handler has not done by then
        patience: seconds
    """

    def __init__(self, signals: Container[int], unheard: Callable[[int], None], patience: float = 5.0) -> None:
        self._signals, self._unheard, self._patience = signals, unheard, patience
        self._read, self._write = socket.socketpair()
        self._write.setblocking(False)
        self._before = signal.set_wakeup_fd(self._write.fileno(), warn_on_full_buffer=False)
        threading.Thread(target=self._run, name="emlit-signals", daemon=True).start()

    def _run(self) -> None:
        with self._read:
            while numbers := self._read.recv(16):
                for number in filter(self._signals.__contains__, numbers):
                    timer = threading.Timer(self._patience, self._unheard, (number,))
                    timer.daemon = True
                    timer.start()

    def close(self) -> None:
        """As it was before; the main thread must call it."""
        current = signal.set_wakeup_fd(self._before)
        if current != self._write.fileno():  # another one has taken over since
            signal.set_wakeup_fd(current)
        self._write.close()


def _deaf() -> None:
    with contextlib.suppress(ValueError):  # not in a main thread
        signal.set_wakeup_fd(-1)


os.register_at_fork(after_in_child=_deaf)  # a child's signals are not its parent's
