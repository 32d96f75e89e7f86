"""What a run is doing now and how far it is: phases, which any long piece of work opens and reports into.

Nothing is printed here. `watch` names the one who shows phases (`callbacks.RolloutProgress`); without one they cost
next to nothing.
"""

import contextlib
import threading
import time
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Protocol

clock = time.monotonic


class Phase:
    """A piece of work that may take longer than anybody waits without a word.

    Attributes:
        name: what is being done, as in "sampling"
        total: how many `unit` there are; None where nobody knows
        unit: what is counted
        parent: the phase that this one is a part of
        done: so many of them
        tokens: of those that are done
        under_way: tokens of those that are not
        began: `clock()`
        note: what else is worth showing beside it
        most_tokens: of all of them, where there is a limit
    """

    def __init__(self, name: str, total: int | None = None, unit: str = "", parent: "Phase | None" = None) -> None:
        self.name, self.total, self.unit, self.parent, self.note = name, total, unit, parent, ""
        self.most_tokens: int | None = None
        self.done = self.tokens = self.under_way = self._done_before = 0
        self.began = clock()

    def advance(self, done: int = 1, tokens: int = 0) -> None:
        """So many more are done."""
        self.done += done
        self.tokens += tokens

    def restart(self, done: int, total: int | None) -> None:
        """Count from here: what is done already took no time."""
        self.done = self._done_before = done
        self.total, self.began = total, clock()

    def rate(self, now: float) -> float:
        """Units a second since it began."""
        return (self.done - self._done_before) / max(now - self.began, 1e-9)

    def seconds_left(self, now: float) -> float | None:
        """None where nothing is done yet or all of it, or nobody knows how much there is.

        Completions that are sampled together end nearly together: there the tokens that are left say more.
        """
        if self.total is None or self.done >= self.total:
            return None
        found = [(self.total - self.done) / self.rate(now)] if self.done > self._done_before else []
        if self.most_tokens is not None and (tokens := self.tokens + self.under_way):
            found.append((self.most_tokens - tokens) * (now - self.began) / tokens)
        return max(0.0, min(found)) if found else None

    def path(self) -> "list[Phase]":
        """The phases that this one is a part of, the outermost first, and itself."""
        return [*(self.parent.path() if self.parent else []), self]


class Watcher(Protocol):
    """Who shows phases."""

    def announce(self, phase: Phase) -> None:
        """A phase has begun that will take long."""

    def say(self, text: str) -> None:
        """Show a line."""


_here: ContextVar[Phase | None] = ContextVar("phase", default=None)  # of this thread
_open: list[Phase] = []
_lock = threading.Lock()
_watchers: list[Watcher] = []


def begin(name: str, total: int | None = None, unit: str = "", announce: bool = False) -> Phase:
    """Open a phase that `end` closes; the arguments are those of `phase`."""
    parent = _here.get()
    # One that was left open by an exception is nobody's parent.
    phase = Phase(name, total, unit, parent if parent in _open else None)
    _here.set(phase)
    with _lock:
        _open.append(phase)
    for watcher in list(_watchers) if announce else ():
        watcher.announce(phase)
    return phase


def end(phase: Phase) -> None:
    """Close a phase, and those inside that nobody has closed; again does nothing."""
    with _lock:
        _open[:] = [each for each in _open if phase not in each.path()]
    here = _here.get()
    if here is not None and phase in here.path():
        _here.set(phase.parent)


@contextlib.contextmanager
def phase(name: str, total: int | None = None, unit: str = "", announce: bool = False) -> Iterator[Phase]:
    """A phase for as long as the block takes.

    Args:
        name: what is being done
        total: how many units there are
        unit: what `advance` counts
        announce: say so when it begins, and not only once it has lasted
    """
    opened = begin(name, total, unit, announce)
    try:
        yield opened
    finally:
        end(opened)


def under_way(tokens: int) -> None:
    """Engines tell how many tokens there are of completions that have not ended: long ones may end minutes later."""
    if (here := _here.get()) is not None:
        here.under_way = tokens


def innermost() -> list[Phase]:
    """The open phases that have no open phase inside: one a thread."""
    with _lock:
        return [each for each in _open if not any(other.parent is each for other in _open)]


def say(text: str) -> None:
    """Have a line shown, where somebody shows them."""
    for watcher in list(_watchers):
        watcher.say(text)


def watch(watcher: Watcher) -> None:
    """Show phases from now on."""
    if watcher not in _watchers:
        _watchers.append(watcher)


def unwatch(watcher: Watcher) -> None:
    """Show them no more."""
    if watcher in _watchers:
        _watchers.remove(watcher)
