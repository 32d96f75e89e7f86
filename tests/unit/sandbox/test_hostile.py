"""Programs that hold memory where nothing counts it, replace their scratch folder, or end what guards them."""

import os
import resource
import subprocess
import sys
import time

import pytest

from benchmarks.hostile.files import FILES
from benchmarks.hostile.lives import LIVES
from benchmarks.hostile.memory import MEMORY
from benchmarks.hostile.program import preamble
from emlit.sandbox import run_all, run_python


def test_no_program_holds_memory_past_its_limit():
    jobs = [lambda stop, text=each.text: run_python(text, 2.0, 256, stop=stop) for each in MEMORY]
    results = dict(zip([each.name for each in MEMORY], run_all(jobs), strict=True))
    assert not [name for name, result in results.items() if "BREACH" in result.stdout]
    assert results["pipes of huge pages"].reason == "exception: PermissionError: [Errno 1] vmsplice"
    assert not [name for name, result in results.items() if result.reason.startswith("sandbox") or result.seconds > 6]


def test_what_a_program_names_does_not_hold_up_who_watches_it():
    program = next(each for each in MEMORY if each.name == "deep paths for whoever reads its mappings")
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    result = run_python(program.text, 5.0, 256)
    assert result.reason.startswith("memory")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024
    assert time.monotonic() - start < 5


@pytest.mark.skipif(os.geteuid() != 0, reason="other users may look at what is theirs")
def test_programs_are_not_shut_in_where_they_cannot_be_watched():
    # As root in a container that has not the right to look into processes of other users.
    without = ["setpriv", "--bounding-set", "-sys_ptrace", "--inh-caps", "-sys_ptrace", sys.executable, "-c"]
    said = subprocess.run([*without, "import emlit.sandbox as s; s.isolation()"], capture_output=True, text=True)
    assert said.returncode != 0
    assert "what it uses cannot be seen" in said.stderr
    assert "--cap-add SYS_PTRACE" in said.stderr


@pytest.mark.parametrize("name", ["a link in the place of its scratch folder", "changes settings of the kernel"])
def test_what_is_outside_stays_as_it_is(level, name, tmp_path):
    program = next(each for each in FILES if each.name == name)
    (tmp_path / "secret").write_text("x")
    tmp_path.chmod(0o511)
    names = {"FILE": str(tmp_path / "secret"), "NAME": tmp_path.name, "OUTSIDE": str(tmp_path)}
    assert "BREACH" not in run_python(preamble(**names) + program.text, 5.0, level=level).stdout
    assert (tmp_path.stat().st_mode & 0o777, os.listdir(tmp_path)) == (0o511, ["secret"])
    tmp_path.chmod(0o755)


@pytest.mark.parametrize("program", [each for each in LIVES if "guards it" in each.name], ids=lambda each: each.name)
def test_a_daemon_ends_with_the_program_that_killed_its_guard(closed, program):
    seconds = f"{os.getpid()}{len(program.name)}"
    run_python(program.text.replace('"600"', repr(seconds)), 5.0, level=closed)
    assert not [each for each in filter(str.isdigit, os.listdir("/proc")) if seconds.encode() in _command(each)]


def _command(process):
    try:
        with open(f"/proc/{process}/cmdline", "rb") as file:
            return file.read()
    except OSError:
        return b""
