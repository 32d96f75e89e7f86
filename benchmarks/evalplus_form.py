"""HumanEval and MBPP in the form in which EvalPlus asks chat models, whose leaderboard publishes their scores.

The problem in a fence behind its instruction, and the answer begun for the model up to the fence of its program.
docs/real.md has the command.
"""

from dataclasses import replace
from typing import Any

from emlit import tasks
from emlit.records import Message, Row

_ASKED = "Please provide a self-contained Python script that solves the following problem in a markdown code block:"
_BEGUN = "Below is a Python script with a self-contained function that solves the problem and passes corresponding "
_BEGUN += "tests:"


def _conversation(problem: str) -> list[Message]:
    return [
        {"role": "user", "content": f"{_ASKED}\n```\n{problem.strip()}\n```\n"},
        {"role": "assistant", "content": f"{_BEGUN}\n```python\n"},
    ]


class HumanEval(tasks.HumanEval):
    system_prompt = None

    def row(self, fields: dict[str, Any], where: str) -> Row:
        return replace(super().row(fields, where), prompt=_conversation(fields["prompt"]))


class MBPP(tasks.MBPP):
    system_prompt = None

    def row(self, fields: dict[str, Any], where: str) -> Row:
        problem = f'"""\n{fields["prompt"]}\n{fields["test_list"][0]}\n"""\n'
        return replace(super().row(fields, where), prompt=_conversation(problem))
