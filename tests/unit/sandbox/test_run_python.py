"""One untrusted program: its end, its limits, what it sees and what is left of it."""

import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emlit.errors import ConfigError
from emlit.sandbox import Limits, isolation, run_python, run_tests
from emlit.sandbox.isolation import probe
from emlit.sandbox.levels import ISOLATING, RLIMITS

ROOT = Path(__file__).parents[3]


def run(program, level, **arguments):
    return run_python(textwrap.dedent(program), level=level, **arguments)


def test_the_strongest_level_that_works_is_the_one_used():
    assert isolation() == next(level.name for level in ISOLATING if probe(level) is None)


def test_without_a_level_that_shuts_in_programs_run_only_as_unsafe_code(monkeypatch, tmp_path):
    (tmp_path / "rm").symlink_to(shutil.which("rm"))
    monkeypatch.setenv("PATH", str(tmp_path))
    probe.cache_clear()
    try:
        for run_one in (run_python, lambda program: run_tests(program, "", [])):
            with pytest.raises(ConfigError, match=r"bwrap is not installed.*apt-get install bubblewrap.*unsafe_code"):
                run_one("pass")
        if probe(RLIMITS) is None:
            assert isolation(unsafe_code=True) == "rlimits"
            assert run_python("print(1)", unsafe_code=True).stdout == "1\n"
            assert run_tests("def f(): return 1", "assert f() == 1", ["f"], unsafe_code=True).ok
    finally:
        probe.cache_clear()


def test_a_stronger_level_that_is_installed_and_does_not_work_is_named_once(monkeypatch, caplog):
    found = {"bubblewrap": "no leave to make namespaces", "unshare": None}
    monkeypatch.setattr(sys.modules["emlit.sandbox.isolation"], "probe", lambda level: found[level.name])
    assert [isolation(), isolation()] == ["unshare", "unshare"]
    said = "sandbox: bubblewrap: no leave to make namespaces; unshare is taken"
    assert [record.getMessage() for record in caplog.records] == [said]
    found["bubblewrap"] = "bwrap is not installed"
    assert isolation() == "unshare"
    assert len(caplog.records) == 1


def test_a_program_that_comes_to_its_last_line_is_ok(level):
    result = run("import sys\nprint(input() + '!')\nprint('e', file=sys.stderr)", level, stdin="häi\n")
    assert (result.ok, result.reason, result.stdout, result.stderr) == (True, "ok", "häi!\n", "e\n")


def test_what_is_in_any_buffer_at_the_end_is_output():
    for program in (
        "import io, sys\nsys.stdout = io.StringIO()\nprint(5)\nsys.__stdout__.write('6')",
        "out = open(1, 'w', closefd=False)\nout.write('6')",
        "import os\nout = os.fdopen(os.dup(1), 'w')\nout.write('6')",
        "import sys\no = sys.stdout\nclass S: write, flush = o.write, o.flush\nsys.stdout = S()\nprint(6, end='')",
    ):
        result = run_python(program)
        assert (result.reason, result.stdout) == ("ok", "6"), program


def test_packages_of_the_environment_can_be_imported(level):
    result = run("import numpy, sympy\nprint(numpy.arange(4).sum(), sympy.Integer(7))", level)
    assert (result.reason, result.stdout) == ("ok", "6 7\n")


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("1 / 0", "exception: ZeroDivisionError: division by zero"),
        ("assert 1 == 2, 'two\\nlines'", "exception: AssertionError: two lines"),
        ("x = (", "exception: SyntaxError"),
        ("x\0", "exception: "),  # SyntaxError, or ValueError before Python 3.12
        ("'\ud800'", "exception: UnicodeEncodeError"),
        ("(" * 10**5, "exception: "),
        ("class E(Exception):\n def __str__(self): raise E\nraise E", "exception: E: (its message raises)"),
        ("import os\nos._exit(0)", "exit: 0 before its last line"),
        ("import os\nos._exit(7)", "exit: 7 before its last line"),
        ("import sys\nsys.exit()", "exit: 0 before its last line"),
        ("exit(3)", "exit: 3 before its last line"),
        ("raise SystemExit('no')", "exit: 1 before its last line"),
        ("import os\nos.kill(os.getpid(), 9)", "signal: SIGKILL"),
        ("import ctypes\nctypes.memset(0, 1, 1)", "signal: SIGSEGV"),
        ("import os\nos.execv('/bin/true', ['true'])", "exit: 0 before its last line"),
        ("import atexit, os\natexit.register(os._exit, 0)", "exit: 0 before its last line"),
        ("import os\nos.fork()", "exception: PermissionError"),
    ],
)
def test_what_ends_early_is_not_ok(program, reason):
    result = run_python(program)
    assert not result.ok
    assert result.reason.startswith(reason)


