"""How much memory and scratch space the processes of a sandbox use. What they may have named is read as bytes.

Everything here may have been made by the program: no read is without a bound, and what cannot be read is not nothing.
"""

import os
import re
import secrets
import stat
import time
from collections.abc import Iterator

from emlit.sandbox.view import SCRATCH

_KB = re.compile(rb"^(?:VmRSS|VmSwap|VmPTE|Pss|SwapPss):\s+(\d+) kB$", re.MULTILINE)
_PARENT = re.compile(rb"^PPid:\s+(\d+)$", re.MULTILINE)
_LONGEST = 0.2  # seconds
_PIECE = 2**16
_PIPE_BYTES = 2**16  # what the kernel keeps for one, at most
_PROC_BYTES = 2**14  # and for an open file of /proc, while none of the paths that it prints is longer
_MAPPING_BYTES = 256


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

    Raises:
        PermissionError: one of its processes does not let itself be looked at
    """
    proc = os.path.join("/proc", str(process), "root", "proc")  # as the sandbox sees it
    # By threads: the first may be gone while others have the memory, and each may have files of its own.
    found = [f"{proc}/{name}/task" for name in _names(proc) if name.isdigit()]
    processes = [[f"{tasks}/{task}" for task in _names(tasks)] for tasks in found]
    buffers = _buffers([task for tasks in processes for task in tasks], proc, limit) + _mappings(processes, limit)
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


def _buffers(tasks: list[str], proc: str, limit: int) -> int:
    """Bytes that the kernel may keep for what is open, or as many as are past the limit."""
    socket_bytes = int(_content("/proc/sys/net/core/wmem_default") or 212_992)
    device = os.stat(proc).st_dev if tasks else 0
    used, found = 0, set()
    for task in tasks:
        for number in _names(f"{task}/fd"):
            try:
                what = os.stat(f"{task}/fd/{number}")
            except (FileNotFoundError, ProcessLookupError):  # closed meanwhile
                continue
            if what.st_dev == device:
                used += _PROC_BYTES
            elif (what.st_dev, what.st_ino) not in found:
                found.add((what.st_dev, what.st_ino))
                used += socket_bytes if stat.S_ISSOCK(what.st_mode) else _PIPE_BYTES * stat.S_ISFIFO(what.st_mode)
        if used > limit:  # there may be thousands more, and meanwhile they grow
            break
    return used


def _mappings(processes: list[list[str]], limit: int) -> int:
    """Bytes that the kernel keeps for what is mapped, as far as a look has come, or as many as are past the limit.

    A path that is too long is past it: whoever reads of the mapping has the kernel hold megabytes. Each look begins at
    another process, and leaves the run's own random numbers alone.
    """
    used, until, start = 0, time.monotonic() + _LONGEST, secrets.randbelow(len(processes)) if processes else 0
    for tasks in processes[start:] + processes[:start]:
        for task in tasks:
            count = 0
            for piece in _pieces(f"{task}/maps"):
                lines = piece.split(b"\n")
                if max(map(len, lines)) > _PROC_BYTES:
                    return limit + 1
                count += len(lines) - 1
                if used + _MAPPING_BYTES * count > limit or time.monotonic() > until:
                    return used + _MAPPING_BYTES * count
            if count:
                used += _MAPPING_BYTES * count
                break
    return used


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except (FileNotFoundError, ProcessLookupError):
        return []


def _pieces(path: str) -> Iterator[bytes]:
    try:
        with open(path, "rb", buffering=0) as file:
            while piece := file.read(_PIECE):
                yield piece
    except (FileNotFoundError, ProcessLookupError):
        return


def _content(path: str) -> bytes:
    """Its beginning, which is all of what is read here."""
    return next(_pieces(path), b"")


def scratch_use(process: int) -> tuple[int, int]:
    """Bytes and files of the scratch folder that a process sees."""
    try:
        found = os.statvfs(f"/proc/{process}/root{SCRATCH}")
    except (FileNotFoundError, ProcessLookupError):
        return 0, 0
    return (found.f_blocks - found.f_bfree) * found.f_frsize, found.f_files - found.f_ffree
