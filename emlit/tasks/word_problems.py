"""SVAMP (Patel et al., arXiv 2103.07191) and ASDiv (Miao et al., arXiv 2106.15772): word problems of primary school."""

import re
from typing import Any

from emlit.errors import DataError
from emlit.records import Row
from emlit.tasks.benchmark import Benchmark, Hub, first_of, gold_completion, row_number
from emlit.tasks.templates import REASON_STEP_BY_STEP

_OPEN_CONDITION = re.compile(r"(?:^|[.?!] )If\b[^.?!]*$")
_UNIT = re.compile(r"\s*\([^()]*\)\s*$")


class SVAMP(Benchmark):
    """300 problems of one step whose wording misleads; answers are numbers."""

    name = "svamp"
    hub = Hub("ChilleD/SVAMP")
    system_prompt = REASON_STEP_BY_STEP

    def row(self, fields: dict[str, Any], where: str) -> Row:
        label = format(float(fields["Answer"]), ".12g")
        return Row(
            id=str(fields.get("ID") or row_number(where)),
            prompt=_joined(fields["Body"].strip(), fields["Question"].strip()),
            answer=label,
            solution=gold_completion(None, label),
        )


class ASDiv(Benchmark):
    """2,305 problems of grades 1 to 6. The unit in the label's parentheses is left out, as several forms are right."""

    name = "asdiv"
    hub = Hub("EleutherAI/asdiv", split="validation")
    system_prompt = REASON_STEP_BY_STEP

    def row(self, fields: dict[str, Any], where: str) -> Row:
        label = ", ".join(_UNIT.sub("", part).strip() for part in str(fields["answer"]).split(";"))
        if not label.strip(", "):
            raise DataError(f"{where}: the 'answer' has nothing before its unit")
        return Row(
            id=str(fields.get("id") or row_number(where)),
            prompt=f"{first_of(fields, 'body', 'Body').strip()} {first_of(fields, 'question', 'Question').strip()}",
            answer=label,
            solution=gold_completion(None, label),
        )


def _joined(story: str, question: str) -> str:
    """SVAMP's stories lack their last full stop, and some end in a condition that the question goes on with."""
    if not story[-1:].isalnum() or not question[:1].isupper():
        return f"{story} {question}"
    if _OPEN_CONDITION.search(story):
        return f"{story}, {question[:1].lower()}{question[1:]}"
    return f"{story}. {question}"
