"""Starting a sandboxed process: its job, its rlimits and filter, and the line that it reports on."""

import contextlib
import fcntl
import json
import os
import socket
import subprocess
import sys
import tempfile
from typing import Any

from emlit.sandbox import view
from emlit.sandbox.filter import seccomp_filter
from emlit.sandbox.levels import Level, fresh_uid
from emlit.sandbox.limits import Limits


def launched(
    level: Level, role: str, work: dict[str, Any], limits: Limits, stdin: bytes, peer: socket.socket | None
) -> tuple[subprocess.Popen[bytes], int, socket.socket, str | None]:
    """Start a process, as `Process` describes it.

    Returns:
        It, a descriptor of it, the socket that it reports on, and the scratch folder, None where it has one in memory

    Raises:
        OSError: it cannot be started
    """
    uid = fresh_uid()
    with contextlib.ExitStack() as passed, contextlib.ExitStack() as kept:
        folder = None if level.isolates else tempfile.mkdtemp(prefix="emlit-sandbox-")
        kept.callback(remove, folder)
        as_user: dict[str, Any] = {}
        if folder is not None and uid is not None:
            os.chown(folder, uid, uid)
            as_user = {"user": uid, "group": uid, "extra_groups": []}
        control, theirs = socket.socketpair()
        control.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        passed.enter_context(theirs)
        kept.callback(control.close)
        refused = seccomp_filter() if level.isolates else b""
        by_itself = b"" if level.filters else refused
        rlimits = limits.rlimits()
        if not level.isolates and uid is None:
            del rlimits["RLIMIT_NPROC"]  # it counts all that the user has
        whole = {
            **work, "filter": by_itself.hex(), "rlimits": rlimits, "packages": view.packages(),
            "uid": uid if level.isolates else None,
        }  # fmt: skip
        job, read, by_tool = (
            passed.enter_context(_in_memory(content)) for content in (json.dumps(whole).encode(), stdin, refused)
        )
        words = [theirs.fileno(), job.fileno(), -1 if peer is None else peer.fileno()]
        inside = view.MOUNTED if level.isolates else str(view.INSIDE)
        # Isolated as by -I except that the hash seed of the environment counts; without `site`.
        python = [sys.executable, "-s", "-S", "-X", "utf8", f"{inside}/{role}.py", *map(str, words)]
        process = subprocess.Popen(
            [*level.command(limits, by_tool.fileno()), *python], stdin=read, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env=view.environment(folder or view.SCRATCH), start_new_session=True,
            pass_fds=[word for word in (*words, by_tool.fileno()) if word >= 0],
            cwd=folder or "/", umask=0o022, **as_user,
        )  # fmt: skip
        kept.enter_context(process)
        kept.callback(process.kill)
        handle = os.pidfd_open(process.pid)
        kept.pop_all()
    return process, handle, control, folder


def _in_memory(content: bytes) -> Any:
    """An open file that has no name and never changes."""
    file = os.fdopen(os.memfd_create("sandbox", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING), "w+b")
    file.write(content)
    file.seek(0)
    fcntl.fcntl(file, fcntl.F_ADD_SEALS, fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_WRITE)
    return file


def remove(folder: str | None) -> None:
    """Delete a scratch folder with all that is in it."""
    if folder is not None:
        # Folders may lie deeper in one another than Python's own removal goes. No link is followed.
        subprocess.run(["rm", "-rf", "--", folder], capture_output=True, check=False)
