"""One sandboxed process: started, read from, and ended with all that it started."""

import contextlib
import fcntl
import hashlib
import json
import os
import resource
import secrets
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from typing import Any

from emlit.printable import printable
from emlit.sandbox import view, watch
from emlit.sandbox.filter import seccomp_filter
from emlit.sandbox.levels import Level, fresh_uid
from emlit.sandbox.limits import MIB, ExecutionResult, Limits
from emlit.sandbox.reports import LONGEST, parsed

_CHUNK = 2**16
_PATIENCE = 5.0  # seconds that the kernel may take to end what was killed


class Process:
    """A process at one isolation level, running one of the programs of `inside/`.

    Args:
        level: how it is shut in
        role: which program: "program", "solution" or "tests"
        work: what that program is to do, in plain data
        limits: its bounds
        stdin: what it reads from standard input
        peer: a socket to another sandboxed process

    Attributes:
        verdict: the reason that it ended for, None while it runs
        started: when it said that it was about to start the program; None before
        streams: what to wait on for reading, by file descriptor

    Raises:
        OSError: it cannot be started
    """

    def __init__(
        self, level: Level, role: str, work: dict[str, Any], limits: Limits, stdin: bytes = b"",
        peer: socket.socket | None = None,
    ) -> None:  # fmt: skip
        self.limits, self.level = limits, level
        self.verdict: str | None = None
        self.started: float | None = None
        self._key = secrets.token_hex(32).encode()
        self._proof = None if role == "solution" else hashlib.blake2b(key=self._key).hexdigest()
        self._output = {"stdout": bytearray(), "stderr": bytearray()}
        self._discarded, self._ended, self._lines = 0, 0.0, b""
        self._first: int | None = None  # the first process of its namespace, or the only one
        uid = fresh_uid()
        with contextlib.ExitStack() as passed, contextlib.ExitStack() as kept:
            self._folder = None if level.isolates else _scratch_folder(uid)
            kept.callback(self._remove_scratch)
            self._control, theirs = socket.socketpair()
            passed.enter_context(theirs)
            kept.callback(self._control.close)
            refused = seccomp_filter(alone=not level.isolates)
            whole = {
                **work, "filter": refused.hex(), "rlimits": limits.rlimits(), "packages": view.packages(), "uid": uid,
                "alone": not level.isolates,
                "reads_all": not level.isolates and uid is not None and view.closed_to_others(),
            }  # fmt: skip
            job, read, by_tool = (
                passed.enter_context(_in_memory(content)) for content in (json.dumps(whole).encode(), stdin, refused)
            )
            words = [theirs.fileno(), job.fileno(), -1 if peer is None else peer.fileno()]
            inside = view.MOUNTED if level.isolates else str(view.INSIDE)
            scratch = view.SCRATCH if self._folder is None else f"{self._folder}/scratch"
            # Isolated as by -I except that the hash seed of the environment counts; without `site`.
            python = [sys.executable, "-s", "-P", "-S", "-X", "utf8", f"{inside}/{role}.py", *map(str, words)]
            self._popen = subprocess.Popen(
                [*level.command(limits, by_tool.fileno()), *python], stdin=read, stdout=subprocess.PIPE,
                stderr=subprocess.PIPE, env=view.environment(scratch), start_new_session=True,
                pass_fds=[word for word in (*words, by_tool.fileno()) if word >= 0],
                cwd="/" if self._folder is None else scratch,
            )  # fmt: skip
            kept.pop_all()
        self._handle = os.pidfd_open(self._popen.pid)
        self.streams = {
            self._popen.stdout.fileno(): "stdout", self._popen.stderr.fileno(): "stderr",
            self._control.fileno(): "control", self._handle: "exit",
        }  # fmt: skip
        for descriptor in self.streams:
            os.set_blocking(descriptor, False)

    def read(self, descriptor: int) -> bool:
        """Take what a descriptor has to say; False where it will say no more."""
        name = self.streams[descriptor]
        if name == "exit":
            self._drain()
            self.end(self._ended_by(self._popen.wait()))
            return False
        try:
            content = os.read(descriptor, _CHUNK)
        except BlockingIOError:
            return True
        except OSError:
            return False
        if name == "control":
            self._take_reports(content)
        elif content:
            kept = self._output[name]
            room = max(int(self.limits.output_kb * 1024) - len(kept), 0)
            kept += content[:room]
            self._discarded += max(len(content) - room, 0)
            if self._discarded > self.limits.discarded_mb * MIB:
                self.end(f"output: more than {self.limits.discarded_mb} MiB past what is kept")
        return bool(content)

    def _take_reports(self, content: bytes) -> None:
        *lines, self._lines = (self._lines + content).split(b"\n")
        for line in lines if len(self._lines) <= LONGEST else [*lines, self._lines]:
            report = parsed(line)
            if report is None or report.ready != (self.started is None):
                self.end("protocol: a report that is none of ours")
            elif report.ready:
                self._begin()
            elif report.proof is not None:
                self.end("ok" if report.proof == self._proof else "protocol: an end without its proof")
            else:
                self.end(report.end)

    def _begin(self) -> None:
        """It is about to start the program, and waits for the key."""
        self._first = watch.first_child(self._popen.pid) if self.level.isolates else self._popen.pid
        self.started = time.monotonic()
        if self._first is None:
            self.end("sandbox: its first process cannot be found, so that its memory cannot be watched")
            return
        if self.level.isolates:
            # A program of the same user may write the memory of the first process.
            for name, most in self.limits.rlimits().items():
                with contextlib.suppress(OSError):
                    resource.prlimit(self._first, getattr(resource, name), (most, most))
        with contextlib.suppress(OSError):  # it is gone already, and its exit says why
            self._control.send(self._key)

    def _ended_by(self, status: int) -> str:
        if self.started is None:
            said = bytes(self._output["stderr"]).decode(errors="replace").strip().splitlines()
            return "sandbox: it did not start" + (f": {said[-1]:.200}" if said else "")
        number = -status if status < 0 else status - 128 if status > 128 else 0
        if number == signal.SIGXCPU:
            return "cpu: more than its seconds of CPU time"
        try:
            return f"signal: {signal.Signals(number).name}"
        except ValueError:
            return f"exit: {status} before its last line"

    def end(self, reason: str) -> None:
        """Note what ended it; what is noted first stays."""
        if self.verdict is None:
            self.verdict = printable(" ".join(reason.split()))
            self._ended = time.monotonic()

    def watch(self) -> None:
        """End it where all its processes together, or its scratch folder, are past the limits."""
        if self._first is None or self.verdict is not None:
            return
        used = watch.memory(self._first, self.level.isolates, int(self.limits.memory_mb * MIB))
        scratch_bytes, scratch_files = watch.scratch_use(self._first, self._folder)
        in_memory = scratch_bytes if self.level.isolates else 0
        if used + in_memory > (self.limits.memory_mb + self.limits.scratch_mb) * MIB:
            self.end(f"memory: its processes use more than {self.limits.memory_mb} MiB together")
        elif scratch_files > self.limits.scratch_files or scratch_bytes > self.limits.scratch_mb * MIB:
            self.end("scratch: more files or bytes than the scratch folder takes")

    def kill(self) -> None:
        """End the process and all that it started, and wait until they are gone; may be called twice."""
        if not self.streams:
            return
        first = None
        if self._popen.returncode is None:
            with contextlib.suppress(OSError):  # it has ended by itself
                child = watch.first_child(self._popen.pid)
                first = None if child is None else os.pidfd_open(child)
            self._popen.kill()
        if first is not None:  # the kernel ends all others with it, and says that it is gone when they are
            with contextlib.suppress(OSError):
                signal.pidfd_send_signal(first, signal.SIGKILL)
            _readable(first, _PATIENCE)
            os.close(first)
        self._popen.wait()
        self._drain()
        self.streams = {}
        for pipe in (self._popen.stdout, self._popen.stderr, self._control):
            pipe.close()
        os.close(self._handle)
        self._remove_scratch()

    def _drain(self) -> None:
        """What is still in the pipes, of a process that is no more."""
        for descriptor, name in self.streams.items():
            for _ in range(64):
                if name == "exit" or not _readable(descriptor) or not self.read(descriptor):
                    break

    def _remove_scratch(self) -> None:
        if self._folder is not None:
            # Folders may lie deeper in one another than Python's own removal goes. Neither command follows a link.
            closed = [] if os.geteuid() == 0 else [["chmod", "-R", "u+rwx"]]
            for command in (*closed, ["rm", "-rf"]):
                subprocess.run([*command, "--", self._folder], capture_output=True, check=False)

    def result(self) -> ExecutionResult:
        """How it ended; to be asked after `kill`."""
        seconds = 0.0 if self.started is None or self.verdict is None else self._ended - self.started
        reason = self.verdict or "signal: killed from outside"
        stdout, stderr = (bytes(self._output[name]).decode(errors="replace") for name in ("stdout", "stderr"))
        return ExecutionResult(reason == "ok", reason, stdout, stderr, seconds)


def _readable(descriptor: int, seconds: float = 0.0) -> bool:
    """Whether a descriptor can be read, or a pidfd's process is gone, within some seconds."""
    waiting = select.poll()
    waiting.register(descriptor, select.POLLIN)
    return bool(waiting.poll(seconds * 1000))


def _in_memory(content: bytes) -> Any:
    """An open file that has no name and never changes."""
    file = os.fdopen(os.memfd_create("sandbox", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING), "w+b")
    file.write(content)
    file.seek(0)
    fcntl.fcntl(file, fcntl.F_ADD_SEALS, fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_WRITE)
    return file


def _scratch_folder(uid: int | None) -> str:
    """A folder of ours with one in it that is the program's, which it cannot put anything else in the place of."""
    folder = tempfile.mkdtemp(prefix="emlit-sandbox-")
    os.chmod(folder, 0o711)
    os.mkdir(f"{folder}/scratch", 0o700)
    if uid is not None:
        os.chown(f"{folder}/scratch", uid, uid)
    return folder
