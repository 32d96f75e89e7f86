"""HumanEval (Chen et al., arXiv 2107.03374)."""

import re
import textwrap
import threading
from typing import Any

from emlit.records import Row
from emlit.sandbox import ExecutionResult
from emlit.tasks.benchmark import Hub
from emlit.tasks.plain_code import without_prose
from emlit.tasks.program_names import bound_names
from emlit.tasks.programs import CodeBenchmark, fenced
from emlit.tasks.templates import ACTIONS, HUMANEVAL, PRESENT_THE_CODE


class HumanEval(CodeBenchmark):
    """164 functions to complete from a signature and a docstring."""

    name = "humaneval"
    hub = Hub("openai/openai_humaneval")
    system_prompt = ACTIONS

    def row(self, fields: dict[str, Any], where: str) -> Row:
        prompt, entry = fields["prompt"], fields["entry_point"]
        signature = _signature(prompt, entry)
        if signature is None:
            raise ValueError(f"the prompt does not define {entry} at the start of a line")
        solution = fields.get("canonical_solution")
        return Row(
            id=str(fields["task_id"]),
            prompt=HUMANEVAL.format(signature=signature[1], code=prompt) + PRESENT_THE_CODE,
            answer=fields["test"],
            solution=None if solution is None else fenced(prompt + solution),
        )

    def wanted(self, row: Row) -> tuple[str]:
        return (row.fields["entry_point"],)

    def program(self, row: Row, completion: str) -> tuple[str | None, bool]:
        """As of any benchmark; or the prompt's code and a completion that goes on with it, as base models' do."""
        code, closed = super().program(row, completion)
        entry = row.fields["entry_point"]
        if entry not in bound_names(code or "") and re.match(r"\n*+[ \t]++\S", completion):
            whole = without_prose(row.fields["prompt"] + completion.lstrip("\n"), [entry])
            if entry in bound_names(whole):
                return whole, False
        return code, closed

    def run(self, row: Row, program: str, stop: threading.Event) -> ExecutionResult:
        prompt, entry = row.fields["prompt"], row.fields["entry_point"]
        signature = _signature(prompt, entry)
        assert signature is not None  # rows without one are refused
        before = prompt[: signature.start()]
        # Some models give the whole function, in front of which `before` is run; some only its body.
        solution = program if entry in bound_names(program) else prompt + _body(program)
        return self.run_tests(solution, f"{row.fields['test']}\n\ncheck({entry})", [entry], stop, before)


def _signature(prompt: str, entry: str) -> re.Match[str] | None:
    return re.search(rf"^def\s+({re.escape(entry)}\b.*?):\s*\n", prompt, re.DOTALL | re.MULTILINE)


def _body(program: str) -> str:
    """A function's body, indented."""
    return program if program[:1] in (" ", "\t") else textwrap.indent(program, "    ")
