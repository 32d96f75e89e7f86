"""The time limit of math-verify: in threads, in other processes, at the end of a process."""

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from emlit.grading import symbolic
from emlit.grading.verifier import Verifier, verified
from emlit.tasks import math_equal

TOWER = "9^{9^{9^9}}"


@pytest.fixture
def verifier():
    verifier = Verifier(seconds=1.0)
    yield verifier
    verifier.close()


@pytest.mark.parametrize(
    "text",
    [
        TOWER,
        "(" * 10_000,
        "{" * 990,
        r"\sqrt{" * 30 + "x" + "}" * 30,
        r"\int_0^1 x^{x^{x}} dx",
        "((1,2),(3,4))" * 80,
        r"\begin{pmatrix}" * 60,
        "cm " * 300,
        *(
            pytest.param(each, marks=pytest.mark.nightly)
            for each in (
                r"9^{9^{9^{9^{9}}}}!",
                r"\frac{1}{" * 500 + "2" + "}" * 500,
                "(" * 900,
                "[" * 39 + "1" + "]" * 39,
                "|" * 500,
                "+".join(f"x_{{{i}}}" for i in range(150)),
                r"\sum_{n=1}^{10^{9}} \frac{1}{n^{3}}",
                r"\text{" * 300,
                "1,2" * 300,
                r"\pm" * 300,
                "x=" * 400,
                "a b " * 240,
                "= - " * 200,
                "5 " + "cm " * 90 + "!",
                "1 000 " * 60,
                "\\" * 900,
            )
        ),
    ],
    ids=lambda text: text[:20],
)
def test_what_no_one_can_read_is_false_in_time(text, verifier, monkeypatch):
    monkeypatch.setattr("emlit.grading.verifier._verifier", verifier)
    started = time.monotonic()
    assert verifier.equal("x+x", "2x")
    start, started = time.monotonic() - started, time.monotonic()
    assert not math_equal(text, "2")
    assert not math_equal("x^2+1", text)
    # 1 s of processor time a pair, 5 s by the clock at most, and a process more after each.
    assert time.monotonic() - started < 11 + 2 * start


def test_a_question_after_one_that_took_too_long(verifier):
    started = time.monotonic()
    assert not verifier.equal(TOWER, "2")
    assert time.monotonic() - started < 30  # of which it gets 3 of the processor
    assert verifier.equal(r"\sqrt{8}", r"2\sqrt{2}")


def test_threads_share_one_process(verifier):
    pairs = [(f"{n}x+{n}", f"{n}(x+1)", True) for n in range(2, 12)] + [(f"{n}x", f"{n}y", False) for n in range(2, 12)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda pair: verifier.equal(pair[0], pair[1]), pairs))
    assert found == [equal for _, _, equal in pairs]


def test_a_thread_that_ends_leaves_the_process_to_the_others(verifier):
    thread = threading.Thread(target=verifier.equal, args=("x+x", "2x"))
    thread.start()
    thread.join()
    first = verifier._process.pid
    assert verifier.equal("y+y", "2y")
    assert verifier._process.pid == first


def test_an_idle_process_that_was_killed_is_replaced(verifier):
    assert verifier.equal("x+x", "2x")
    os.kill(verifier._process.pid, signal.SIGKILL)
    verifier._process.wait()
    assert verifier.equal("x+x", "2x")


def test_a_fork_starts_its_own():
    assert math_equal("z+z", "2z")
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write, b"%d%d" % (math_equal("u+u", "2u"), math_equal("u+u", "3u")))
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(read, 2) == b"10"
    assert math_equal("v+v", "2v")
    os.close(read)
    os.close(write)


SPAWN = """
import multiprocessing
from emlit.grading import math_equal

if __name__ == "__main__":
    with multiprocessing.get_context("{method}").Pool(2) as pool:
        print(pool.starmap(math_equal, [("x+x", "2x"), ("x+x", "3x"), ("{tower}", "2")]))
"""


@pytest.mark.parametrize(
    "method", ["spawn", *(pytest.param(each, marks=pytest.mark.nightly) for each in ("fork", "forkserver"))]
)
def test_worker_processes(method, tmp_path):
    script = tmp_path / "grade.py"
    script.write_text(SPAWN.format(method=method, tower=TOWER))
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=60, env=_here())
    assert done.stdout.strip() == "[True, False, False]", done.stderr


@pytest.mark.parametrize(
    "ending",
    [
        "hang",
        *(
            pytest.param(each, marks=pytest.mark.nightly)
            for each in ("pass", "os._exit(0)", "os.kill(os.getpid(), 9)", f"math_equal({TOWER!r}, '2')")
        ),
    ],
)
def test_no_process_is_left(ending):
    """However the main process ends: of itself, killed while idle, or killed in the middle of a question."""
    code = (
        "import os, threading, time; from emlit.grading import math_equal, verifier\n"
        "math_equal('x+x', '2x'); print(verifier._verifier._process.pid, flush=True)\n"
    )
    if ending == "hang":
        code += f"threading.Thread(target=math_equal, args=({TOWER!r}, '2')).start(); time.sleep(0.5)\n"
        code += "os.kill(os.getpid(), 9)"
    else:
        code += ending
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, env=_here())
    left = int(done.stdout.split()[0])
    until = time.monotonic() + 20
    while _alive(left) and time.monotonic() < until:
        time.sleep(0.05)
    assert not _alive(left)


def test_ctrl_c_reaches_the_run_alone(verifier):
    assert verifier.equal("x+x", "2x")
    os.kill(verifier._process.pid, signal.SIGINT)
    time.sleep(0.1)
    assert verifier._process.poll() is None


def test_the_installed_math_verify_is_the_one_that_this_was_written_for():
    symbolic.check()


@pytest.mark.parametrize("name", ["verify", "_Reader", "normalize_latex", "should_treat_as_complex"])
def test_a_changed_signature_is_said(name, monkeypatch):
    monkeypatch.setattr(symbolic, name, lambda changed, *, unknown: None)
    symbolic.parse.cache_clear()
    with pytest.raises(RuntimeError, match=r"math-verify or latex2sympy2_extended has changed"):
        symbolic.check()
    with pytest.raises(TypeError):  # nor is it taken for "not equal" later
        symbolic.equal(r"\{1,2\}", r"\{1,3\}", 0, 0)


def test_other_answers_of_math_verify_are_said(monkeypatch):
    monkeypatch.setattr(symbolic, "verify", lambda *_, **__: True)
    with pytest.raises(RuntimeError, match=r"are equal"):
        symbolic.check()


def test_a_process_that_says_that_it_is_broken_is_an_error(verifier, tmp_path, monkeypatch):
    """Another math_verify, found first on the path, whose `verify` has lost an argument."""
    package = tmp_path / "math_verify"
    package.mkdir()
    (package / "__init__.py").write_text("def verify(gold, target): return gold == target\n")
    (package / "grader.py").write_text("def should_treat_as_complex(text): return False\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(RuntimeError, match=r"float_rounding.*install \"math-verify"):
        verifier.equal("x+x", "2x")


def test_a_pair_is_asked_once():
    verified.cache_clear()
    for _ in range(3):
        assert math_equal("w+w", "2w")
        assert math_equal("2w", "w+w")  # the order makes no difference
    assert verified.cache_info().misses == 1


def _here():
    return {**os.environ, "PYTHONPATH": os.getcwd()}


def _alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
