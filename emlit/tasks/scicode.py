"""SciCode (Tian et al., arXiv 2407.13168): research problems in steps, each a turn that builds on the code before."""

import logging
import re
import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from emlit.errors import ConfigError
from emlit.records import NEXT_TURN, Grade, Message, Row
from emlit.sandbox import ExecutionResult, run_all
from emlit.tasks.benchmark import Hub
from emlit.tasks.code_blocks import extract_code
from emlit.tasks.program_names import in_one
from emlit.tasks.programs import ProgramBenchmark, guarded
from emlit.tasks.scicode_targets import Targets
from emlit.tasks.scicode_tests import RANDOM_STATE, tests_of
from emlit.tasks.templates import SCICODE_WITH_BACKGROUND, SCICODE_WITHOUT_BACKGROUND

log = logging.getLogger(__name__)


class SciCode(ProgramBenchmark):
    """65 main problems of 288 steps. A main problem is right where all its steps are; `parts` are the steps.

    The numbers that the steps' results are compared with are not in the data set: they are `test_data.h5`, which the
    authors publish beside it. Steps that it has nothing for are not graded. Without it nothing is.

    Args:
        path: a local file in the published schema; from the hub unless set
        n: the first so many main problems
        timeout: seconds of wall time for a step's tests
        memory_mb: MiB for them
        targets: the path of test_data.h5
        background: show each step's scientific background, as the paper does, or have the model write it
        benchmark: as of ProgramBenchmark
    """

    name = "scicode"
    hub = Hub("SciCode1/SciCode")

    def __init__(
        self,
        path: str | None = None,
        n: int | None = None,
        timeout: float = 300.0,
        memory_mb: int = 4096,
        targets: str | None = None,
        background: bool = True,
        **benchmark: Any,
    ) -> None:
        super().__init__(path, n, timeout=timeout, memory_mb=memory_mb, **benchmark)
        if targets is not None and not Path(targets).is_file():
            raise ConfigError(f"targets is {targets}, and there is no such file")
        self.targets = None if targets is None else Targets(Path(targets))
        self.background = background

    def read_from(self, place: Path) -> None:
        """As of any benchmark; test_data.h5 is found in a directory too."""
        super().read_from(place)
        if self.targets is None and (place / "test_data.h5").is_file():
            self.targets = Targets(place / "test_data.h5")

    def rows(self) -> list[Row]:
        if self.targets is None and self._rows is None:
            log.warning("scicode: nothing will be graded, as test_data.h5 is not there; give its path as targets")
        return super().rows()

    def row(self, fields: dict[str, Any], where: str) -> Row:
        steps = fields["sub_steps"]
        if not steps:
            raise ValueError("it has no step")
        for step in steps:
            for name in ("step_number", "step_description_prompt", "function_header", "return_line"):
                _require(isinstance(step[name], str), f"a {name} that is no text")
            _require(all(isinstance(case, str) for case in step["test_cases"]), "test_cases that are no texts")
            if self.targets is not None and self.targets.has(step["step_number"]):
                self.targets.require(step["step_number"], len(step["test_cases"]))
        _require(isinstance(fields["required_dependencies"], str), "required_dependencies that are no text")
        written = [step.get("ground_truth_code") for step in steps]
        return Row(
            id=str(fields["problem_id"]),
            prompt=self._prompt(fields, []),
            answer=None if self.targets is None else "\n".join(steps[-1]["test_cases"]),
            solution=NEXT_TURN.join(f"```python\n{code}\n```" for code in written) if all(written) else None,
        )

    def next_messages(self, row: Row, replies: Sequence[str]) -> Sequence[Message] | None:
        if len(replies) == len(row.fields["sub_steps"]):
            return None
        before = [code or "" for code, _ in _programs(row, replies)]
        return [{"role": "user", "content": self._prompt(row.fields, before)}]

    def _prompt(self, fields: dict[str, Any], before: Sequence[str]) -> str:
        steps = fields["sub_steps"]
        told = [f"{self._described(step)}\n\n{code}" for step, code in zip(steps, before, strict=False)]
        step = steps[len(before)]
        template = SCICODE_WITH_BACKGROUND if self.background else SCICODE_WITHOUT_BACKGROUND
        return template.format(
            previous="\n\n------\n\n".join(told),
            next=f"{self._described(step)}\n\n{step['function_header']}\n\n{step['return_line']}",
            dependencies=fields["required_dependencies"],
        )

    def _described(self, step: dict[str, Any]) -> str:
        background = step.get("step_background")
        return step["step_description_prompt"] + (f"\n{background}" if self.background and background else "")

    def grade_all(
        self, answers: Sequence[tuple[Row, str]], on_finished: Callable[[int], None] | None = None
    ) -> list[Grade]:
        found = [_programs(row, completion.split(NEXT_TURN)) for row, completion in answers]
        jobs, owners = [], []
        for index, ((row, _), blocks) in enumerate(zip(answers, found, strict=True)):
            programs = [code or "" for code, _ in blocks]
            for number, step in enumerate(row.fields["sub_steps"]):
                if self.targets is not None and self.targets.has(step["step_number"]):
                    code = programs[: number + 1] if number < len(programs) else None
                    jobs.append(guarded(row, partial(self._step, row, step, code)))
                    owners.append(index)
        parts: list[list[bool]] = [[] for _ in answers]
        for owner, result in zip(owners, run_all(jobs), strict=True):
            parts[owner].append(result.ok)
        if on_finished is not None:
            on_finished(len(answers))
        return [
            Grade(
                answer="\n\n".join(code or "" for code, _ in blocks).strip() or None,
                correct=all(steps) if steps else None,
                format_ok=len(blocks) == len(row.fields["sub_steps"]) and all(closed for _, closed in blocks),
                parts=steps or None,
            )
            for (row, _), blocks, steps in zip(answers, found, parts, strict=True)
        ]

    def _step(
        self, row: Row, step: dict[str, Any], code: Sequence[str] | None, stop: threading.Event
    ) -> ExecutionResult:
        if code is None:
            return ExecutionResult(False, "no code")
        assert self.targets is not None  # without them nothing is graded
        setup = row.fields["required_dependencies"]
        number, cases = step["step_number"], step["test_cases"]
        written = "\n".join(each.get("ground_truth_code") or "" for each in row.fields["sub_steps"])
        wanted = [name for names in _headers(row) for name in names]
        tests, names = tests_of(cases, self.targets.program(number, len(cases)), setup, wanted, written)
        return self.run_tests(in_one(*code, RANDOM_STATE), tests, names, stop, setup)


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise ValueError(f"it has {otherwise}")


def _programs(row: Row, replies: Sequence[str]) -> list[tuple[str | None, bool]]:
    """The program of each reply, as `extract_code` finds it: the one with its step's function."""
    names = [*_headers(row), *[[]] * len(replies)]
    return [extract_code(reply, wanted) for reply, wanted in zip(replies, names, strict=False)]


def _headers(row: Row) -> list[list[str]]:
    """The functions and classes that each step asks for."""
    headers = [step["function_header"].lstrip() for step in row.fields["sub_steps"]]
    return [re.findall(r"^(?:def|class)\s+(\w+)", header, re.MULTILINE) for header in headers]
