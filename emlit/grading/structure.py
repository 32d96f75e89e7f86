"""What an answer is made of: the elements of a list or a set, the rows of a matrix, a name."""

import re
import string

from emlit.grading.numbers import number
from emlit.grading.quantities import split_unit
from emlit.grading.writing import closing, compact, split

MOST_PARTS = 64
EQUALS = r"(?<![<>!\\])=(?!=)|\\approx(?![a-zA-Z])|\\simeq(?![a-zA-Z])|\\sim(?![a-zA-Z])|\\(?:propto|equiv)(?![a-zA-Z])"
_MATRIX = re.compile(
    r"\\begin\{(?P<kind>[pbBvV]?matrix|smallmatrix|array)\}(?:\{[^{}]*\})?(?P<rows>.*)\\end\{(?P=kind)\}", re.DOTALL
)
_NAME = re.compile(
    r"(?:\\(?:angle|overline|vec|hat|bar|mathrm|text|operatorname|tilde|dot|ddot|triangle)\s*)*\{?"
    r"(?:\\(?!pi\b|frac|sqrt|sin|cos|tan|log|ln|infty|exp|cdot|times|binom|pm)[a-zA-Z]+|[^\W\d_]+(?: ?[^\W_])*)\}?"
    r"\s*(?:'|\^\s*\{?\s*(?:\\prime|\*|\\circ|-1(?=\}?\s*\())\s*\}?)*\s*(?:_\s*(?:\{[^{}]*\}|\w))?\s*'*\s*"
    r"(?:\(\s*[A-Za-z\\, _{}0-9]*\))?|\|[A-Za-wz]\||[A-Z]{2}\^\{2\}|[A-Z]\^\{-1\}"
)
_LETTERS = r"(?:[A-Za-z]+|\\(?:alpha|beta|gamma|theta|lambda|mu|sigma|omega)(?![a-z]))(?: ?_ ?(?:\{[^{}]*\}|\w))?'*"
_TERM = rf"(?:\d* ?|\\(?:vec|overline|overrightarrow|hat|bar|angle) ?\{{? ?){_LETTERS}\}}?(?: ?\^ ?\{{?\d\}}?)?"
_ANGLE = r"(?:\d ?)?\(?(?:\\angle ?)?(?:[A-Z]+(?![a-z])|\\(?:alpha|beta|gamma|theta|phi|varphi|omega)(?![a-z]))"
_VARIABLES = re.compile(r"\\[a-z]+|[A-Za-df-hj-z](?: ?_ ?(?:\{[^{}]*\}|\w))?")
# What is asked for, of several letters: m + n, \frac{NO}{BO}, P(X = 2), |AB|, \sin A.
_ASKED = re.compile(
    rf"(?!.*(?<![A-Za-z])[xyz] ?\^)-?{_TERM}(?: ?(?:[-+*/:]|\\(?:cdot|times)(?![a-z])) ?{_TERM})*|"
    rf"\\frac ?\{{{_TERM}\}} ?\{{{_TERM}\}}|(?!\|[a-z]\|)\\?\|{_TERM}(?: ?[-+] ?{_TERM})*\\?\||"
    r"(?:\\(?:mathbb|operatorname|mathrm|Pr) ?\{?)?(?P<function>[PEVDfghpq]|[A-Z]?[a-z]{2,}|\\Pr)\}? ?"
    r"(?P<arguments>[(\[].*[)\]])|"
    rf"\\(?:sin|cos|tan|cot|sec|csc)(?: ?\^ ?\{{?\d\}}?)? ?{_ANGLE}(?: ?[-+] ?{_ANGLE})*\)?|"
    r"\\(?:lim|int|iint|oint|sum|prod|det|dim|deg|arg)(?![a-z]).+"
)
_DERIVATIVE = re.compile(r"\\frac\s*\{\s*(?:d|\\partial)[^{}+=-]*\}\s*\{\s*(?:d|\\partial)[^{}+=-]*\}")
_FUNCTION = re.compile(r"(?P<name>[A-Za-z]) ?\( ?(?P<variable>[a-z]) ?\) ?=(?!=)")
MEMBER = re.compile(r"^(?:\\?[A-Za-z]\w*(?:_\{\w+\})?|\([A-Za-z_{}0-9, ]+\))\s*\\in(?![a-zA-Z])\s*")
_DOMAIN = re.compile(r"(?P<variable>[A-Za-z]) ?\\in ?(?P<name>\\mathbb\{[A-Z]\}(?: ?[_^] ?\{?[^{}\s]*\}?)?)\Z")
VARIABLE = re.compile(r"[A-Za-z]|\\(?:alpha|beta|theta|lambda|mu|omega)")
_SIGNED = re.compile(r"\\(?:pm|mp)(?![a-zA-Z])")