def test_a_forged_end_is_not_ok(level):
    program = """
        import os
        for number in range(3, 64):
            try:
                os.write(number, b"ok %s\\n" % (b"0" * 128))
            except OSError:
                pass
        os._exit(0)
    """
    assert run(program, level).reason == "protocol: an end without its proof"


def test_the_proof_is_in_no_frame_and_not_among_what_the_collector_tracks(level):
    program = """
        import gc, sys
        seen, left = set(), [sys._getframe(), *gc.get_objects()]
        frame = sys._getframe()
        while frame:
            left += [frame, frame.f_locals, frame.f_globals]
            frame = frame.f_back
        while left:
            thing = left.pop()
            if id(thing) not in seen:
                seen.add(id(thing))
                left.extend(gc.get_referents(thing))
                if type(thing).__name__ == "blake2b":
                    print("found")
        print(len(seen) > 1000)
    """
    assert run(program, level).stdout == "True\n"


@pytest.mark.parametrize(
    ("program", "bounds", "reason"),
    [
        ("while True: pass", {}, "timeout: 1 s of wall time"),
        ("import time\ntime.sleep(60)", {}, "timeout: 1 s of wall time"),
        ("import time, threading\nthreading.Thread(target=time.sleep, args=(60,)).start()", {}, "timeout"),
        ("while True: pass", {"cpu": 1.0}, "cpu: more than its seconds of CPU time"),
        ("x = bytearray(2**30)", {}, "memory: MemoryError"),
        ("while True: print('x' * 10**6)", {"discarded_mb": 4}, "output: more than 4 MiB past what is kept"),
        ("open('f', 'wb').write(b'x' * 2**24)", {"file_mb": 1}, "exception: OSError: [Errno 27] File too large"),
        ("import os\nwhile True: os.dup(1)", {}, "exception: OSError: [Errno 24] Too many open files"),
    ],
    ids=["loop", "sleep", "thread", "cpu", "memory", "output", "file", "open files"],
)
def test_limits(level, program, bounds, reason):
    seconds = 5.0 if "cpu" in bounds else 1.0
    begun = time.monotonic()
    result = run(program, level, timeout=seconds, memory_mb=256, limits=Limits(**bounds))
    assert result.reason.startswith(reason)
    assert result.seconds < seconds + 1
    assert time.monotonic() - begun < seconds + 5  # the start included, on a busy machine


def test_threads_are_counted(closed):
    program = """
        import threading, time
        made = 0
        try:
            for made in range(100):
                threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
        except RuntimeError:
            print(made)
    """
    result = run(program, closed, limits=Limits(threads=20))
    assert result.reason == "ok"
    assert 5 < int(result.stdout) < 20


def test_threads_of_python_and_of_libraries_run(closed):
    program = """
        import asyncio, numpy, scipy.fft
        from concurrent.futures import ThreadPoolExecutor
        with ThreadPoolExecutor(8) as pool:
            print(sum(pool.map(lambda n: int((numpy.ones((n, n)) @ numpy.ones((n, n))).sum()), range(99))))
        print(scipy.fft.fft(numpy.ones((64, 64)), workers=4)[0, 0].real, asyncio.run(asyncio.to_thread(max, 1, 2)))
    """
    result = run(program, closed, timeout=60.0)
    assert (result.reason, result.stdout) == ("ok", f"{sum(n**3 for n in range(99))}\n64.0 2\n")


def test_the_scratch_folder_is_bounded(closed):
    many = "for n in range(10**5): open(str(n), 'w').close()"
    full = "for n in range(100): open(str(n), 'wb').write(b'x' * 2**20)"
    bounds = Limits(scratch_files=500, scratch_mb=8)
    assert run(many, closed, limits=bounds).reason.startswith(("scratch", "exception: OSError: [Errno 28]"))
    assert run(full, closed, limits=bounds).reason.startswith("exception: OSError: [Errno 28]")


