"""Programs that hold memory where nothing counts it, start processes, or replace their scratch folder."""

import os
import subprocess
import sys

import pytest

from benchmarks.hostile.files import FILES
from benchmarks.hostile.memory import MEMORY
from benchmarks.hostile.program import preamble
from benchmarks.hostile.resources import RESOURCES
from emlit.sandbox import run_all, run_python


def test_no_program_makes_another_process(closed):
    program = next(each for each in RESOURCES if each.name.startswith("a process of its own"))
    result = run_python(program.text, 5.0, level=closed)
    assert (result.reason, result.stdout) == ("ok", "")


def test_no_program_holds_memory_past_its_limit():
    jobs = [lambda stop, text=each.text: run_python(text, 2.0, 256, stop=stop) for each in MEMORY]
    results = dict(zip([each.name for each in MEMORY], run_all(jobs), strict=True))
    assert not [name for name, result in results.items() if "BREACH" in result.stdout]
    assert results["pipes of huge pages"].reason == "exception: PermissionError: [Errno 1] vmsplice"
    assert not [name for name, result in results.items() if result.reason.startswith("sandbox") or result.seconds > 6]


@pytest.mark.skipif(os.geteuid() != 0, reason="other users have not got it")
def test_root_needs_no_right_to_look_into_other_users_processes(closed):
    without = ["setpriv", "--bounding-set", "-sys_ptrace", "--inh-caps", "-sys_ptrace", sys.executable, "-c"]
    named = f"next(level for level in ISOLATING if level.name == {closed.name!r})"
    code = f"from emlit.sandbox.levels import *; from emlit.sandbox.isolation import probe; print(probe({named}))"
    said = subprocess.run([*without, code], capture_output=True, text=True)
    assert said.stdout == "None\n", said.stderr


@pytest.mark.parametrize("name", ["a link in the place of its scratch folder", "changes settings of the kernel"])
def test_what_is_outside_stays_as_it_is(level, name, tmp_path):
    program = next(each for each in FILES if each.name == name)
    (tmp_path / "secret").write_text("x")
    tmp_path.chmod(0o511)
    names = {"FILE": str(tmp_path / "secret"), "NAME": tmp_path.name, "OUTSIDE": str(tmp_path)}
    assert "BREACH" not in run_python(preamble(**names) + program.text, 5.0, level=level).stdout
    assert (tmp_path.stat().st_mode & 0o777, os.listdir(tmp_path)) == (0o511, ["secret"])
    tmp_path.chmod(0o755)
