"""What an answer is made of: the elements of a list or a set, the ends of an interval, the rows of a matrix, a name."""

import re

from emlit.grading.numbers import number
from emlit.grading.quantities import split_unit
from emlit.grading.writing import closing, compact, split

MOST_PARTS = 64
EQUALS = r"(?<![<>!\\])=(?!=)|\\approx(?![a-zA-Z])|\\simeq(?![a-zA-Z])|\\sim(?![a-zA-Z])|\\propto(?![a-zA-Z])"
_MATRIX = re.compile(
    r"\\begin\{(?P<kind>[pbBvV]?matrix|smallmatrix|array)\}(?:\{[^{}]*\})?(?P<rows>.*)\\end\{(?P=kind)\}", re.DOTALL
)
_NAME = re.compile(
    r"(?:\\(?:angle|overline|vec|hat|bar|mathrm|text|operatorname|tilde|dot|ddot|triangle)\s*)*\{?"
    r"(?:\\(?!pi\b|frac|sqrt|sin|cos|tan|log|ln|infty|exp|cdot|times|binom|pm)[a-zA-Z]+|[^\W\d_]+(?: ?[^\W_])*)\}?"
    r"\s*(?:'|\^\s*\{?\s*(?:\\prime|\*|\\circ|-1(?=\}?\s*\())\s*\}?)*\s*(?:_\s*(?:\{[^{}]*\}|\w))?\s*'*\s*"
    r"(?:\(\s*[A-Za-z\\, _{}0-9]*\))?"
)
_DERIVATIVE = re.compile(r"\\frac\s*\{\s*(?:d|\\partial)[^{}+=-]*\}\s*\{\s*(?:d|\\partial)[^{}+=-]*\}")
_IN = re.compile(r"^(?:\\?[A-Za-z]\w*(?:_\{\w+\})?|\([A-Za-z_{}0-9, ]+\))\s*\\in(?![a-zA-Z])\s*")
_SIGNED = re.compile(r"\\(?:pm|mp)(?![a-zA-Z])")


def without_membership(text: str) -> str:
    r"""Without x \in in front."""
    return _IN.sub("", text)


def elements(text: str) -> list[str] | None:
    """The answers that a text gives; None for one that is no set and no list."""
    inner = braced(text)
    body = text if inner is None else inner
    if inner is not None and re.search(r"\\mid(?![a-zA-Z])|(?<!\|)\||:", inner):
        return None  # a set by a condition
    if inner is None and number(split_unit(body)[0]):
        return None
    if named := _named_one_by_one(body):
        return named
    # 1,000, 2,000 has two elements.
    commas = r", |;" if ", " in body and re.search(r"\d,\d{3}(?!\d)", body) else r",|;"
    items = [item for item in split(without_membership(body) if inner is None else body, commas) if item]
    if inner is None and len(items) == 1 and not _SIGNED.search(text):
        return None
    return [signed for item in items for signed in _signs(item)] or None


def _named_one_by_one(text: str) -> list[str] | None:
    """(x, y) = (1, 2) as x = 1 and y = 2; None for anything else."""
    sides = [inside(side, "(", ")") for side in split(text, EQUALS)]
    if len(sides) != 2 or None in sides:
        return None
    names, values = (split(side or "", ",") for side in sides)
    if len(names) != len(values) or not all(map(is_name, names)):
        return None
    return [f"{name} = {value}" for name, value in zip(names, values, strict=True)]


def digit_groups(text: str) -> list[str] | None:
    """100,200 as two numbers; None for anything else."""
    return text.split(",") if re.fullmatch(r"\d+(?:,\d+)+", text) else None


def _signs(text: str) -> list[str]:
    if not _SIGNED.search(text):
        return [text]
    upper = {"\\pm": "+", "\\mp": "-"}
    lower = {"\\pm": "-", "\\mp": "+"}
    return [
        re.sub(r"^\+\s*|(?<==)\s*\+", "", _SIGNED.sub(lambda m, side=side: side[m[0]], text)) for side in (upper, lower)
    ]


def braced(text: str) -> str | None:
    r"""What stands in \{ and \}."""
    body = without_membership(text)
    if not (body.startswith("\\{") and body.endswith("\\}")) or closing(body, 1) != len(body) - 1:
        return None
    return body[2:-2].strip()


def inside(text: str, opening: str, end: str) -> str | None:
    """What stands between two brackets that hold the whole text."""
    if not (text.startswith(opening) and text.endswith(end)) or closing(text, 0) != len(text) - 1:
        return None
    return text[1:-1].strip()


def bracketed(text: str) -> tuple[str, list[str]] | None:
    """The two brackets of a point, tuple or interval, and its parts."""
    if len(text) < 3 or text[0] not in "([" or text[-1] not in ")]" or closing(text, 0) != len(text) - 1:
        return None
    items = split(text[1:-1].strip(), ";" if ";" in text else ",")
    return None if len(items) < 2 or len(items) > MOST_PARTS else (text[0] + text[-1], items)


def matrix_rows(text: str) -> tuple[bool, list[list[str]]] | None:
    r"""Whether it is a determinant, and the entries of its rows; with any brackets, or as [[1, 2], [3, 4]]."""
    ends = text[:1] + text[-1:]
    match = _MATRIX.fullmatch(text[1:-1].strip() if ends in ("()", "[]", "||") else text)
    if match is not None and r"\begin" not in match["rows"]:
        rows = [row for row in re.split(r"\\\\(?: ?\[[^][]*\])?", match["rows"].replace(r"\hline", "")) if row.strip()]
        return ends == "||" or match["kind"] in ("vmatrix", "Vmatrix"), [
            [cell.strip() for cell in row.split("&")] for row in rows
        ]
    inner = [inside(row, "[", "]") for row in split(inside(text, "[", "]") or "", ",")]
    return None if None in inner else (False, [split(row, ",") for row in inner if row is not None])


def is_name(text: str) -> bool:
    """Whether a text names what was asked for: x, f(x), m_{max}, (x, y), an angle, a derivative."""
    text = text.strip()
    inner = inside(text, "(", ")")
    if inner is not None:
        return all(is_name(part) for part in split(inner, ","))
    return bool(_NAME.fullmatch(text) or _DERIVATIVE.fullmatch(text))


def name_in_front(text: str) -> str | None:
    """The x of x = 5."""
    sides = split(text, EQUALS)
    return compact(sides[0]) if len(sides) > 1 and is_name(sides[0]) else None


def is_relation(text: str) -> bool:
    """Whether it is an inequality."""
    return bool(re.search(r"[<>]|\\(?:leq|geq|neq)(?![a-zA-Z])", text))
