"""One sandboxed process: started, read from, and ended with all that it started."""

import contextlib
import hashlib
import json
import os
import secrets
import signal
import socket
import subprocess
import tempfile
import time
from typing import Any

from emlit.sandbox import tree, view
from emlit.sandbox.identity import fresh_uid
from emlit.sandbox.levels import Level, python
from emlit.sandbox.limits import MIB, ExecutionResult, Limits
from emlit.sandbox.syscalls import seccomp_filter

_CHUNK = 2**16
_LONGEST_REPORT = 2**14


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
    """

    def __init__(
        self, level: Level, role: str, work: dict[str, Any], limits: Limits, stdin: bytes = b"",
        peer: socket.socket | None = None,
    ) -> None:  # fmt: skip
        self.limits, self.level = limits, level
        self.verdict: str | None = None
        self.started: float | None = None
        self._uid = None if level.own_user else fresh_uid()
        self._key = secrets.token_hex(32).encode()
        self._output = {"stdout": bytearray(), "stderr": bytearray()}
        self._discarded = 0
        self._ended = 0.0
        self._lines = b""
        self._inner: int | None = None  # the first process of its namespace, and a handle of it
        self._inner_handle: int | None = None
        self._scratch = None if level.namespaces else self._scratch_folder()
        self._control, theirs = socket.socketpair()
        try:
            self._popen = self._start(role, work, stdin, theirs, peer)
        except BaseException:
            self._control.close()
            self._remove_scratch()
            raise
        finally:
            theirs.close()
        self._handle = os.pidfd_open(self._popen.pid)
        self.streams = {
            self._popen.stdout.fileno(): "stdout", self._popen.stderr.fileno(): "stderr",
            self._control.fileno(): "control", self._handle: "exit",
        }  # fmt: skip
        for descriptor in self.streams:
            os.set_blocking(descriptor, False)

    def _start(
        self, role: str, work: dict[str, Any], stdin: bytes, control: socket.socket, peer: socket.socket | None
    ) -> subprocess.Popen:
        refused = seccomp_filter()
        own = None if refused is None or self.level.takes_filter else refused.hex()
        whole = {
            **work, "filter": own, "guarded": not self.level.namespaces, "rlimits": self._rlimits(),
            "packages": view.packages(),
        }  # fmt: skip
        with contextlib.ExitStack() as opened:
            job, read, by_tool = (
                opened.enter_context(_in_memory(content))
                for content in (json.dumps(whole).encode(), stdin, refused or b"")
            )
            takes_filter = self.level.takes_filter and refused is not None
            command = self.level.command(self.limits, self._uid, by_tool.fileno() if takes_filter else None)
            words = [control.fileno(), job.fileno(), -1 if peer is None else peer.fileno()]
            passed = [word for word in words if word >= 0] + [by_tool.fileno()] * takes_filter
            return subprocess.Popen(
                [*command, *python(self.level, role), *map(str, words)], stdin=read, stdout=subprocess.PIPE,
                stderr=subprocess.PIPE, env=view.environment(self._scratch or view.SCRATCH), pass_fds=passed,
                start_new_session=True, cwd=self._scratch or "/",
            )  # fmt: skip

    def _rlimits(self) -> dict[str, int]:
        most = self.limits.processes
        if not self.level.namespaces and self._uid is None:
            most += tree.threads_of_user()  # the kernel counts them all together
        return {**self.limits.rlimits(), "RLIMIT_NPROC": most}

    def _scratch_folder(self) -> str:
        folder = tempfile.mkdtemp(prefix="emlit-sandbox-")
        if self._uid is not None:
            os.chown(folder, self._uid, self._uid)
        return folder

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
            room = int(self.limits.output_kb * 1024) - len(kept)
            kept += content[: max(room, 0)]
            self._discarded += max(len(content) - max(room, 0), 0)
            if self._discarded > self.limits.discarded_mb * MIB:
                self.end(f"output: more than {self.limits.discarded_mb} MiB past what is kept")
        return bool(content)

    def _take_reports(self, content: bytes) -> None:
        self._lines += content
        while b"\n" in self._lines and self.verdict is None:
            line, _, self._lines = self._lines.partition(b"\n")
            try:
                report = json.loads(line)
                self._take_report(report)
            except (ValueError, TypeError, AttributeError, RecursionError):
                self.end("protocol: a report that is none of ours")
        if len(self._lines) > _LONGEST_REPORT:
            self.end("protocol: a report that is none of ours")

    def _take_report(self, report: dict[str, Any]) -> None:
        if self.started is None:
            if report.get("ready") is True:
                self._find_inner()
                self.started = time.monotonic()
                with contextlib.suppress(OSError):  # it is gone already, and its exit says why
                    self._control.send(self._key)
        elif report["end"] == "ok":
            proof = hashlib.blake2b(key=self._key).hexdigest()
            right = secrets.compare_digest(str(report.get("proof")).encode(), proof.encode())
            self.end("ok" if right else "protocol: an end without its proof")
        else:
            self.end(" ".join(f"{report['end']!s:.20}: {report.get('detail')!s:.500}".split()))

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
            self.verdict = reason
            self._ended = time.monotonic()

    def watch(self) -> None:
        """End it where all its processes together, or its scratch folder, are past the limits."""
        if self.started is None or self.verdict is not None:
            return
        root = self._inner or self._popen.pid
        used = tree.memory(root, int(self.limits.memory_mb * MIB))
        scratch_bytes, scratch_files = tree.scratch_use(root, self._scratch)
        if used + scratch_bytes > (self.limits.memory_mb + self.limits.scratch_mb) * MIB:
            self.end(f"memory: its processes use more than {self.limits.memory_mb} MiB together")
        elif scratch_files > self.limits.scratch_files or scratch_bytes > self.limits.scratch_mb * MIB:
            self.end("scratch: more files or bytes than the scratch folder takes")

    def kill(self) -> None:
        """End the process and all that it started, and wait until they are gone; may be called twice."""
        if not self.streams:
            return
        self._find_inner()
        tree.end_whole(self._popen, self._handle, self._inner_handle, self._uid, self._scratch)
        self._drain()
        self.streams = {}
        for pipe in (self._popen.stdout, self._popen.stderr, self._control):
            pipe.close()
        for handle in (self._handle, self._inner_handle):
            if handle is not None:
                os.close(handle)
        self._remove_scratch()

    def _find_inner(self) -> None:
        if self.level.namespaces and self._inner_handle is None and self._popen.returncode is None:
            self._inner = tree.first_child(self._popen.pid)
            with contextlib.suppress(OSError):
                self._inner_handle = None if self._inner is None else os.pidfd_open(self._inner)

    def _drain(self) -> None:
        """What is still in the pipes, of a process that is no more."""
        for descriptor, name in self.streams.items():
            for _ in range(64):
                if name == "exit" or not tree.readable(descriptor) or not self.read(descriptor):
                    break

    def _remove_scratch(self) -> None:
        if self._scratch is not None:
            # Folders may lie deeper in one another than Python's own removal goes.
            for command in (["chmod", "-R", "u+rwx"], ["rm", "-rf"]):
                subprocess.run([*command, "--", self._scratch], capture_output=True, check=False)

    def result(self) -> ExecutionResult:
        """How it ended; to be asked after `kill`."""
        seconds = 0.0 if self.started is None or self.verdict is None else self._ended - self.started
        reason = self.verdict or "signal: killed from outside"
        return ExecutionResult(reason == "ok", reason, self.text("stdout"), self.text("stderr"), seconds)

    def text(self, name: str) -> str:
        """What it wrote to "stdout" or "stderr"."""
        text = bytes(self._output[name]).decode(errors="replace")
        return text.removesuffix(self.level.noise) if name == "stderr" else text


def _in_memory(content: bytes) -> Any:
    """An open file that has no name."""
    file = os.fdopen(os.memfd_create("sandbox", os.MFD_CLOEXEC), "w+b")
    file.write(content)
    file.seek(0)
    return file
