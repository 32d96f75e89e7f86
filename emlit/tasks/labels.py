"""Labels in the shapes that public data sets give them."""

import math
import re
from typing import Any

import numpy as np

from emlit.errors import DataError
from emlit.grading import extract_answer, extract_boxed
from emlit.tasks.messages import listed_in, object_in

_TAGGED = re.compile(r"<answer>(?P<answer>[^<]*)</answer>\s*\Z", re.IGNORECASE)
_COUNTED = re.compile(r"(?P<number>[-+]?[\d.,/]+) +\([A-Za-z][A-Za-z .-]+\)")  # 9 (apples), as in ASDiv
_LONGEST, _MOST_WORDS = 200, 30  # of an answer; a worked solution has more


def labels_from(value: Any, column: str, where: str) -> list[str]:
    r"""The answers that are right; none where there is no label.

    Args:
        value: text, a number, true or false; a list of such, of which any is right; an object with one of them as its
            only value or as `ground_truth`. Of a worked solution the answer at its end counts: after ####, in \boxed{}
            or in <answer>, or stated
        column: where it stands in its row
        where: the row stands

    Raises:
        DataError: it is of another kind
    """
    if value is None or isinstance(value, float) and math.isnan(value):
        return []
    if isinstance(value, str) and "ground_truth" in (read := object_in(value) or {}):
        value = read
    if isinstance(value, dict):
        known = {name: each for name, each in value.items() if each is not None}
        name = "ground_truth" if "ground_truth" in known else next(iter(known), None)
        if len(known) != 1 and name != "ground_truth":
            keys = ", ".join(map(str, known)) or "nothing in it"
            raise DataError(
                f"{where}: the label {column!r} is an object with {keys}; set answer_column to {column}.KEY"
            )
        return labels_from(known[name], f"{column}.{name}", where)
    if isinstance(value, str):
        listed = listed_in(value)
        if listed is None or not all(isinstance(each, str) for each in listed):
            return [answer_in(value)] if value.strip() else []
        value = listed
    if isinstance(value, list):
        found = [label for each in value if not isinstance(each, list) for label in labels_from(each, column, where)]
        if any(isinstance(each, list) for each in value):
            raise DataError(f"{where}: the label {column!r} is a list of lists; give a list of answers, any is right")
        return list(dict.fromkeys(found))
    if isinstance(value, bytes):
        raise DataError(f"{where}: the label {column!r} is bytes; store it as text")
    return [_number(value) if isinstance(value, float) else str(value)]


def _number(value: float) -> str:
    """As it was written before it became binary, of 32 bits where it fits those."""
    if value.is_integer():
        return str(value)
    with np.errstate(over="ignore"):
        single = np.float32(value)
    return str(single) if value == float(single) else format(value, ".12g")


def answer_in(label: str) -> str:
    """What a label answers: all of it, or what stands at the end of a worked solution."""
    tagged = _TAGGED.search(label)
    text = label if tagged is None else tagged["answer"].strip()
    worked, hashes, tail = text.rpartition("####")
    if hashes and tail.strip() and "\n" not in tail.strip():
        return extract_boxed(tail) or tail.strip()
    counted = _COUNTED.fullmatch(text.strip())
    return extract_answer(text) or (text if counted is None else counted["number"])


def looks_worked(label: str) -> bool:
    """Whether a label is too much text to be an answer."""
    return len(label) > _LONGEST or len(label.split()) > _MOST_WORDS
