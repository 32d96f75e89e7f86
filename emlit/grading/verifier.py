"""math-verify behind a time limit that holds in every thread and process.

math-verify keeps time with SIGALRM, which only a main thread may set, and which huge integers ignore. So the questions
go to a process of their own (`server.py`), one for each process that asks, started at the first question and again
after each one that took too long.
"""

import atexit
import contextlib
import json
import os
import select
import subprocess
import sys
import threading
import time
from functools import lru_cache
from itertools import accumulate
from pathlib import Path

SECONDS = 1.5  # of processor time for one pair
_WAITING = 5  # times as long by the clock, where others have the processor
_START_SECONDS = 120.0
_LONGEST = 1000
_DEEPEST = 20


class Verifier:
    """One process that compares pairs, one at a time; threads wait for each other."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self.seconds = seconds
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def equal(self, left: str, right: str, relative: float = 0.0, absolute: float = 0.0) -> bool:
        """Whether two LaTeX texts mean the same; False where that takes too long.

        Raises:
            RuntimeError: the installed math-verify is not one that this was written for
        """
        question = json.dumps([left, right, relative, absolute]).encode() + b"\n"
        with self._lock:
            # A process that was killed while it was idle gets a successor; one that fails at the question does not.
            for _ in range(2):
                process = self._running()
                assert process.stdin is not None
                try:
                    process.stdin.write(question)
                    process.stdin.flush()
                except OSError:
                    self.close()
                    continue
                answer = self._line(process, _WAITING * self.seconds)
                if answer is None:
                    self.close()
                elif answer.startswith(b"broken"):
                    raise RuntimeError(_broken(answer))
                return answer == b"1"
            return False

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is None:
            return self._process
        self.close()
        # -P: the directory of the script has modules of emlit's, which are not top-level ones.
        command = [sys.executable, "-P", str(Path(__file__).with_name("server.py")), str(self.seconds)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=-1
        )
        said = self._line(self._process, _START_SECONDS)
        if said != b"ready":
            self.close()
            if said and said.startswith(b"broken"):
                raise RuntimeError(_broken(said))
            raise RuntimeError(f"the process that compares answers does not start; try `{' '.join(command)}`")
        return self._process

    @staticmethod
    def _line(process: subprocess.Popen[bytes], seconds: float) -> bytes | None:
        """The next line that it writes; None where it ends or says nothing in time."""
        assert process.stdout is not None
        until, file, line = time.monotonic() + seconds, process.stdout.fileno(), b""
        while not line.endswith(b"\n"):
            poll = select.poll()  # select() itself fails at file numbers above 1023
            poll.register(file, select.POLLIN)
            if not poll.poll(max(0.0, until - time.monotonic()) * 1000):
                return None
            read = os.read(file, 64)
            if not read:
                return None
            line += read
        return line.strip()

    def close(self) -> None:
        """End the process; the next question starts another."""
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(OSError):
                process.kill()
                process.wait()
            _close_pipes(process)

    def forget(self) -> None:
        """In a fork: the process belongs to the parent, whose lock may have been taken at that moment."""
        process, self._process, self._lock = self._process, None, threading.Lock()
        if process is not None:
            process.returncode = 0  # so that nobody waits for a process that is not a child
            _close_pipes(process)


def _broken(said: bytes) -> str:
    why = said.removeprefix(b"broken").decode(errors="replace").strip()
    return f'answers cannot be compared, {why}; install "math-verify[antlr4-13-2]>=0.8,<0.10"'


def _close_pipes(process: subprocess.Popen[bytes]) -> None:
    for pipe in filter(None, (process.stdin, process.stdout)):
        with contextlib.suppress(OSError):  # what could not be flushed is lost on purpose
            pipe.close()


_verifier = Verifier()
atexit.register(_verifier.close)
os.register_at_fork(after_in_child=_verifier.forget)


@lru_cache(maxsize=1 << 16)
def verified(left: str, right: str, relative: float = 0.0, absolute: float = 0.0) -> bool:
    """Whether two LaTeX texts mean the same; False where one cannot be read, or not in `SECONDS`."""
    if max(len(left), len(right)) > _LONGEST or max(_depth(left), _depth(right)) > _DEEPEST:
        return False
    return _verifier.equal(left, right, relative, absolute)


def _depth(text: str) -> int:
    """How deep brackets nest; the parser's time grows with it faster than with the length."""
    return max(accumulate((character in "([{") - (character in ")]}") for character in text), default=0)
