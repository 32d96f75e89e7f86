"""Whether two answers mean the same: sets, tuples, intervals and equations by their parts, parts by math-verify."""

import re
from typing import NamedTuple

from emlit.tasks.answers.numbers import number, same_number
from emlit.tasks.answers.quantities import same_unit, split_unit
from emlit.tasks.answers.verifier import verified
from emlit.tasks.answers.words import same_words
from emlit.tasks.answers.writing import closing, compact, split, tidy

_LONGEST = 2000
_MOST_PARTS = 64
_MATRIX = re.compile(r"\\begin\{([pbBvV]?matrix|array)\}(?:\{[^{}]*\})?(?P<rows>.*)\\end\{\1\}", re.DOTALL)
_NAME = re.compile(
    r"(?:\\(?:angle|overline|vec|hat|bar|mathrm|text|operatorname|tilde|dot|ddot|triangle)\s*)*\{?"
    r"(?:\\(?!pi\b|frac|sqrt|sin|cos|tan|log|ln|infty|exp|cdot|times|binom|pm)[a-zA-Z]+|[A-Za-z]+(?: ?[A-Za-z0-9])*)\}?"
    r"\s*(?:'|\^\s*\{?\s*(?:\\prime|\*|\\circ)\s*\}?)*\s*(?:_\s*(?:\{[^{}]*\}|\w))?\s*'*\s*"
    r"(?:\(\s*[A-Za-z\\, _{}0-9]*\))?"
)
_DERIVATIVE = re.compile(r"\\frac\s*\{\s*(?:d|\\partial)[^{}+=-]*\}\s*\{\s*(?:d|\\partial)[^{}+=-]*\}")
_EQUALS = r"(?<![<>!\\])=(?!=)|\\approx(?![a-zA-Z])|\\simeq(?![a-zA-Z])|\\sim(?![a-zA-Z])|\\propto(?![a-zA-Z])"
_IN = re.compile(r"^(?:\\?[A-Za-z]\w*(?:_\{\w+\})?|\([A-Za-z_{}0-9, ]+\))\s*\\in(?![a-zA-Z])\s*")
_SIGNED = re.compile(r"\\(?:pm|mp)(?![a-zA-Z])")
_BASE = re.compile(r"\d\s*_")


class Tolerance(NamedTuple):
    """How far numbers may be apart: as a share of the larger one, or as a difference."""

    relative: float = 0.0
    absolute: float = 0.0


def math_equal(answer: str | None, gold: str, relative: float = 0.0, absolute: float = 0.0) -> bool:
    """Whether two answers mean the same; a malformed or missing answer is False, never an exception.

    Args:
        answer: LaTeX, plain text or a mixture, with or without $
        gold: what it is compared with; the order of the two makes no difference
        relative: numbers may differ by this share of the larger one
        absolute: numbers may differ by this much
    """
    if answer is None:
        return False
    answer, gold = (text.strip().strip("$").strip() for text in (answer, gold))
    if answer == gold:
        return bool(gold)
    if not answer or not gold or max(len(answer), len(gold)) > _LONGEST:
        return False
    try:
        return _same(tidy(answer), tidy(gold), Tolerance(relative, absolute))
    except RecursionError:  # a thousand brackets
        return False


def _same(left: str, right: str, tolerance: Tolerance) -> bool:
    if not left or not right:
        return False
    if compact(left) == compact(right):
        return True
    numbers = number(left), number(right)
    if numbers[0] and numbers[1]:
        if same_number(*numbers, *tolerance):
            return True
        if "," not in left and "," not in right:
            return False
    for rule in (_several, _equations, _unions, _bracketed, _matrices):
        verdict = rule(left, right, tolerance)
        if verdict is not None:
            return verdict
    return _leaves(left, right, tolerance)


