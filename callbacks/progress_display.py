"""Phases on a screen: bars in a terminal, lines elsewhere."""

import contextlib
import threading
from collections.abc import Callable
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from emlit import progress
from emlit.printable import printable
from emlit.progress import Phase

# Seconds without a line after which there is one: with the second between two looks, well below 15.
SILENCE = 10.0


class Lines:
    """A line of what is being done and how far it is, after each stretch of silence.

    A log file or a pipe gets it at once, since every line is flushed.
    """

    every = 1.0  # seconds between two looks

    def __init__(self, console: Console) -> None:
        self.console = console
        self.last = progress.clock()

    def say(self, text: str) -> None:
        self.last = progress.clock()
        self.console.print(printable(text, longest=2000), markup=False, highlight=False, soft_wrap=True)

    def announce(self, phase: Phase) -> None:
        self.say(described(phase))

    def look(self) -> None:
        """Say where the run is, if nothing has been said for long."""
        if progress.clock() - self.last >= SILENCE and (phases := progress.innermost()):
            self.say("; ".join(map(described, phases)))

    def close(self) -> None:
        """Lines stay."""


class Bars:
    """A bar for each phase that is open."""

    every = 0.2

    def __init__(self, console: Console) -> None:
        self.rows: dict[Phase, TaskID] = {}
        self.bars = Progress(
            TextColumn("{task.description:>12}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}", markup=False),
            console=console,
            transient=True,
            auto_refresh=False,
        )
        self.bars.start()

    def say(self, text: str) -> None:
        self.bars.console.print(printable(text, longest=2000), markup=False, highlight=False)

    def announce(self, phase: Phase) -> None:
        self.look()

    def look(self) -> None:
        """Draw the phases that are open now."""
        phases = list(dict.fromkeys(each for inner in progress.innermost() for each in inner.path()))
        for gone in [each for each in self.rows if each not in phases]:
            self.bars.remove_task(self.rows.pop(gone))
        for phase in phases:
            if phase not in self.rows:
                self.rows[phase] = self.bars.add_task("", total=phase.total, note="")
            note = phase.note or ", ".join(speeds(phase))
            self.bars.update(
                self.rows[phase], description=printable(phase.name), completed=phase.done, total=phase.total, note=note
            )
        self.bars.refresh()

    def close(self) -> None:
        self.bars.stop()


def described(phase: Phase) -> str:
    """The phase and what it is a part of: how far it is, how fast, since when and for how long."""
    *outer, inner = phase.path()
    seconds = progress.clock() - inner.began
    parts = [_counted(each) for each in outer]
    if inner.total is None:
        parts.append(f"{_counted(inner)}, {duration(seconds)}" if seconds >= 1 else _counted(inner))
    else:
        facts = [f"{inner.done:,}/{inner.total:,} {inner.unit}".rstrip(), *speeds(inner)]
        facts += [duration(seconds)] if seconds >= 1 else []
        facts += _left(inner)
        parts.append(f"{inner.name}: {', '.join(facts)}")
    return " > ".join(parts) + "".join(f"; in all {left}" for left in (_left(outer[0]) if outer else []))


def speeds(phase: Phase) -> list[str]:
    """Tokens and units a second, where there are some."""
    now = progress.clock()
    seconds = max(now - phase.began, 1e-9)
    found = []
    if tokens := phase.tokens + phase.under_way:
        found.append(f"{tokens / seconds:,.0f} tokens/s")
    if phase.total is not None and phase.unit and phase.done and seconds >= 1:
        found.append(f"{phase.rate(now):.3g} {phase.unit}/s")
    return found


def duration(seconds: float) -> str:
    """In the unit that suits it."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _counted(phase: Phase) -> str:
    if phase.total is None:
        return f"{phase.name} {phase.done:,}" if phase.done else phase.name
    return f"{phase.name} {phase.done:,}/{phase.total:,} {phase.unit}".rstrip()


def _left(phase: Phase) -> list[str]:
    left = phase.seconds_left(progress.clock())
    return [] if left is None else [f"about {duration(left)} left"]


class Ticker:
    """Calls a function every so many seconds, from a thread that ends with the process."""

    def __init__(self, every: float, call: Callable[[], Any]) -> None:
        self._every, self._call, self._ended = every, call, threading.Event()
        self._thread = threading.Thread(target=self._run, name="emlit-progress", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._ended.wait(self._every):
            with contextlib.suppress(OSError, ValueError):  # whoever read the lines is gone, or their file is closed
                self._call()

    def stop(self) -> None:
        self._ended.set()
        self._thread.join(timeout=1.0)
