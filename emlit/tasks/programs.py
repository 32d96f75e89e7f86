"""Benchmarks whose answers are programs, which their tests are run on."""

import logging
import threading
from abc import abstractmethod
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Any, ClassVar

from emlit.errors import ConfigError, require_positive
from emlit.records import Grade, Row
from emlit.sandbox import ExecutionResult, isolation, run_all, run_tests
from emlit.sandbox.run import Job
from emlit.tasks.benchmark import OWN, Benchmark
from emlit.tasks.code_blocks import extract_code
from emlit.tasks.trials import without_trials

log = logging.getLogger(__name__)


class ProgramBenchmark(Benchmark):
    """Problems that programs solve, run in the sandbox; without a vote, as programs are only compared as text.

    Args:
        path: a local file in the published schema; from the hub unless set
        n: the first so many rows; all unless set
        timeout: seconds of wall time for tests that are run together
        memory_mb: MiB for them
        unsafe_code: where nothing shuts programs in, run them all the same, under rlimits alone
        system_prompt: in place of the benchmark's own; null for none
    """

    votes: ClassVar[bool] = False

    def __init__(
        self,
        path: str | None = None,
        n: int | None = None,
        timeout: float = 10.0,
        memory_mb: int = 1024,
        unsafe_code: bool = False,
        system_prompt: str | None = OWN,
    ) -> None:
        super().__init__(path, n, system_prompt)
        require_positive(timeout=timeout, memory_mb=memory_mb)
        self.timeout, self.memory_mb, self.unsafe_code = timeout, memory_mb, unsafe_code

    def rows(self) -> list[Row]:
        isolation(self.unsafe_code)  # says that programs cannot be run before a model is loaded to write them
        return super().rows()

    def run_tests(
        self, program: str, tests: str, names: Sequence[str], stop: threading.Event, setup: str = ""
    ) -> ExecutionResult:
        """As of `emlit.sandbox`, within this benchmark's limits."""
        limits: dict[str, Any] = {"timeout": self.timeout, "memory_mb": self.memory_mb, "unsafe_code": self.unsafe_code}
        return run_tests(program, tests, names, setup=setup, stop=stop, **limits)

    @abstractmethod
    def grade_all(
        self, answers: Sequence[tuple[Row, str]], on_finished: Callable[[int], None] | None = None
    ) -> list[Grade]:
        """As of any task; as many at a time as there are cores."""

    def grade(self, row: Row, completion: str) -> Grade:
        return self.grade_all([(row, completion)])[0]

    def equal(self, answer: str | None, other: str) -> bool:
        return answer == other


class CodeBenchmark(ProgramBenchmark):
    """Problems that one program solves, which `run` tests."""

    def wanted(self, row: Row) -> Collection[str]:
        """The names that a program must define; none where it is run as a whole."""
        return ()

    def program(self, row: Row, completion: str) -> tuple[str | None, bool]:
        """The program of a completion, and whether it stands where prompts ask for it."""
        return extract_code(completion, self.wanted(row))

    @abstractmethod
    def run(self, row: Row, program: str, stop: threading.Event) -> ExecutionResult:
        """Run a problem's tests on a program, with an end as soon as `stop` is set."""

    def _tested(self, row: Row, code: str) -> str:
        names = self.wanted(row)
        return without_trials(code, names) if names else code

    def grade_all(
        self, answers: Sequence[tuple[Row, str]], on_finished: Callable[[int], None] | None = None
    ) -> list[Grade]:
        found = [self.program(row, completion) for row, completion in answers]
        jobs = {
            index: guarded(row, partial(self.run, row, self._tested(row, code)))
            for index, ((row, _), (code, _)) in enumerate(zip(answers, found, strict=True))
            if code is not None and row.answer is not None
        }
        results = run_all(jobs.values(), on_finished=None if on_finished is None else lambda _: on_finished(1))
        passed = {index for index, result in zip(jobs, results, strict=True) if result.ok}
        return [
            Grade(code, None if row.answer is None else index in passed, closed)
            for index, ((row, _), (code, closed)) in enumerate(zip(answers, found, strict=True))
        ]


def guarded(row: Row, job: Job) -> Job:
    """A job that a mistake of its row's or program's ends as wrong, and not the jobs of all others with it."""

    def run(stop: threading.Event) -> ExecutionResult:
        try:
            return job(stop)
        except ConfigError:  # everybody's: nothing shuts programs in
            raise
        except Exception as error:
            log.warning("%s: a program cannot be tested, and counts as wrong (%r)", row.source or row.id, error)
            return ExecutionResult(False, f"tests: {error!r}")

    return run


def fenced(program: str) -> str:
    """A program as prompts ask for it."""
    return f"```python\n{program.strip(chr(10))}\n```"
