"""Benchmarks whose answers are programs: finding the program in a completion, and running its tests."""

import ast
import builtins
import re
import threading
from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import ClassVar

from emlit.errors import ConfigError
from emlit.sandbox import ExecutionResult, run_all
from emlit.tasks.base import Grade, Row
from emlit.tasks.benchmark import Benchmark

_BLOCK = re.compile(r"```[ \t]*(?P<language>\w*)[^\n]*\n(?P<code>.*?)(?P<end>\n?[ \t]*```|\Z)", re.DOTALL)
_DEFINITION = re.compile(r"^\s*(?:async def|def|class)\s", re.MULTILINE)


def extract_code(text: str) -> tuple[str | None, bool]:
    """The program of a completion, and whether it stands where prompts ask for it: in a closed ```python block.

    The last python block that defines something, else the last python block, else the same among blocks of any kind. A
    text without blocks is a program where it parses as one with a definition.
    """
    blocks = [(match["language"].lower(), match["code"], bool(match["end"])) for match in _BLOCK.finditer(text)]
    for candidates in (
        [block for block in blocks if block[0] in ("python", "py", "python3") and block[2]],
        blocks,
    ):
        if candidates:
            defining = [block for block in candidates if _DEFINITION.search(block[1])]
            language, code, closed = (defining or candidates)[-1]
            return code, closed and language in ("python", "py", "python3")
    return (text, False) if defined_names(text) else (None, False)


def defined_names(program: str) -> set[str]:
    """Functions and classes that a program defines at its top; none where it does not parse."""
    tree = _parsed(program)
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return {node.name for node in tree.body if isinstance(node, kinds)} if tree else set()


def free_names(program: str, setup: str = "") -> list[str]:
    """The names that a program reads and neither it, its setup nor Python defines: what a solution has to bring."""
    tree, before = _parsed(program), _parsed(setup)
    if tree is None:
        return []
    read = [node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)]
    return list(dict.fromkeys(name for name in read if name not in _bound(tree) | _bound(before) | set(dir(builtins))))


def _bound(tree: ast.Module | None) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            found.add(node.id)
        elif isinstance(node, ast.arg):
            found.add(node.arg)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.alias):
            found.add((node.asname or node.name).partition(".")[0])
    return found


def _parsed(program: str) -> ast.Module | None:
    try:
        return ast.parse(program)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


class ProgramBenchmark(Benchmark):
    """Problems that programs solve, run in the sandbox; without a vote, as programs are only compared as text.

    Args:
        path: a local file in the published schema; from the hub unless set
        n: the first so many rows; all unless set
        timeout: seconds of wall time for tests that are run together
        memory_mb: MiB for them
    """

    votes: ClassVar[bool] = False

    def __init__(
        self, path: str | None = None, n: int | None = None, timeout: float = 10.0, memory_mb: int = 1024
    ) -> None:
        super().__init__(path, n)
        for name, value in (("timeout", timeout), ("memory_mb", memory_mb)):
            if not value > 0:
                raise ConfigError(f"{name} is {value}; it must be positive")
        self.timeout, self.memory_mb = timeout, memory_mb

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

    @abstractmethod
    def run(self, row: Row, program: str, stop: threading.Event) -> ExecutionResult:
        """Run a problem's tests on a program, with an end as soon as `stop` is set."""

    def grade_all(
        self, answers: Sequence[tuple[Row, str]], on_finished: Callable[[int], None] | None = None
    ) -> list[Grade]:
        found = [extract_code(completion) for _, completion in answers]
        jobs = {
            index: (lambda stop, row=row, code=code: self.run(row, code, stop))
            for index, ((row, _), (code, _)) in enumerate(zip(answers, found, strict=True))
            if code is not None and row.answer is not None
        }
        results = run_all(jobs.values(), on_finished=None if on_finished is None else lambda _: on_finished(1))
        passed = {index for index, result in zip(jobs, results, strict=True) if result.ok}
        return [
            Grade(code, None if row.answer is None else index in passed, closed)
            for index, ((row, _), (code, closed)) in enumerate(zip(answers, found, strict=True))
        ]


def fenced(program: str) -> str:
    """A program as prompts ask for it."""
    return f"```python\n{program.strip(chr(10))}\n```"
