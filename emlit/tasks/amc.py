"""AMC 12 of 2022 and 2023 (AI-MO's validation set), answers turned from choices into numbers."""

from typing import Any

from emlit.records import Row
from emlit.tasks.benchmark import Benchmark, Hub, first_of, gold_completion, row_number
from emlit.tasks.templates import REASON_STEP_BY_STEP


class AMC(Benchmark):
    """83 problems whose answers are whole numbers, published as 142.0."""

    name = "amc"
    hub = Hub("AI-MO/aimo-validation-amc", split="train")
    system_prompt = REASON_STEP_BY_STEP

    def row(self, fields: dict[str, Any], where: str) -> Row:
        answer = first_of(fields, "answer")
        if isinstance(answer, str):
            answer = answer.strip().removesuffix(".0")
        elif float(answer).is_integer():
            answer = int(answer)
        return Row(
            id=row_number(where),  # the published ids are those of a year's problems, and come twice
            prompt=first_of(fields, "problem", "question"),
            answer=str(answer),
            solution=gold_completion(fields.get("solution"), str(answer)),
        )
