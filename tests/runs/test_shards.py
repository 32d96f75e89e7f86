import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_two_processes_hold_a_model_in_shards(tmp_path):
    """shards.py says what of it: heads, gradients, reading, adapters."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    subprocess.run(
        [*command, "-m", "tests.runs.shards", str(tmp_path)],
        cwd=ROOT, check=True, timeout=300, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
