"""Hostile programs in the sandbox; reference solutions and their mutants graded in it.

    python -m benchmarks.sandbox                the hostile programs: how each ended, and what is left of them
    python -m benchmarks.sandbox --data DIR     with humaneval.jsonl and mbpp.jsonl: references pass, mutants are caught

Prints Markdown; ends with an error where something was lost, leaked, left or graded right.
"""

import contextlib
import ctypes
import os
import secrets
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from rich.console import Console
from rich.progress import track

from benchmarks.hostile import HOSTILE, SMOKE, Hostile, preamble
from benchmarks.measure import environment, parser, table
from benchmarks.mutants import graded
from emlit.sandbox import ExecutionResult, isolation, run_all, run_python, run_tests
from emlit.sandbox.isolation import probe
from emlit.sandbox.levels import ISOLATING, Level
from emlit.sandbox.view import packages

VARIABLE = "SANDBOX_BENCHMARK_SECRET"
TESTS = "assert all(answer(n) == n + 1 for n in range(1, 4))\nassert answer(1) == 2\n"
_SUBREAPER = 36
_SIGNALS = (signal.SIGUSR1, signal.SIGTERM, signal.SIGHUP)


@dataclass
class Parent:
    """What a program could take from the process that starts it, or do to it."""

    secret: str = field(default_factory=lambda: secrets.token_hex(16))
    name: str = field(default_factory=lambda: f"sandbox-{secrets.token_hex(8)}")
    signalled: list[int] = field(default_factory=list)
    connected: list[str] = field(default_factory=list)

    @contextlib.contextmanager
    def exposed(self) -> Iterator["Parent"]:
        """A secret file and variable, a folder that anyone may write, open ports, and no child that gets lost."""
        ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)
        os.environ[VARIABLE] = self.secret
        for number in _SIGNALS:
            signal.signal(number, lambda number, frame: self.signalled.append(number))
        with tempfile.TemporaryDirectory() as directory, contextlib.ExitStack() as opened:
            self.folder = Path(directory)
            self.outside = self.folder / "outside"
            self.outside.mkdir()
            self.folder.chmod(0o755)
            self.outside.chmod(0o777)
            self.file = self.folder / "secret"
            self.file.write_text(self.secret)
            self.file.chmod(0o600)
            for kind, address in (
                (socket.AF_INET, ("127.0.0.1", 0)), (socket.AF_UNIX, "\0" + self.name),
            ):  # fmt: skip
                listening = opened.enter_context(socket.socket(kind))
                listening.bind(address)
                listening.listen()
                if kind == socket.AF_INET:
                    self.port = listening.getsockname()[1]
                threading.Thread(target=self._listen, args=(listening,), daemon=True).start()
            self.before = scratch_folders()
            yield self

    def _listen(self, listening: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                listening.accept()[0].close()
                self.connected.append(str(listening.family))

    def preamble(self) -> str:
        return preamble(
            HOME=str(Path.home()), PARENT=os.getpid(), FILE=str(self.file), OUTSIDE=str(self.outside), PORT=self.port,
            VARIABLE=VARIABLE, NAME=self.name,
        )  # fmt: skip

    def damage(self) -> list[str]:
        """What was lost, written or left."""
        folders = ["/", "/etc", "/usr", "/usr/lib", "/var/tmp", "/tmp", "/run", "/dev/shm", Path.home(), "/home"]
        written = [
            folder for folder in (*folders, sys.prefix, *packages(), *sys.path) if Path(folder, self.name).exists()
        ]
        found = [f"a file in {folder}" for folder in written]
        if not self.outside.is_dir() or list(self.outside.iterdir()):
            found.append("the folder outside was changed")
        if not self.file.is_file() or self.file.read_text() != self.secret:
            found.append("the parent's file was changed")
        found += [f"signal {number} reached the parent" for number in self.signalled]
        found += [f"a connection reached the parent ({family})" for family in self.connected]
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass  # ends of processes whose own parents went first
        found += [f"process {process.pid} was left" for process in psutil.Process().children(recursive=True)]
        found += [f"{folder} was left" for folder in scratch_folders() - self.before]
        return found


def scratch_folders() -> set[Path]:
    return set(Path(tempfile.gettempdir()).glob("emlit-sandbox-*"))


def hostile(programs: list[Hostile], timeout: float, level: Level) -> str:
    """Run each by itself (a fake with tests behind it) and as a solution under tests.

    Raises:
        SystemExit: something was lost, leaked, left or graded right
    """
    with Parent().exposed() as parent:
        front = parent.preamble()

        def alone(text: str, stop: threading.Event) -> ExecutionResult:
            return run_python(text, timeout, 256, stop=stop, level=level)

        def tested(text: str, stop: threading.Event) -> ExecutionResult:
            return run_tests(text, TESTS, ["answer"], timeout=timeout, memory_mb=256, stop=stop, level=level)

        jobs = []
        for program in programs:
            text = front + program.text
            jobs.append(lambda stop, text=text + "\n" + TESTS * program.fake: alone(text, stop))
            jobs.append(lambda stop, text=text: tested(text, stop))
        results = with_bar("hostile programs", jobs)
        failures = parent.damage()
        rows = []
        for program, by_itself, graded in zip(programs, results[::2], results[1::2], strict=True):
            output = "".join([by_itself.stdout, by_itself.stderr, graded.stdout, graded.stderr])
            failures += [f"{program.name}: {word}" for word in ("BREACH", parent.secret) if word in output]
            failures += [f"{program.name}: graded right"] * graded.ok
            failures += [f"{program.name}: its early end passed for its last line"] * (program.early and by_itself.ok)
            failures += [f"{program.name}: {result.reason}" for result in (by_itself, graded) if _unfit(result)]
            failures += [
                f"{program.name}: a reason that draws" for r in (by_itself, graded) if not r.reason.isprintable()
            ]
            rows.append([program.name, by_itself.reason[:80], graded.reason[:80], "YES" if graded.ok else "no"])
    found = table(["program", "by itself ended by", "under tests ended by", "graded right"], rows)
    found += f"\n\n{len(programs)} programs, isolation: {level.name}; "
    found += f"{len(failures) or 'nothing'} lost, leaked, left or graded right"
    if failures:
        raise SystemExit(f"{found}\n\n" + "\n".join(failures))
    return found


def _unfit(result: ExecutionResult) -> bool:
    return result.reason.startswith(("sandbox", "solution sandbox", "stopped"))


def with_bar(title: str, jobs: list) -> list[ExecutionResult]:
    """Run jobs in parallel behind a progress bar, where there is a terminal to show it on."""
    console = Console(stderr=True)
    ended = threading.Semaphore(0)
    results: list[list[ExecutionResult]] = []
    bar = track(range(len(jobs)), title, console=console, disable=not console.is_terminal)
    running = threading.Thread(target=lambda: results.append(run_all(jobs, on_finished=lambda _: ended.release())))
    running.start()
    for _ in bar:
        while not ended.acquire(timeout=1.0):
            if not running.is_alive():
                raise SystemExit("the jobs ended before they were all done")
    running.join()
    return results[0]


def main() -> None:
    arguments_of = parser(__doc__)
    arguments_of.add_argument("--data", type=Path, default=None, help="a directory with humaneval.jsonl and mbpp.jsonl")
    arguments_of.add_argument("--isolation", default=None, help="bubblewrap or unshare; the best unless given")
    arguments_of.add_argument("--timeout", type=float, default=3.0, help="seconds for one hostile program")
    arguments_of.add_argument("--seed", type=int, default=0, help="of the mutants")
    arguments = arguments_of.parse_args()
    if arguments.data is None:
        programs = [program for program in HOSTILE if not arguments.smoke or program.name in SMOKE]
        name = arguments.isolation or isolation()
        level = next((level for level in ISOLATING if level.name == name), None)
        if level is None or probe(level) is not None:
            raise SystemExit(f"{name} does not work here: {'no such level' if level is None else probe(level)}")
        print(hostile(programs, 1.0 if arguments.smoke else arguments.timeout, level))
    else:
        print(graded(arguments.data, arguments.seed, with_bar))
    print("\n" + environment())


if __name__ == "__main__":
    main()
