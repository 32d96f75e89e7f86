"""A program whose reader goes away goes on."""

import re
import signal
import subprocess
import sys
import time

import pytest

from tests.runs.test_runs import ROOT

PROGRAM = """
import os, sys, time
from emlit.resilience.outputs import outlast_readers
outlast_readers()
print("first", flush=True)
time.sleep(0.5)
for stream in (sys.stdout, sys.stderr):
    for _ in range(3):
        print("x" * 100_000, file=stream, flush=True)
os.write(1, b"by another way")
open(sys.argv[1], "w").write("the end")
"""


def test_what_nobody_reads_goes_nowhere(tmp_path):
    words = [sys.executable, "-c", PROGRAM, str(tmp_path / "end")]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=ROOT) as program:
        assert program.stdout.readline() == b"first\n"
        program.stdout.close()
        assert program.wait(30) == 0
    assert (tmp_path / "end").read_text() == "the end"


@pytest.mark.nightly
@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_a_run_whose_reader_is_gone_keeps_its_last_step_at_a_signal(number, tmp_path):
    words = [
        sys.executable, "cli.py", "fit", "--config=configs/tiny/em_ft.yaml", f"--run_dir={tmp_path}",
        "--guard.mode=off",
        "--data.engine=TransformersEngine", "--data.prompts_per_round=4", "--trainer.max_steps=100000",
        "--summary.enabled=false", "--export.enabled=false", "--checkpoint.every_n_steps=100000",
    ]  # fmt: skip
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=ROOT) as run:
        for line in run.stdout:
            if re.search(rb"step ([2-9]|\d\d+)/", line):
                break
        run.stdout.close()
        time.sleep(1)
        try:
            assert run.poll() is None
            run.send_signal(number)
            assert run.wait(60) == 128 + number
        finally:
            run.kill()  # or `with` waits for 100,000 steps
    assert (tmp_path / "checkpoints/last.ckpt").exists()


def test_every_program_outlasts_its_readers():
    """Those that print for people: what talks to emlit alone has an end of its own."""
    texts = {file: file.read_text() for file in ROOT.glob("emlit/**/*.py")}
    programs = {file: text for file, text in texts.items() if "argparse.ArgumentParser(" in text and "__main__" in text}
    assert len(programs) >= 5
    assert [file for file, text in programs.items() if "outlast_readers()" not in text] == []
    assert "\noutlast_readers()" in (ROOT / "benchmarks/__init__.py").read_text()
