"""What an answer is made of: the elements of a list or a set, the ends of an interval, the rows of a matrix, a name."""

import re

from emlit.tasks.answers.numbers import number
from emlit.tasks.answers.writing import closing, compact, split

MOST_PARTS = 64
EQUALS = r"(?<![<>!\\])=(?!=)|\\approx(?![a-zA-Z])|\\simeq(?![a-zA-Z])|\\sim(?![a-zA-Z])|\\propto(?![a-zA-Z])"
_MATRIX = re.compile(r"\\begin\{([pbBvV]?matrix|array)\}(?:\{[^{}]*\})?(?P<rows>.*)\\end\{\1\}", re.DOTALL)
_NAME = re.compile(
    r"(?:\\(?:angle|overline|vec|hat|bar|mathrm|text|operatorname|tilde|dot|ddot|triangle)\s*)*\{?"
    r"(?:\\(?!pi\b|frac|sqrt|sin|cos|tan|log|ln|infty|exp|cdot|times|binom|pm)[a-zA-Z]+|[A-Za-z]+(?: ?[A-Za-z0-9])*)\}?"
    r"\s*(?:'|\^\s*\{?\s*(?:\\prime|\*|\\circ)\s*\}?)*\s*(?:_\s*(?:\{[^{}]*\}|\w))?\s*'*\s*"
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
    if inner is None and number(body):
        return None
    items = [item for item in split(without_membership(body) if inner is None else body, r",|;") if item]
    if inner is None and len(items) == 1 and not _SIGNED.search(text):
        return None
    return [signed for item in items for signed in _signs(item)] or None


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
    items = split(text[1:-1].strip(), ",")
    return None if len(items) < 2 or len(items) > MOST_PARTS else (text[0] + text[-1], items)


def matrix_rows(text: str) -> tuple[bool, list[list[str]]] | None:
    r"""Whether it is a determinant, and the entries of its rows."""
    match = _MATRIX.fullmatch(text)
    if match is None or r"\begin" in match["rows"]:
        return None
    rows = [row for row in re.split(r"\\\\(?:\s*\[[^\]]*\])?", match["rows"]) if row.strip()]
    return match[1] in ("vmatrix", "Vmatrix"), [[cell.strip() for cell in row.split("&")] for row in rows]


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
