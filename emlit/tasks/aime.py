"""AIME: the 30 problems of 2024, and the 90 of 2022 to 2024."""

from typing import Any

from emlit.records import Row
from emlit.tasks.benchmark import Benchmark, Hub, first_of, gold_completion, row_number
from emlit.tasks.templates import REASON_STEP_BY_STEP


class AIME24(Benchmark):
    """The 30 problems of 2024; an answer is a whole number from 0 to 999."""

    name = "aime24"
    hub = Hub("HuggingFaceH4/aime_2024", split="train")
    system_prompt = REASON_STEP_BY_STEP

    def row(self, fields: dict[str, Any], where: str) -> Row:
        answer = str(first_of(fields, "answer")).strip()
        return Row(
            id=str(fields.get("id", row_number(where))),
            prompt=first_of(fields, "problem", "question"),
            answer=answer,
            solution=gold_completion(fields.get("solution"), answer),
        )


class AIME22to24(AIME24):
    """The 90 problems of 2022, 2023 and 2024."""

    name = "aime22-24"
    hub = Hub("AI-MO/aimo-validation-aime", split="train")