def test_output_is_kept_up_to_its_limit_and_the_rest_is_read(level):
    result = run("print('x' * 10**6)\nimport sys\nsys.stderr.write('y' * 10**6)", level, limits=Limits(output_kb=3))
    assert (result.reason, len(result.stdout), len(result.stderr)) == ("ok", 3072, 3072)


def test_it_sees_an_empty_scratch_folder_and_a_small_environment(level, monkeypatch):
    monkeypatch.setenv("SECRET", "canary")
    program = """
        import os
        print(os.listdir("."), os.getcwd() == os.environ["TMPDIR"], "SECRET" in os.environ)
        open("mine", "w").write("x")
    """
    for _ in range(2):  # the second sees nothing of the first
        assert run(program, level).stdout == "[] True False\n"


def test_it_neither_writes_nor_reads_outside(closed, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("canary")
    for folder in (tmp_path, *tmp_path.parents):
        if folder.owner() != "root" or folder == tmp_path:
            folder.chmod(0o755)
    program = f"""
        import os, sys
        for path in ({str(secret)!r}, "/etc/shadow", "/proc/{os.getpid()}/environ"):
            try:
                print(open(path).read())
            except OSError:
                pass
        for folder in ({str(tmp_path)!r}, "/", "/usr", "/dev/shm", "/dev", os.path.dirname(os.__file__), *sys.path):
            try:
                open(folder + "/canary", "w")
                print(folder)
            except OSError:
                pass
    """
    result = run(program, closed)
    assert (result.reason, result.stdout) == ("ok", "")
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]


def test_there_are_no_sockets(closed):
    program = """
        import socket
        for family in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX):
            try:
                socket.socket(family)
                print("made")
            except PermissionError:
                print("refused")
        socket.socketpair()
    """
    result = run(program, closed)
    assert (result.reason, result.stdout) == ("ok", "refused\n" * 3)


def test_the_network_is_another_one(closed):
    program = "print(sorted(line.split(':')[0].strip() for line in open('/proc/net/dev') if ':' in line))"
    assert run(program, closed).stdout == "['lo']\n"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_program_ends_with_the_process_that_started_it(level, number, tmp_path):
    begun = tmp_path / "begun"
    program = "import os\nprint('x' * 10**6, flush=True)\nos.execv('/bin/sleep', ['sleep', '65432'])"
    code = f"""
import sys, threading, time
from emlit.sandbox import process, run_python
from emlit.sandbox.levels import ISOLATING, RLIMITS
read = process.Process.read
def noted(self, descriptor):
    if self.started and self._output["stdout"]:
        open({str(begun)!r}, "w").close()
    return read(self, descriptor)
process.Process.read = noted
run_python({program!r}, timeout=60, level=next(l for l in (*ISOLATING, RLIMITS) if l.name == {level.name!r}))
"""
    started = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stderr=subprocess.PIPE, text=True)
    _wait(begun.exists)
    time.sleep(0.3)
    started.send_signal(number)
    _, errors = started.communicate(timeout=20)
    if number == signal.SIGINT:
        assert "KeyboardInterrupt" in errors
    _wait(lambda: subprocess.run(["pgrep", "-f", "^sleep 65432"], capture_output=True).returncode == 1)


def _wait(condition, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.05)


@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.one_of(st.text(max_size=200), st.binary(max_size=200).map(lambda raw: raw.decode("latin-1"))))
def test_any_text_gives_a_result(text):
    result = run_python(text, timeout=2.0)
    assert result.ok == (result.reason == "ok")
    assert "\n" not in result.reason


def test_a_huge_program_gives_a_result():
    assert run_python("x = 1\n" * 10**5, timeout=20.0).ok
    assert not run_python("x = [" + "1, " * 10**7, timeout=10.0, memory_mb=256).ok


@pytest.mark.parametrize("bounds", [{"timeout": 0}, {"timeout": float("nan")}, {"memory_mb": -1}])
def test_a_limit_that_is_no_positive_number_is_refused(bounds):
    with pytest.raises(ConfigError, match=next(iter(bounds))):
        run_python("pass", **bounds)