def _several(left: str, right: str, tolerance: Tolerance) -> bool | None:
    """Answers with commas between them, or a sign ±, or a set: in any order."""
    parts = [_elements(text) for text in (left, right)]
    for place, text in enumerate((left, right)):  # 100,200 as a list; as a number it was compared before
        if parts[place] is None and len(parts[1 - place] or ()) > 1 or number(left) and number(right):
            parts[place] = _digit_groups(text) or parts[place]
    if parts[0] is None and parts[1] is None:
        return None
    bare = [text for text, elements in ((left, parts[0]), (right, parts[1])) if elements is None]
    items = [elements or [text] for text, elements in zip((left, right), parts, strict=True)]
    for text in bare:  # 1, 2 for the point (1, 2): only the parentheses were left out
        inner = _inside(text, "(", ")")
        other = items[1] if text == left else items[0]
        if inner is not None and len(other) > 1 and not _braced(right if text == left else left):
            coordinates = split(inner, ",")
            return len(coordinates) == len(other) and _in_order(coordinates, other, tolerance)
    if len(items[0]) != len(items[1]) or len(items[0]) > _MOST_PARTS:
        return False
    if len(items[0]) == 1:
        return None if items == [[left], [right]] else _same(items[0][0], items[1][0], tolerance)
    names = [[_name(item) for item in side] for side in items]
    if any(all(side) and len(set(side)) > 1 and not any(names[1 - place]) for place, side in enumerate(names)):
        return _in_order(*items, tolerance)  # x = 1, y = 2 and 1, 2
    return _in_any_order(*items, tolerance)


def _in_order(left: list[str], right: list[str], tolerance: Tolerance) -> bool:
    return all(_same(a, b, tolerance) for a, b in zip(left, right, strict=True))


def _in_any_order(left: list[str], right: list[str], tolerance: Tolerance) -> bool:
    unmatched = list(right)
    for item in left:
        found = next((place for place, other in enumerate(unmatched) if _same(item, other, tolerance)), None)
        if found is None:
            return False
        del unmatched[found]
    return True


def _elements(text: str) -> list[str] | None:
    """The answers that a text gives; None for one that is no set and no list."""
    inner = _braced(text)
    body = text if inner is None else inner
    if inner is not None and re.search(r"\\mid(?![a-zA-Z])|(?<!\|)\||:", inner):
        return None  # a set by a condition
    if inner is None and number(body):
        return None
    items = [item for item in split(_IN.sub("", body) if inner is None else body, r",|;") if item]
    if inner is None and len(items) == 1 and not _SIGNED.search(text):
        return None
    return [signed for item in items for signed in _signs(item)] or None


def _digit_groups(text: str) -> list[str] | None:
    return text.split(",") if re.fullmatch(r"\d+(?:,\d+)+", text) else None


def _signs(text: str) -> list[str]:
    if not _SIGNED.search(text):
        return [text]
    upper = {"\\pm": "+", "\\mp": "-"}
    lower = {"\\pm": "-", "\\mp": "+"}
    return [
        re.sub(r"^\+\s*|(?<==)\s*\+", "", _SIGNED.sub(lambda m, side=side: side[m[0]], text)) for side in (upper, lower)
    ]


def _braced(text: str) -> str | None:
    r"""What stands in \{ and \}."""
    body = _IN.sub("", text)
    if not (body.startswith("\\{") and body.endswith("\\}")) or closing(body, 1) != len(body) - 1:
        return None
    return body[2:-2].strip()


def _inside(text: str, opening: str, end: str) -> str | None:
    if not (text.startswith(opening) and text.endswith(end)) or closing(text, 0) != len(text) - 1:
        return None
    return text[1:-1].strip()


def _equations(left: str, right: str, tolerance: Tolerance) -> bool | None:
    """A name in front of the answer is left out where the other has none: x = 5 and 5."""
    sides = [split(_IN.sub("", text), _EQUALS) for text in (left, right)]
    lengths = [len(side) for side in sides]
    if lengths == [1, 1]:
        stripped = [side[0] for side in sides]
        return None if stripped == [left, right] else _same(*stripped, tolerance)
    if 1 not in lengths:
        if not all(_is_name(side[0]) for side in sides):
            return None
        return (
            compact(sides[0][0]) == compact(sides[1][0])
            and _same(sides[0][-1], sides[1][-1], tolerance)
            or (None if lengths == [2, 2] else False)
        )
    chain, value = (sides[0], right) if lengths[0] > 1 else (sides[1], left)
    if re.search(r"[<>]|\\(?:leq|geq|neq|equiv)(?![a-zA-Z])", value):
        return False
    plain = not re.search(r"[A-Za-z]", re.sub(r"\\[A-Za-z]+", "", chain[0]))  # 3 + 4 = 7
    return (_is_name(chain[0]) or plain) and _same(chain[-1], value, tolerance)


