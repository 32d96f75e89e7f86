"""What takes long before a run's phases are watched."""

import contextlib
import threading
import time
from collections.abc import Iterator

from emlit.resilience.endings import say
from emlit.resilience.run_lock import is_first_process

_PATIENCE = 10.0  # seconds without a word


@contextlib.contextmanager
def announced(work: str, more: str = "", at_once: bool = True) -> Iterator[None]:
    """Say on stderr what is being done, and again every ten seconds for how long: on a busy machine it takes minutes.

    Args:
        work: in a few words
        more: what is said of it the first time
        at_once: whether it is worth a word before ten seconds have passed
    """
    done, began = threading.Event(), time.monotonic()

    def again() -> None:
        while not done.wait(_PATIENCE):
            say(f"{work}, {time.monotonic() - began:.0f} s")

    if at_once:
        say(work + more)
    threading.Thread(target=again, daemon=True).start()
    try:
        yield
    finally:
        done.set()


def announced_by_first(work: str, at_once: bool = True) -> contextlib.AbstractContextManager[None]:
    """As `announced`, of what every process of a run does, by the first of them."""
    return announced(work, at_once=at_once) if is_first_process() else contextlib.nullcontext()
