"""Minerva Math: undergraduate science of MIT OpenCourseWare (Lewkowycz et al., arXiv 2206.14858)."""

from typing import Any

from emlit.errors import ConfigError, DataError
from emlit.grading import extract_boxed, math_equal
from emlit.records import Row
from emlit.tasks.benchmark import Benchmark, Hub, first_of, gold_completion, row_number
from emlit.tasks.templates import REASON_STEP_BY_STEP


class MinervaMath(Benchmark):
    """272 problems of astronomy, chemistry, mathematics and more.

    The hub's copy has `question` and `answer`; the released one has `problem` and `solution` with the answer in a box.

    Args:
        path: a local file in either schema; from the hub unless set
        n: the first so many rows; all unless set
        tolerance: numbers may differ by this share; 1e-4 is what published figures were graded with
        benchmark: as of Benchmark
    """

    name = "minerva_math"
    hub = Hub("math-ai/minervamath")
    system_prompt = REASON_STEP_BY_STEP

    def __init__(
        self, path: str | None = None, n: int | None = None, tolerance: float = 1e-4, **benchmark: Any
    ) -> None:
        super().__init__(path, n, **benchmark)
        if not 0 <= tolerance < 1:
            raise ConfigError(f"tolerance is {tolerance}; it is a share of the answer, from 0 to below 1")
        self.tolerance = tolerance

    def row(self, fields: dict[str, Any], where: str) -> Row:
        solution, answer = fields.get("solution"), fields.get("answer")
        if answer is None:
            answer = extract_boxed(first_of(fields, "solution"))
        if not answer:
            raise DataError(f"{where}: the solution has no \\boxed{{}} with the answer; give the row an 'answer'")
        return Row(
            id=str(fields.get("idx", row_number(where))),
            prompt=first_of(fields, "problem", "question"),
            answer=str(answer),
            solution=gold_completion(solution, str(answer)),
        )

    def equal(self, answer: str | None, other: str) -> bool:
        return math_equal(answer, other, relative=self.tolerance)
