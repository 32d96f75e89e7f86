"""The processes under a process: their memory, and their end."""

import contextlib
import os
import select
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from emlit.sandbox.view import SCRATCH

_PAGE = os.sysconf("SC_PAGE_SIZE")
_TO_GUARD = 1.0  # seconds for a guard to end what it guards
_PATIENCE = 5.0  # seconds that the kernel may take to end what was killed


def first_child(process: int) -> int | None:
    """The first child of a process; None where there is none."""
    return next(_children(process), None)


def _children(process: int) -> Iterator[int]:
    try:
        for thread in os.listdir(f"/proc/{process}/task"):
            with open(f"/proc/{process}/task/{thread}/children") as file:
                yield from map(int, file.read().split())
    except OSError:
        return


def under(process: int) -> list[int]:
    """A process and all under it."""
    found, left = [], [process]
    while left:
        found.append(left.pop())
        left.extend(_children(found[-1]))
    return found


def memory(process: int, limit: int) -> int:
    """Bytes of a process and all under it; pages that they share are counted once where the sum is past the limit."""
    processes = under(process)
    resident = sum(_resident(found) for found in processes)
    return resident if resident <= limit else sum(_proportional(found) for found in processes)


def _resident(process: int) -> int:
    try:
        with open(f"/proc/{process}/statm") as file:
            return int(file.read().split()[1]) * _PAGE
    except (OSError, IndexError):
        return 0


def _proportional(process: int) -> int:
    try:
        with open(f"/proc/{process}/smaps_rollup") as file:
            return 1024 * next(int(line.split()[1]) for line in file if line.startswith("Pss:"))
    except (OSError, StopIteration):
        return _resident(process)


def scratch_use(process: int, folder: str | None) -> tuple[int, int]:
    """Bytes and files of a scratch folder: a given one, or the one that a process sees."""
    if folder is not None:
        return _folder_use(folder)
    try:
        found = os.statvfs(f"/proc/{process}/root{SCRATCH}")
    except OSError:
        return 0, 0
    return (found.f_blocks - found.f_bfree) * found.f_frsize, found.f_files - found.f_ffree


def _folder_use(folder: str) -> tuple[int, int]:
    size, count, left = 0, 0, [folder]
    while left:
        with contextlib.suppress(OSError), os.scandir(left.pop()) as entries:
            for entry in entries:
                count += 1
                with contextlib.suppress(OSError):
                    size += entry.stat(follow_symlinks=False).st_blocks * 512
                if entry.is_dir(follow_symlinks=False):
                    left.append(entry.path)
    return size, count


def threads_of_user() -> int:
    """How many threads the user has, as RLIMIT_NPROC counts."""
    count = 0
    for process in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            if os.stat(f"/proc/{process}").st_uid == os.getuid():
                count += len(os.listdir(f"/proc/{process}/task"))
    return count


def end_whole(
    popen: subprocess.Popen, handle: int, inner: int | None, uid: int | None, scratch: str | None
) -> None:  # fmt: skip
    """Kill a sandbox and wait until nothing of it is left.

    Args:
        popen: the process that we started, the leader of its session
        handle: pidfd of it
        inner: pidfd of the first process of its namespace, whose end the kernel makes the end of all others; None
            without one
        uid: the user that only it runs as; None where there is none
        scratch: its scratch folder, without namespaces; what has it in its environment belongs to it
    """
    with contextlib.suppress(OSError):
        if inner is not None:
            signal.pidfd_send_signal(inner, signal.SIGKILL)
        elif popen.returncode is None:
            popen.terminate()  # where there is a guard, it ends the others first
            readable(handle, _TO_GUARD)
            os.killpg(popen.pid, signal.SIGKILL)
    if inner is not None:
        readable(inner, _PATIENCE)  # the kernel says so when all others are gone
    if popen.returncode is None and not readable(handle, _PATIENCE):
        popen.kill()
    popen.wait()
    if scratch is not None:
        _end_strays(uid, scratch)


def readable(descriptor: int, seconds: float = 0.0) -> bool:
    """Whether a descriptor can be read, or a pidfd's process is gone, within some seconds."""
    waiting = select.poll()
    waiting.register(descriptor, select.POLLIN)
    return bool(waiting.poll(seconds * 1000))


def _end_strays(uid: int | None, scratch: str) -> None:
    if uid is not None:
        # As that user, "all that I may signal" is the sandbox and nothing else.
        command = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "sh", "-c", "kill -KILL -1"]
        subprocess.run(command, capture_output=True, check=False)
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        strays = [found for found in map(int, filter(str.isdigit, os.listdir("/proc"))) if _stray(found, uid, scratch)]
        if not strays:
            return
        for stray in strays:
            with contextlib.suppress(OSError):
                os.kill(stray, signal.SIGKILL)
        time.sleep(0.01)


def _stray(process: int, uid: int | None, scratch: str) -> bool:
    try:
        with open(f"/proc/{process}/stat") as file:
            if file.read().rpartition(")")[2].split()[0] in "ZX":
                return False
        if uid is not None:
            return os.stat(f"/proc/{process}").st_uid == uid
        return f"TMPDIR={scratch}\0".encode() in Path(f"/proc/{process}/environ").read_bytes()
    except OSError:
        return False
