"""MBPP (Austin et al., arXiv 2108.07732), the sanitised problems."""

import threading
from typing import Any

from emlit.records import Row
from emlit.sandbox import ExecutionResult
from emlit.tasks.benchmark import Hub
from emlit.tasks.program_names import defined_names, imports_of
from emlit.tasks.programs import CodeBenchmark, fenced
from emlit.tasks.templates import ACTIONS, PRESENT_THE_CODE
from emlit.tasks.templates import MBPP as TEMPLATE


class MBPP(CodeBenchmark):
    """Short functions to write from a sentence and a test."""

    name = "mbpp"
    hub = Hub("google-research-datasets/mbpp", "sanitized")
    system_prompt = ACTIONS

    def row(self, fields: dict[str, Any], where: str) -> Row:
        fields["test_list"]  # a KeyError that names it
        tests, code = _lines(fields, "test_list"), fields["code"]
        _lines(fields, "test_imports")
        header = next((line.strip() for line in code.splitlines() if line.strip().startswith("def ")), None)
        if header is None or not tests:
            raise ValueError("it has no function or no test")
        prompt = TEMPLATE.format(
            signature=header.removeprefix("def ").rstrip(": "),
            description=fields["prompt"].partition(" https://www.")[0],
            test=tests[0],
        )
        return Row(
            id=str(fields["task_id"]),
            prompt=prompt + PRESENT_THE_CODE,
            answer="\n".join(tests),
            solution=fenced(code),
        )

    def wanted(self, row: Row) -> set[str]:
        return defined_names(row.fields["code"])

    def run(self, row: Row, program: str, stop: threading.Event) -> ExecutionResult:
        # Some tests read what only the reference imports; under that name a solution may have anything.
        tests = [imports_of(row.fields["code"]), *_lines(row.fields, "test_list")]
        setup = "\n".join(_lines(row.fields, "test_imports"))
        return self.run_tests(program, "\n".join(tests), sorted(self.wanted(row)), stop, setup)


def _lines(fields: dict[str, Any], name: str) -> list[str]:
    found = fields.get(name) or []
    if isinstance(found, str) or not all(isinstance(each, str) for each in found):
        raise ValueError(f"{name} is no list of lines")
    return list(found)
