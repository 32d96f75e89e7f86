"""OlympiadBench, its open-ended English mathematics without pictures (He et al., arXiv 2402.14008)."""

from typing import Any

from emlit.errors import DataError
from emlit.grading import extract_answer, in_a_box, math_equal
from emlit.records import Grade, Row
from emlit.tasks.benchmark import Benchmark, Hub, first_of, gold_completion, row_number
from emlit.tasks.templates import REASON_STEP_BY_STEP


class OlympiadBench(Benchmark):
    """674 problems of olympiads. Several answers count in any order; `error`, where a row has one, is how far off a
    number may be.
    """

    name = "olympiadbench"
    hub = Hub("Hothan/OlympiadBench", "OE_TO_maths_en_COMP", "train")
    system_prompt = REASON_STEP_BY_STEP

    def row(self, fields: dict[str, Any], where: str) -> Row:
        context, question = fields.get("context"), first_of(fields, "question", "problem")
        answers, solutions = first_of(fields, "final_answer", "answer"), fields.get("solution")
        answers = [answers] if isinstance(answers, str) else answers
        if not answers:
            raise DataError(f"{where}: 'final_answer' is empty; it is a list of at least one answer")
        answer = ", ".join(str(one).strip() for one in answers)
        solution = solutions[0] if isinstance(solutions, list) and solutions else solutions or None
        return Row(
            id=str(fields.get("id", row_number(where))),
            prompt=f"{context.strip()}\n\n{question}" if context else question,
            answer=answer,
            solution=gold_completion(solution, answer.replace("$", "")),
        )

    def grade(self, row: Row, completion: str) -> Grade:
        answer = extract_answer(completion)
        error = _error(row.fields.get("error"))
        correct = None if row.answer is None else math_equal(answer, row.answer, absolute=error)
        return Grade(answer, correct, in_a_box(completion))


def _error(value: Any) -> float:
    """The tolerance of a row: "1e-1", or "None,1e-1" for its several answers, where the widest one counts."""
    widest = 0.0
    for part in str(value or "").split(","):
        try:
            widest = max(widest, float(part))
        except ValueError:
            continue
    return widest if widest < float("inf") else 0.0
