"""Does a long run grow, and does it leave processes behind?"""

import contextlib
import ctypes
import gc
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import lightning as L
import torch

from benchmarks.measure import resident, table

MIB = 2**20


class MemoryLog(L.Callback):
    """Appends the resident bytes of this process after each optimiser step to `memory.jsonl` in the run's directory.

    What was freed is given back first: what an allocator keeps for later goes up and down by tens of MiB.
    """

    def __init__(self) -> None:
        self.step = 0

    def on_train_batch_end(self, trainer: L.Trainer, *_: Any) -> None:
        if trainer.global_step != self.step:
            self.step = trainer.global_step
            gc.collect()
            ctypes.CDLL(None).malloc_trim(0)
            with (Path(trainer.default_root_dir) / "memory.jsonl").open("a") as file:
                file.write(json.dumps({"step": self.step, "bytes": resident()}) + "\n")


def slope(values: list[float]) -> float:
    """Of the least-squares line through equally spaced values, per place."""
    places = torch.arange(len(values), dtype=torch.float64)
    places -= places.mean()
    return float((places @ torch.tensor(values, dtype=torch.float64)) / (places @ places))


def left_in_session(session: int) -> list[str]:
    """The commands of the processes that still belong to a session."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, ProcessLookupError):
                if os.getsid(int(entry.name)) == session:
                    found.append((entry / "comm").read_text().strip())
    return found


def steady(directory: Path, rounds: int, engines: list[str]) -> str:
    """One run an engine, in a session of its own."""
    rows = []
    for engine in engines:
        run_dir = directory / engine
        command = [
            sys.executable, "cli.py", "fit", "--config", "configs/tiny/em_rl_token.yaml", f"--run_dir={run_dir}",
            f"--data.engine={engine}", "--data.train.n=512", "--data.evaluation.n=4", "--data.evaluation_samples=2",
            "--data.prompts_per_round=4", "--data.samples_per_prompt=2", "--model.learning_rate=1e-6",
            f"--trainer.max_steps={rounds}", "--trainer.callbacks+=benchmarks.steady.MemoryLog",
        ]  # fmt: skip
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        errors = process.communicate()[1]
        time.sleep(1)  # whoever is told to end at the end gets to it
        left = left_in_session(process.pid)
        if process.returncode:
            raise SystemExit(f"{' '.join(command)} ended with {process.returncode}:\n{errors[-4000:]}")
        sizes = [json.loads(line)["bytes"] for line in (run_dir / "memory.jsonl").read_text().splitlines()]
        second = sizes[len(sizes) // 2 :]
        rows.append(
            [engine, str(rounds), f"{sizes[0] / MIB:.0f}", f"{second[0] / MIB:.0f}", f"{sizes[-1] / MIB:.0f}",
             f"{slope(second) / 1024:.1f}", ", ".join(left) or "none"]
        )  # fmt: skip
    header = [
        "engine", "rounds", "resident after the first, MiB", "half-way, MiB", "at the end, MiB",
        "slope over the second half, KiB a round", "processes left",
    ]  # fmt: skip
    return table(header, rows)
