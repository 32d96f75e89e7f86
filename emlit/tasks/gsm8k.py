"""GSM8K: grade-school word problems (Cobbe et al., arXiv 2110.14168)."""

import re
from typing import Any

from emlit.errors import DataError
from emlit.records import Row
from emlit.tasks.benchmark import Benchmark, Hub, gold_completion, row_number
from emlit.tasks.templates import REASON_STEP_BY_STEP

_CALCULATION = re.compile(r"<<[^<>]*>>")


class GSM8K(Benchmark):
    """1,319 problems. The label is the number after ####; the rest of `answer` is the worked solution."""

    name = "gsm8k"
    hub = Hub("openai/gsm8k", "main")
    system_prompt = REASON_STEP_BY_STEP

    def row(self, fields: dict[str, Any], where: str) -> Row:
        worked, hashes, label = fields["answer"].rpartition("####")
        if not hashes or not label.strip():
            raise DataError(f"{where}: the 'answer' does not end in #### and a number")
        label = label.strip().replace(",", "")
        return Row(
            id=row_number(where),
            prompt=fields["question"],
            answer=label,
            solution=gold_completion(_CALCULATION.sub("", worked).strip() or None, label),
        )