def _is_name(text: str) -> bool:
    text = text.strip()
    inner = _inside(text, "(", ")")
    if inner is not None:
        return all(_is_name(part) for part in split(inner, ","))
    return bool(_NAME.fullmatch(text) or _DERIVATIVE.fullmatch(text))


def _name(text: str) -> str | None:
    sides = split(text, _EQUALS)
    return compact(sides[0]) if len(sides) > 1 and _is_name(sides[0]) else None


def _unions(left: str, right: str, tolerance: Tolerance) -> bool | None:
    parts = [split(text, r"\\cup(?![a-zA-Z])") for text in (left, right)]
    if len(parts[0]) == len(parts[1]) == 1:
        return None
    if len(parts[0]) != len(parts[1]):
        return None if _is_relation(left) or _is_relation(right) else False
    return _in_any_order(*parts, tolerance)


def _is_relation(text: str) -> bool:
    return bool(re.search(r"[<>]|\\(?:leq|geq|neq)(?![a-zA-Z])", text))


def _bracketed(left: str, right: str, tolerance: Tolerance) -> bool | None:
    """Points, tuples and intervals: the same brackets, the same parts in the same order."""
    parts = [_parts(text) for text in (left, right)]
    if parts[0] is None and parts[1] is None:
        return None
    if parts[0] is None or parts[1] is None:
        return None if _is_relation(left) or _is_relation(right) else False
    (opened, items), (other_opened, other_items) = parts
    return opened == other_opened and len(items) == len(other_items) and _in_order(items, other_items, tolerance)


def _parts(text: str) -> tuple[str, list[str]] | None:
    if len(text) < 3 or text[0] not in "([" or text[-1] not in ")]" or closing(text, 0) != len(text) - 1:
        return None
    items = split(text[1:-1].strip(), ",")
    return None if len(items) < 2 or len(items) > _MOST_PARTS else (text[0] + text[-1], items)


def _matrices(left: str, right: str, tolerance: Tolerance) -> bool | None:
    rows = [_rows(text) for text in (left, right)]
    if rows[0] is None and rows[1] is None:
        return None
    if rows[0] is None or rows[1] is None:
        return None if re.search(r"[+*]|\\cdot|^[^\\]", left + right) else False
    (kind, above), (other_kind, below) = rows
    if kind != other_kind:
        return None
    return [len(row) for row in above] == [len(row) for row in below] and all(
        _in_order(a, b, tolerance) for a, b in zip(above, below, strict=True)
    )


def _rows(text: str) -> tuple[bool, list[list[str]]] | None:
    r"""Whether it is a determinant, and the entries of its rows."""
    match = _MATRIX.fullmatch(text)
    if match is None or r"\begin" in match["rows"]:
        return None
    rows = [row for row in re.split(r"\\\\(?:\s*\[[^\]]*\])?", match["rows"]) if row.strip()]
    return match[1] in ("vmatrix", "Vmatrix"), [[cell.strip() for cell in row.split("&")] for row in rows]


def _leaves(left: str, right: str, tolerance: Tolerance) -> bool:
    verdict = same_words(left, right)
    if verdict is not None:
        return verdict
    (value, unit), (other, other_unit) = split_unit(left), split_unit(right)
    if unit is not None or other_unit is not None:
        if unit is not None and other_unit is not None and not same_unit(unit, other_unit):
            return False
        return _same(value, other, tolerance)
    if _BASE.search(left) or _BASE.search(right):
        return False  # 52 in base 8 is the same in writing alone; the parser would drop the base
    return verified(*sorted((_radians(left), _radians(right))), *tolerance)


def _radians(text: str) -> str:
    return re.sub(r"(\d+)\s*\^\s*\{?\s*\\circ\s*\}?", r"{\\frac{\1 \\pi}{180}}", text)
