"""SciCode (Tian et al., arXiv 2407.13168): research problems in steps, each a turn that builds on the code before."""

import functools
import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from emlit.engines import NEXT_TURN
from emlit.errors import ConfigError
from emlit.sandbox import ExecutionResult, run_all, run_python, run_tests
from emlit.tasks import scicode_compare
from emlit.tasks.base import Grade, Message, Row
from emlit.tasks.benchmark import Hub
from emlit.tasks.programs import ProgramBenchmark, extract_code, free_names
from emlit.tasks.scicode_targets import Targets
from emlit.tasks.templates import SCICODE_WITH_BACKGROUND, SCICODE_WITHOUT_BACKGROUND

log = logging.getLogger(__name__)


class SciCode(ProgramBenchmark):
    """65 main problems of 288 steps. A main problem is right where all its steps are; `parts` are the steps.

    The numbers that the steps' results are compared with are not in the data set: they are `test_data.h5`, which the
    authors publish beside it. Steps that it has nothing for are not graded. Without it nothing is.

    Args:
        path: a local file in the schema of SciCode1/SciCode; from the hub unless set
        n: the first so many main problems
        timeout: seconds of wall time for a step's tests
        memory_mb: MiB for them
        targets: the path of test_data.h5
        background: show each step's scientific background, as the paper does, or have the model write it
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
    ) -> None:
        super().__init__(path, n, timeout, memory_mb)
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
            for name in ("step_number", "step_description_prompt", "function_header", "return_line", "test_cases"):
                step[name]  # a KeyError that names it
            if self.targets is not None and self.targets.has(step["step_number"]):
                self.targets.require(step["step_number"], len(step["test_cases"]))
        written = [step.get("ground_truth_code") for step in steps]
        return Row(
            id=str(fields["problem_id"]),
            prompt=self._prompt(fields, []),
            answer=None if self.targets is None else "\n".join(steps[-1]["test_cases"]),
            fields=fields,
            source=where,
            solution=NEXT_TURN.join(f"```python\n{code}\n```" for code in written) if all(written) else None,
        )

    def next_messages(self, row: Row, replies: Sequence[str]) -> Sequence[Message] | None:
        if len(replies) == len(row.fields["sub_steps"]):
            return None
        return [{"role": "user", "content": self._prompt(row.fields, _programs(replies))}]

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
        found = [[extract_code(reply) for reply in completion.split(NEXT_TURN)] for _, completion in answers]
        jobs, owners = [], []
        for index, ((row, _), blocks) in enumerate(zip(answers, found, strict=True)):
            programs = [code or "" for code, _ in blocks]
            for number, step in enumerate(row.fields["sub_steps"]):
                if self.targets is not None and self.targets.has(step["step_number"]):
                    code = programs[: number + 1] if number < len(programs) else None
                    jobs.append(lambda stop, row=row, step=step, code=code: self._step(row, step, code, stop))
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
        setup = row.fields["required_dependencies"]
        number, cases = step["step_number"], step["test_cases"]
        tests = "\n".join(f"target = targets[{index}]\n{case}" for index, case in enumerate(cases))
        tests = f"{_comparisons()}\n{self.targets.program(number, len(cases))}\n{tests}"
        solution = "\n\n".join(code)
        if _shares_state(row, step):
            program = f"{setup}\n\n{solution}\n\n{tests}"
            return run_python(program, self.timeout, self.memory_mb, stop=stop)
        names = free_names(tests, setup)
        return run_tests(solution, tests, names, setup=setup, timeout=self.timeout, memory_mb=self.memory_mb, stop=stop)


@functools.cache
def _comparisons() -> str:
    """The authors' package, from which the tests import their comparisons."""
    return f"""
import sys, types
for _name in ("scicode", "scicode.compare", "scicode.compare.cmp"):
    sys.modules[_name] = types.ModuleType(_name)
exec({Path(scicode_compare.__file__).read_text()!r}, sys.modules["scicode.compare.cmp"].__dict__)
"""


def _programs(replies: Sequence[str]) -> list[str]:
    return [extract_code(reply)[0] or "" for reply in replies]


def _shares_state(row: Row, step: dict[str, Any]) -> bool:
    """Whether tests and solution must run in one process: seeded random numbers, or objects of the solution's classes.

    That is as the authors run all of them, and less safe from a solution that is out to pass.
    """
    headers = (each["function_header"].lstrip() for each in row.fields["sub_steps"])
    return "random" in "\n".join(step["test_cases"]) or any(header.startswith("class ") for header in headers)
