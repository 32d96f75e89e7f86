"""How much memory and scratch space the processes of a sandbox use. What they may have named is read as bytes."""

import contextlib
import os
import re
import secrets
import time

from emlit.sandbox.view import SCRATCH

_KB = re.compile(rb"^(?:VmRSS|VmSwap|VmPTE|Pss|SwapPss):\s+(\d+) kB$", re.MULTILINE)
_PARENT = re.compile(rb"^PPid:\s+(\d+)$", re.MULTILINE)
_LONGEST = 0.2  # seconds
_PIPE_BYTES = 2**16  # what the kernel keeps for one, at most
_MAPPING_BYTES = 256
_FEW = 8  # processes, whose mappings come to 16 MiB each at most


def parent(process: int) -> int:
    """The id of a process's parent; OSError where the process is gone."""
    if (found := _PARENT.search(_content(f"/proc/{process}/status"))) is None:
        raise ProcessLookupError(process)
    return int(found[1])


def memory(process: int, limit: int) -> int:
    """Bytes of a sandbox, or as many as are past the limit; there, pages that processes share are counted once.

    That only as long as it is quick: processes that keep changing their mappings hold up who counts.

    Args:
        process: the first of its namespace
        limit: bytes
    """
    proc = os.path.join("/proc", str(process), "root", "proc")  # as the sandbox sees it
    # By threads: the first may be gone while others have the memory, and each may have files of its own.
    found = [f"{proc}/{name}/task" for name in _names(proc) if name.isdigit()]
    processes = [[f"{tasks}/{task}" for task in _names(tasks)] for tasks in found]
    buffers = _buffers([task for tasks in processes for task in tasks], limit)
    if len(processes) > _FEW:
        buffers += _mappings(processes, limit)
    if buffers > limit:
        return buffers
    resident = sum(_size(tasks, "status") for tasks in processes)
    if buffers + resident <= limit:
        return buffers + resident
    used, until = buffers, time.monotonic() + _LONGEST
    for tasks in processes:
        used += (time.monotonic() < until and _size(tasks, "smaps_rollup")) or _size(tasks, "status")
        if used > limit:
            break
    return used


def _size(tasks: list[str], file: str) -> int:
    """Bytes of a process, by the first of its threads that still has its memory."""
    sizes = (1024 * sum(map(int, _KB.findall(_content(f"{task}/{file}")))) for task in tasks)
    return next(filter(None, sizes), 0)


def _buffers(tasks: list[str], limit: int) -> int:
    """Bytes that the kernel may keep for what is open, or as many as are past the limit."""
    kinds = {b"socket": int(_content("/proc/sys/net/core/wmem_default") or 212_992), b"pipe": _PIPE_BYTES}
    used, found = 0, set()
    for task in tasks:
        for number in _names(f"{task}/fd"):
            with contextlib.suppress(OSError):
                name = os.readlink(f"{task}/fd/{number}".encode())
                if name not in found:
                    found.add(name)
                    used += kinds.get(name.partition(b":")[0], 0)
        if used > limit:  # there may be thousands more, and meanwhile they grow
            break
    return used


def _mappings(processes: list[list[str]], limit: int) -> int:
    """Bytes that the kernel keeps for what is mapped, as far as a look has come, or as many as are past the limit.

    Each look begins at another process, and leaves the run's own random numbers alone.
    """
    used, until, start = 0, time.monotonic() + _LONGEST, secrets.randbelow(len(processes))
    for tasks in processes[start:] + processes[:start]:
        used += _MAPPING_BYTES * next(filter(None, (_content(f"{task}/maps").count(b"\n") for task in tasks)), 0)
        if used > limit or time.monotonic() > until:
            break
    return used


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _content(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def scratch_use(process: int) -> tuple[int, int]:
    """Bytes and files of the scratch folder that a process sees."""
    try:
        found = os.statvfs(f"/proc/{process}/root{SCRATCH}")
    except OSError:
        return 0, 0
    return (found.f_blocks - found.f_bfree) * found.f_frsize, found.f_files - found.f_ffree