def without_membership(text: str) -> str:
    r"""Without x \in in front."""
    return MEMBER.sub("", text)


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
    if repeated := _named_in_turn(body):
        return repeated
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


def _named_in_turn(text: str) -> list[str] | None:
    """p = 5, q = 2; p = 7, q = 2 as (p, q) = (5, 2) and (p, q) = (7, 2); None for anything else."""
    pairs = [split(item, EQUALS) for item in split(text, ",|;")]
    names = [pair[0] for pair in pairs]
    period = len(set(names))
    if not 1 < period < len(names) or any(len(pair) != 2 for pair in pairs) or not all(map(is_name, names)):
        return None
    turns = [sorted(pairs[start : start + period]) for start in range(0, len(pairs), period)]
    if any([name for name, _ in turn] != sorted(set(names)) for turn in turns):
        return None
    return [f"({','.join(n for n, _ in turn)})=({','.join(v for _, v in turn)})" for turn in turns]


def digit_groups(text: str) -> list[str] | None:
    """100,200 as two numbers, AC as two options; None for anything else."""
    options = re.fullmatch(r"(?:\\text ?\{ ?)?([A-H]{2,})(?: ?\})?", text)
    return [*options[1]] if options else text.split(",") if re.fullmatch(r"\d+(?:,(?:0|[1-9]\d*))+", text) else None


def _signs(text: str) -> list[str]:
    if not _SIGNED.search(text):
        return [text]

    def one(side: dict[str, str]) -> str:
        return re.sub(r"^\+\s*|(?<==)\s*\+", "", _SIGNED.sub(lambda m: side[m[0]], text))

    return [one({"\\pm": "+", "\\mp": "-"}), one({"\\pm": "-", "\\mp": "+"})]


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


def with_variable_of(left: str, right: str) -> str | None:
    """f(n) = n + 1 as f(x) = x + 1, where left is of f(x), and so a k in Z; None for anything else."""
    one, other = (_FUNCTION.match(text) or _DOMAIN.search(text) for text in (left, right))
    if one is None or other is None or one["name"] != other["name"] or one["variable"] == other["variable"]:
        return None
    if re.search(rf"(?<![A-Za-z\\]){one['variable']}(?![A-Za-z])", right):
        return None
    return re.sub(rf"(?<![A-Za-z\\]){other['variable']}(?![A-Za-z])", one["variable"], right)


def is_asked(text: str) -> bool:
    """Whether a text names its value by what it is of: m + n, P(X = 2), |AB|; no equation in one variable, as 2x."""
    text = text.strip()
    found = _ASKED.fullmatch(text)
    if found and found["function"]:
        start = found.start("arguments")
        return closing(text, start) == len(text) - 1 and found["function"] not in found["arguments"]
    names = {*_VARIABLES.findall(text)} - {r"\cdot", r"\times"}
    # 2x + 3y = 6 is a line, and 6 is none.
    return found is not None and (text[0] in "\\|" or len(names) > 1) and not {"x", "y"} <= names


def is_set(text: str) -> bool:
    r"""Whether a text is a set in braces, or the empty one."""
    return braced(text) is not None or text.strip() == r"\emptyset"


def without_domain(items: list[str], others: list[str]) -> list[str]:
    r"""Without a last k \in \mathbb{Z}, which says what k of the answer before it is, where the others have none."""
    match = _DOMAIN.fullmatch(items[-1])
    if match is None or len(items) < 2 or any(_DOMAIN.fullmatch(other) for other in others):
        return items
    return items[:-1] if any(match["variable"] in item for item in items[:-1]) else items


def name_in_front(text: str) -> str | None:
    """The x of x = 5."""
    sides = split(text, EQUALS)
    return compact(sides[0]) if len(sides) > 1 and is_name(sides[0]) else None


def in_turn(items: list[str]) -> list[str]:
    """Items in the order of their names, where these are neighbours in the alphabet: y = 2, x = 1; else as they are."""
    names = sorted(name_in_front(item) or "" for item in items)
    if "".join(names) not in string.ascii_letters or not all(len(name) == 1 for name in names):
        return items
    return sorted(items, key=lambda item: name_in_front(item) or "")


def named_alike(items: list[str]) -> list[str] | None:
    """x = y = 0 as x = 0 and y = 0, and all other items as they are; None where there is none."""
    chains = [split(item, EQUALS) for item in items]
    spread = [
        [f"{name}={chain[-1]}" for name in chain[:-1]] if all(map(VARIABLE.fullmatch, chain[:-1])) else [item]
        for chain, item in zip(chains, items, strict=True)
    ]
    return [each for some in spread for each in some] if any(len(some) > 1 for some in spread) else None


def is_relation(text: str) -> bool:
    """Whether it is an inequality."""
    return bool(re.search(r"[<>]|\\(?:leq|geq|neq)(?![a-zA-Z])", text))
