"""One sandboxed process: started, read from, and ended."""

import contextlib
import hashlib
import os
import re
import resource
import secrets
import select
import signal
import socket
import struct
import time
from typing import Any

from emlit.printable import printable
from emlit.sandbox import view
from emlit.sandbox.launch import launched, remove
from emlit.sandbox.levels import Level
from emlit.sandbox.limits import MIB, ExecutionResult, Limits

# All that a sandboxed process may say of itself, in lines. The program may have written them.
REPORT = re.compile(
    rb"(?P<ready>ready)"
    rb"|ok (?P<proof>[0-9a-f]{128})"
    rb"|(?P<end>(?:exception|exit|memory|solution (?:crossing|exit|protocol)): [^\n]{0,4000})"
)
_LONGEST = 4096
_CHUNK = 2**16
_CREDENTIALS = socket.CMSG_SPACE(12)  # process, user and group of who sent a message
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
        self._proof = None if role == "solution" else hashlib.blake2b(key=self._key).hexdigest().encode()
        self._output = {"stdout": bytearray(), "stderr": bytearray()}
        self._discarded, self._ended, self._lines, self._killed = 0, 0.0, b"", False
        self._first = self._scratch = -1  # descriptors of the first process of its namespace, and of its scratch folder
        started = launched(level, role, work, limits, stdin, peer)
        self._popen, self._handle, self._control, self._folder = started
        stdout, stderr = self._popen.stdout, self._popen.stderr
        assert stdout is not None
        assert stderr is not None
        self._pipes = stdout, stderr, self._control
        self.streams = {
            stdout.fileno(): "stdout", stderr.fileno(): "stderr",
            self._control.fileno(): "control", self._handle: "exit",
        }  # fmt: skip
        for descriptor in self.streams:
            os.set_blocking(descriptor, False)

    def read(self, descriptor: int) -> bool:
        """Take what a descriptor has to say; False where it will say no more."""
        name = self.streams[descriptor]
        if name == "exit":
            self._drain()
            ended = os.waitid(os.P_PIDFD, self._handle, os.WEXITED | os.WNOWAIT)
            assert ended is not None  # without WNOHANG it waits
            self.end(self._ended_by(ended.si_status, ended.si_code != os.CLD_EXITED))
            return False
        try:
            if name == "control":
                content, said_by, *_ = self._control.recvmsg(_CHUNK, _CREDENTIALS)
            else:
                content = os.read(descriptor, _CHUNK)
        except BlockingIOError:
            return True
        except OSError:
            return False
        if name == "control":
            self._take_reports(content, struct.unpack_from("i", said_by[0][2])[0] if said_by else 0)
        elif content:
            kept = self._output[name]
            room = max(int(self.limits.output_kb * 1024) - len(kept), 0)
            kept += content[:room]
            self._discarded += max(len(content) - room, 0)
            if self._discarded > self.limits.discarded_mb * MIB:
                self.end(f"output: more than {self.limits.discarded_mb} MiB past what is kept")
        return bool(content)

    def _take_reports(self, content: bytes, said_by: int) -> None:
        """Of a process of the sandbox, by its id here, as the kernel tells it."""
        *lines, self._lines = (self._lines + content).split(b"\n")
        for line in lines if len(self._lines) <= _LONGEST else [*lines, self._lines]:
            report = REPORT.fullmatch(line)
            if report is None or (report["ready"] is None) == (self.started is None):
                self.end("protocol: a report that is none of ours")
            elif report["ready"]:
                self._begin(said_by)
            elif report["proof"]:
                self.end("ok" if report["proof"] == self._proof else "protocol: an end without its proof")
            else:
                self.end(report["end"].decode("utf-8", "backslashreplace"))

    def _begin(self, process: int) -> None:
        """It is about to start the program, and waits for the key."""
        if self._killed:  # unheard, as the other one of its pair has a verdict
            return
        self.started = time.monotonic()
        if self.level.isolates:
            try:
                first = _parent(process)  # the tool's, or its shell
                self._first = os.pidfd_open(first)
                self._scratch = os.open(f"/proc/{first}/root{view.SCRATCH}", os.O_PATH)
            except OSError as error:
                self.end(f"sandbox: its first process cannot be watched: {error}")
                return
            # Its own limits, whatever a program may do to it.
            for name, most in self.limits.rlimits().items():
                with contextlib.suppress(OSError):
                    resource.prlimit(first, getattr(resource, name), (most, most))
        with contextlib.suppress(OSError):  # it is gone already, and its exit says why
            self._control.send(self._key)

    def _ended_by(self, status: int, by_signal: bool) -> str:
        if self.started is None:
            said = bytes(self._output["stderr"]).decode(errors="replace").strip().splitlines()
            return "sandbox: it did not start" + (f": {said[-1]:.200}" if said else "")
        number = status if by_signal else status - 128
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
        """End it where its scratch folder has more files than its limit."""
        if self._scratch >= 0:
            found = os.fstatvfs(self._scratch)
            if found.f_files - found.f_ffree > self.limits.scratch_files:
                self.end("scratch: more files than the scratch folder takes")

    def kill(self) -> None:
        """End the process and all that it started, and wait until they are gone; may be called twice."""
        if not self.streams:
            return
        self._killed = True
        with contextlib.suppress(OSError):
            os.killpg(self._popen.pid, signal.SIGKILL)
        if self._first >= 0:  # the kernel ends all others with it, and says that it is gone when they are
            with contextlib.suppress(OSError):
                signal.pidfd_send_signal(self._first, signal.SIGKILL)
            _readable(self._first, _PATIENCE)
        self._popen.wait()
        self._drain()
        self.streams = {}
        for pipe in self._pipes:
            pipe.close()
        for descriptor in (self._handle, self._first, self._scratch):
            if descriptor >= 0:
                os.close(descriptor)
        remove(self._folder)

    def _drain(self) -> None:
        """What is still in the pipes, of a process that is no more."""
        for descriptor, name in self.streams.items():
            for _ in range(64):
                if name == "exit" or not _readable(descriptor) or not self.read(descriptor):
                    break

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


def _parent(process: int) -> int:
    """The id of a process's parent; OSError where the process is gone."""
    with open(f"/proc/{process}/stat", "rb") as file:
        return int(file.read().rpartition(b")")[2].split()[1])
