"""Many programs at once."""

import threading
import time

import pytest

from emlit.sandbox import run_all, run_python


def _job(program, timeout=10.0):
    return lambda stop: run_python(program, timeout, stop=stop)


def test_results_are_in_order_and_each_end_is_told():
    ended = []
    jobs = [_job(f"import time\ntime.sleep({0.3 if number == 0 else 0})\nprint({number})") for number in range(12)]
    results = run_all(jobs, on_finished=ended.append)
    assert [result.stdout for result in results] == [f"{number}\n" for number in range(12)]
    assert sorted(ended) == list(range(12))


def test_an_exception_ends_what_runs():
    def breaks(stop):
        raise KeyboardInterrupt

    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        run_all([breaks, _job("while True: pass", 60.0), _job("while True: pass", 60.0)])
    assert time.monotonic() - begun < 20


def test_a_set_event_ends_a_program_early():
    stop = threading.Event()
    stop.set()
    assert run_python("while True: pass", 60.0, stop=stop).reason.startswith("stopped")


def test_sets_have_one_order_in_every_run():
    program = "print({'a', 'b', 'c', 'd', 'e', 'f'})"
    assert len({result.stdout for result in run_all([_job(program)] * 6)}) == 1
