"""MATH-500 (Hendrycks et al., arXiv 2103.03874; the 500 problems of Lightman et al., arXiv 2305.20050)."""

from typing import Any

from emlit.records import Row
from emlit.tasks.benchmark import Benchmark, Hub, first_of
from emlit.tasks.templates import REASON_STEP_BY_STEP


class MATH500(Benchmark):
    """500 problems of competition mathematics in seven subjects and five levels."""

    name = "math500"
    hub = Hub("HuggingFaceH4/MATH-500")
    system_prompt = REASON_STEP_BY_STEP

    def row(self, fields: dict[str, Any], where: str) -> Row:
        return Row(
            id=str(first_of(fields, "unique_id", "id")),
            prompt=fields["problem"],
            answer=str(first_of(fields, "answer", "expected_answer")),
            solution=fields.get("solution"),
        )
