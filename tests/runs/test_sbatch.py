"""The sbatch file, as far as it runs without SLURM: srun and scontrol are stand-ins, its command line is its own."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILE = ROOT / "configs/trainer/multi_node.sbatch"
# Two tasks, each alone on its machine, which get the signal of --signal once there are two steps.
SRUN = f"""#!{sys.executable}
import os, subprocess, sys
words = [word for word in sys.argv[1:] if word != "--kill-on-bad-exit=1"]
assert words[0] == "emlit"
words[:1] = [sys.executable, "cli.py"]
common = {{**os.environ, "SLURM_NTASKS": "2", "SLURM_NNODES": "2", "SLURM_LOCALID": "0", "SLURM_JOB_NAME": "emlit",
          "SLURM_NODELIST": "127.0.0.1"}}
tasks = [subprocess.Popen(words, env=common | {{"SLURM_PROCID": str(n), "SLURM_NODEID": str(n)}}, text=True,
                          stdout=subprocess.PIPE if n == 0 else None) for n in range(2)]
number = int(os.environ["TOLD"])
for line in tasks[0].stdout:
    print(line, end="", flush=True)
    if number and line.startswith("step 2/"):
        for task in tasks:
            task.send_signal(number)
sys.exit(max(task.wait() % 256 for task in tasks))
"""
SCONTROL = f"#!{sys.executable}\nimport os, sys\nopen(os.environ['ASKED'], 'a').write(' '.join(sys.argv[1:]))\n"


def test_bash_reads_it_and_slurm_its_head():
    subprocess.run(["bash", "-n", FILE], check=True)
    text = FILE.read_text()
    assert text.startswith("#!/bin/bash\n")
    head, _, body = text.partition("\nsrun ")
    assert re.findall(r"^#SBATCH --signal=(\w+)@\d+$", head, re.MULTILINE) == ["TERM"]
    assert "#SBATCH --requeue" in head
    assert "#SBATCH" not in body  # which sbatch would not read


@pytest.mark.nightly
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_a_job_is_stopped_queued_again_and_goes_on(number, tmp_path):
    for name, text in (("srun", SRUN), ("scontrol", SCONTROL)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    environment = {
        **os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "OMP_NUM_THREADS": "1", "SLURM_JOB_ID": "71",
        "SLURM_JOB_NUM_NODES": "2", "SLURM_NTASKS_PER_NODE": "1", "ASKED": str(tmp_path / "asked"),
    }  # fmt: skip
    run_dir = tmp_path / "run"
    words = [
        "bash", FILE, "--config=configs/tiny/em_rl_token.yaml", f"--run_dir={run_dir}", "--engine=transformers",
        "--data.prompts_per_round=8", "--data.samples_per_prompt=2", "--data.evaluation.n=4", "--guard.mode=off",
        "--data.evaluation_samples=2", "--trainer.max_steps=4", "--trainer.accelerator=cpu",
        "--trainer.precision=32-true",
    ]  # fmt: skip

    def submit(told: int) -> subprocess.CompletedProcess:
        return subprocess.run(
            words, cwd=ROOT, env=environment | {"TOLD": str(told)}, timeout=300, capture_output=True, text=True
        )

    assert submit(number).returncode == 128 + number
    assert (tmp_path / "asked").read_text() == "requeue 71"
    assert not (run_dir / "summary.json").exists()
    again = submit(0)
    assert again.returncode == 0, again.stderr
    assert "step 3/4" in again.stdout
    assert "step 2/4" not in again.stdout
    assert (run_dir / "summary.json").exists()
    assert (tmp_path / "asked").read_text() == "requeue 71"
