"""Inequalities and memberships as intervals."""

import math
import re
from itertools import pairwise

from emlit.grading.numbers import number
from emlit.grading.structure import MEMBER, VARIABLE, bracketed, inside
from emlit.grading.writing import split

_SIGN = r"\\(?:leq|geq)(?![a-zA-Z])|[<>]"
_TURNED = {">": "<", r"\geq": r"\leq", "<": ">", r"\leq": r"\geq"}


def union(parts: list[str]) -> str | None:
    r"""x < 1 and x \geq 3 as (-\infty,1)\cup [3,\infty); None where a part is no interval of the same variable."""
    found = [each for each in map(_interval, parts) if each]
    if len(found) < len(parts) or len({name for name, _ in found} - {None}) > 1:
        return None
    ends = [[_end(end) for end in split(interval[1:-1], ",")] for _, interval in found]
    known = [[end for end in pair if end is not None] for pair in ends]
    if known != ends or all(one[-1] <= other[0] for one, other in pairwise(sorted(known))):
        return r"\cup ".join(interval for _, interval in found)
    return None  # x > 1 and x < 3 are both meant


def _end(text: str) -> float | None:
    if text.endswith(r"\infty"):
        return -math.inf if text.startswith("-") else math.inf
    value = number(text)
    return None if value is None else float(value.value)


def _interval(text: str) -> tuple[str | None, str] | None:
    if match := MEMBER.match(text):
        return text[: match.end()].partition("\\in")[0].strip(), text[match.end() :]
    if inside(text, text[:1], text[-1:]) is not None and bracketed(text):
        return None, text
    sides, signs = split(text, _SIGN), re.findall(_SIGN, text)
    if len(sides) - 1 != len(signs) or not 2 <= len(sides) <= 3 or "" in sides:
        return None
    if signs[0] in (">", r"\geq"):
        sides, signs = sides[::-1], [_TURNED[sign] for sign in signs[::-1]]
    if not {*signs} <= {"<", r"\leq"}:
        return None
    opened, closed = "(" if signs[0] == "<" else "[", ")" if signs[-1] == "<" else "]"
    if len(sides) == 3:
        return (sides[1], f"{opened}{sides[0]},{sides[2]}{closed}") if VARIABLE.fullmatch(sides[1]) else None
    if VARIABLE.fullmatch(sides[0]):
        return sides[0], rf"(-\infty,{sides[1]}{closed}"
    return (sides[1], rf"{opened}{sides[0]},\infty)") if VARIABLE.fullmatch(sides[1]) else None
