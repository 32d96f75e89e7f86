"""What a run says while it works, on a clock that the tests turn."""

import threading
import time

import pytest
from rich.console import Console

from emlit import progress
from emlit.callbacks import RolloutProgress
from emlit.callbacks.progress_display import Bars, Lines, Ticker, described, duration


class Clock:
    """Stands still until it is turned; shows `display` the time at every second, as its thread does."""

    def __init__(self) -> None:
        self.now, self.display, self.said = 1000.0, None, []

    def __call__(self) -> float:
        return self.now

    def turn(self, seconds: float) -> None:
        for _ in range(round(seconds)):
            self.now += 1
            if self.display is not None:
                self.display.look()


@pytest.fixture
def clock(monkeypatch):
    made = Clock()
    monkeypatch.setattr(progress, "clock", made)
    return made


@pytest.fixture
def lines(clock):
    """A display on that clock, and the moments of its lines."""
    display = Lines(Console(width=80, force_terminal=False))
    say = display.say
    display.say = lambda text: (clock.said.append((clock.now, text)), say(text))
    clock.display = display
    progress.watch(display)
    yield clock.said
    progress.unwatch(display)


def test_a_slow_phase_is_told_of_every_ten_seconds(clock, lines):
    with progress.phase("fit"), progress.phase("starting vLLM", announce=True):
        clock.turn(33)
    assert [(now - 1000, text) for now, text in lines] == [
        (0, "fit > starting vLLM"),
        (10, "fit > starting vLLM, 10 s"),
        (20, "fit > starting vLLM, 20 s"),
        (30, "fit > starting vLLM, 30 s"),
    ]


def test_a_line_from_inside_a_batch(clock, lines):
    with progress.phase("predict", 4, "batches") as batches:
        clock.turn(9)
        batches.advance()
        with progress.phase("sampling", 100, "completions") as sampling:
            for _ in range(20):
                clock.turn(1)
                sampling.advance(1, tokens=300)
            progress.under_way(1000)
            text = described(sampling)
    assert text == (
        "predict 1/4 batches > sampling: 20/100 completions, 350 tokens/s, 1 completions/s, 20 s, about 80 s left; "
        "in all about 87 s left"
    )
    assert [now - 1000 for now, _ in lines] == [10, 20]
    assert "sampling: 1/100" not in lines[0][1]  # the first completion comes with the tenth second
    assert "sampling: 10/100" in lines[1][1]


def test_a_quick_run_says_no_more_than_it_did(clock, lines):
    for _ in range(30):
        with progress.phase("sampling", 4, "completions") as phase:
            clock.turn(0)
            phase.advance(4)
    assert lines == []


def test_threads_have_phases_of_their_own(clock, lines):
    inside, leave = threading.Event(), threading.Event()

    def ahead() -> None:
        with progress.phase("sampling ahead", 8, "completions"):
            inside.set()
            leave.wait(10)

    with progress.phase("step", 40), progress.phase("optimising", 2, "micro-batches"):
        thread = threading.Thread(target=ahead)
        thread.start()
        assert inside.wait(10)
        clock.turn(10)
        leave.set()
        thread.join()
    assert lines[0][1] == ("step 0/40 > optimising: 0/2 micro-batches, 10 s; sampling ahead: 0/8 completions, 10 s")


def test_an_exception_closes_what_was_open(clock):
    fit = progress.begin("fit")
    progress.begin("reading the prompts")  # and whoever was to close it raises
    progress.end(fit)
    assert progress.innermost() == []
    assert progress.begin("next").parent is None
    progress.end(progress.innermost()[0])


def test_a_resumed_run_does_not_count_its_earlier_steps_as_speed(clock):
    phase = progress.begin("step")
    phase.restart(30, 40)
    clock.turn(20)
    assert phase.seconds_left(clock.now) is None
    phase.advance()
    assert phase.seconds_left(clock.now) == pytest.approx(9 * 20)
    progress.end(phase)


@pytest.mark.parametrize(("seconds", "text"), [(0.4, "0 s"), (119, "119 s"), (600, "10 min"), (9000, "2.5 h")])
def test_durations(seconds, text):
    assert duration(seconds) == text


def test_names_from_outside_do_not_reach_the_terminal_raw(clock, lines, capsys):
    with progress.phase("T=1\x1b]0;owned\x07[/bold]", announce=True):
        pass
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert r"T=1\x1b]0;owned\x07[/bold]" in out


def test_bars_show_what_is_open_and_forget_what_is_not(clock):
    console = Console(width=120, force_terminal=True, file=open("/dev/null", "w"))  # noqa: SIM115
    bars = Bars(console)
    with progress.phase("fit"):
        with progress.phase("sampling", 4, "completions") as phase:
            phase.advance(2)
            bars.look()
            assert [task.description for task in bars.bars.tasks] == ["fit", "sampling"]
            assert bars.bars.tasks[1].completed == 2
        bars.look()
        assert [task.description for task in bars.bars.tasks] == ["fit"]
    bars.close()


def test_the_thread_ends_with_the_process_and_when_told():
    calls = []
    ticker = Ticker(0.01, lambda: calls.append(1))
    until = time.monotonic() + 5
    while not calls and time.monotonic() < until:
        time.sleep(0.01)
    assert calls
    assert ticker._thread.daemon
    ticker.stop()
    assert not ticker._thread.is_alive()


def test_a_reader_that_is_gone_does_not_end_the_thread():
    calls = []

    def broken() -> None:
        calls.append(1)
        raise BrokenPipeError

    ticker = Ticker(0.01, broken)
    until = time.monotonic() + 5
    while len(calls) < 2 and time.monotonic() < until:
        time.sleep(0.01)
    ticker.stop()
    assert len(calls) >= 2


@pytest.mark.parametrize(("value", "shown"), [("1", False), ("true", False), ("0", True), ("", True)])
def test_tqdm_disable(value, shown, monkeypatch):
    monkeypatch.setenv("TQDM_DISABLE", value)
    assert RolloutProgress().enabled is shown
    assert not RolloutProgress(enabled=False).enabled
