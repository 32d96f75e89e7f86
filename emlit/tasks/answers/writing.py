"""One way of writing for what is written in many: spaces, fraction commands, delimiters, words between answers."""

import re

_CHARACTERS = str.maketrans(
    {
        "−": "-", "–": "-", "—": "-", "×": r"\times ", "·": r"\cdot ", "÷": "/", "π": r"\pi ", "∞": r"\infty ",
        "°": r"^\circ ", "≤": r"\leq ", "≥": r"\geq ", "≠": r"\neq ", "∪": r"\cup ", "∩": r"\cap ", "±": r"\pm ",
        "∈": r"\in ", "∅": r"\emptyset ", "θ": r"\theta ", "α": r"\alpha ", "β": r"\beta ", "λ": r"\lambda ",
        "μ": r"\mu ", "µ": r"\mu ", "σ": r"\sigma ", "ω": r"\omega ", "²": "^2", "³": "^3", "，": ", ", "、": ", ",
        "；": ";", "（": "(", "）": ")", "％": "%", "：": ":", "′": "'", "\u00a0": " ", "\u2009": " ", "\u202f": " ",
    }
)  # fmt: skip
_FUNCTIONS = "arcsinh|arccosh|arctanh|arcsin|arccos|arctan|sinh|cosh|tanh|sin|cos|tan|cot|sec|csc|ln|log|exp|sqrt|pi"

_RULES = [
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"(?<!\\)\$\s*,\s*\$", ", "),  # $69$,$84$ is two answers
        (r"\\\$|\$", ""),  # a price, or the delimiters of mathematics
        (r"(?<!\\)\\[()\[\]]", " "),
        (r"\\m?(?:left|right|[bB]igg?[lr]?)(?![a-zA-Z])\.?", ""),
        (r"\\(?:displaystyle|textstyle|limits|nolimits|hfill|boldmath)(?![a-zA-Z])", ""),
        (r"(?<!\\)\\!\s*", ""),
        (r"(?<!\\)\\[,;: ]|~|\\q?quad(?![a-zA-Z])|\\h?space\{[^{}]*\}|\\thinspace(?![a-zA-Z])", " "),
        (r"\\[dtc]frac(?![a-zA-Z])", r"\\frac"),
        (r"\\d?binom(?![a-zA-Z])", r"\\binom"),
        (r"\{\s*,\s*\}", ","),
        (r"\\(?:lbrace|\{)", r"\\{"),
        (r"\\(?:rbrace|\})", r"\\}"),
        (r"\\le(?![a-zA-Z])|\\leqslant(?![a-zA-Z])|<=", r"\\leq "),
        (r"\\ge(?![a-zA-Z])|\\geqslant(?![a-zA-Z])|>=", r"\\geq "),
        (r"\\lt(?![a-zA-Z])", "<"),
        (r"\\gt(?![a-zA-Z])", ">"),
        (r"\\ne(?![a-zA-Z])", r"\\neq "),
        (r"\\(?:varnothing)(?![a-zA-Z])", r"\\emptyset "),
        (r"\\var(epsilon|phi|theta|rho|sigma)(?![a-zA-Z])", r"\\\1"),
        (r"\\ast(?![a-zA-Z])|(?<!\*)\*(?!\*)", r"\\cdot "),
        (r"\*\*(?=\S)", "^"),
        (r"\\(?:text|mathrm|mbox|textrm)\{\s*,?\s*(?:and|or)\s*\}", ", "),
        (r"(?<=[\w)}\]] )(?:,\s*)?(?:and|or)(?= [\w\\({-])", ", "),
        (r"\\(?:mathbf|mathit|boldsymbol|mathsf|bm|mathcal|mathnormal)\s*\{([^{}]*)\}", r"\1"),
        (r"\\(?:mathrm|rm|operatorname)\s*\{\s*([ei])\s*\}", r"\1"),
        (r"_\s*\{?\s*\\(?:mathrm|text|rm|textrm|operatorname)\s*\{\s*([^{}]*?)\s*\}\s*\}?", r"_{\1}"),
        (r"_\s*\{\s*\\rm\s+([^{}]*?)\s*\}", r"_{\1}"),
        (r"_\s*\{\s*\\(max|min)\s*\}", r"_{\1}"),
        (r"_\s*\\(max|min)(?![a-zA-Z])", r"_{\1}"),
        (r"_\s*([A-Za-z0-9])(?![A-Za-z0-9]*\})", r"_{\1}"),
        (r"\\operatorname\*?\s*\{\s*(" + _FUNCTIONS + r"|lcm|gcd)\s*\}", r"\\\1"),
        (r"(?<=\d)\s*\^?\s*\{?\s*\\(?:text|mathrm)\s*\{\s*(?:st|[nr]d|th)\s*\}\s*\}?", ""),
        (r"\b(?:np|numpy|math|sympy|sp)\.(?=[a-z])", ""),
        (r"(?<![\\A-Za-z])(" + _FUNCTIONS + r")(?![A-Za-z])", r"\\\1"),
        (r"(?<![\\A-Za-z])(?:infinity|infty|inf|oo)(?![A-Za-z])", r"\\infty"),
        (r"(\d)\.(?=\s*[/)}])", r"\1"),  # -1./3
        (r"\^\s*([+-]?\s*\d+|[A-Za-z])", r"^{\1}"),
        (r"\s+", " "),
    )
]
_LISTED = re.compile(r"\\(?:text|mathrm|textbf)\s*\{([^{}]*,[^{}]*)\}")  # \text{B, E}
_SHORT_ARGUMENT = r"(?:\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}|\\[a-zA-Z]+|[0-9A-Za-z])"
_FRACTION = re.compile(rf"\\frac\s*({_SHORT_ARGUMENT})\s*({_SHORT_ARGUMENT})")
_ROOT = re.compile(r"\\sqrt\s*([0-9A-Za-z]|\\[a-zA-Z]+)")
_COMPACT = re.compile(r"(?<![0-9A-Za-z])\s+|\s+(?![0-9A-Za-z])|(?<=\d)\s+(?=[A-Za-z])")
_OPENING, _CLOSING = "([{", ")]}"


def tidy(text: str) -> str:
    """The same answer in a plainer writing: no delimiters of mathematics, one kind of fraction, single spaces."""
    text = text.translate(_CHARACTERS)
    listed = _LISTED.fullmatch(text.strip().strip("$"))
    text = listed[1] if listed else text
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    text = _FRACTION.sub(lambda m: rf"\frac{_braced(m[1])}{_braced(m[2])}", text)
    text = _ROOT.sub(lambda m: rf"\sqrt{_braced(m[1])}", text)
    text = _reciprocals(_brace_arguments(text))
    while True:
        shorter = text.strip().rstrip(".,;:").removesuffix("\\").strip()
        if shorter.startswith("{") and closing(shorter, 0) == len(shorter) - 1:
            shorter = shorter[1:-1]
        if shorter == text:
            return text
        text = shorter


def compact(text: str) -> str:
    """Without the spaces that mean nothing."""
    return _COMPACT.sub("", text)


def closing(text: str, start: int) -> int:
    """Where the bracket that opens at `start` closes, of whatever kinds; -1 where it does not."""
    depth = 0
    for position in range(start, len(text)):
        if text[position] in _OPENING:
            depth += 1
        elif text[position] in _CLOSING:
            depth -= 1
            if depth == 0:
                return position
    return -1


def split(text: str, separators: str) -> list[str]:
    r"""The parts between separators that stand in no bracket and no environment; a regular expression finds them."""
    parts, depth, start, position = [], 0, 0, 0
    pattern = re.compile(separators)
    while position < len(text):
        if text.startswith((r"\begin", r"\end"), position):
            depth += 1 if text.startswith(r"\begin", position) else -1
        if text[position] in _OPENING:
            depth += 1
        elif text[position] in _CLOSING:
            depth -= 1
        elif depth == 0 and (match := pattern.match(text, position)):
            parts.append(text[start:position].strip())
            start = position = match.end()
            continue
        position += 1
    return [*parts, text[start:].strip()]


def _braced(argument: str) -> str:
    return argument if argument.startswith("{") else "{" + argument + "}"


def _brace_arguments(text: str) -> str:
    r"""sqrt(x) and x^(1/2) with braces."""
    for opening in (r"\sqrt(", "^("):
        found = text.find(opening)
        while found >= 0:
            start = found + len(opening) - 1
            end = closing(text, start)
            if end < 0 or text[end] != ")":
                break
            text = text[:start] + "{" + text[start + 1 : end] + "}" + text[end + 1 :]
            found = text.find(opening, found + 1)
    return text


def _reciprocals(text: str) -> str:
    """sech(x) and its like, which the parser does not know, as reciprocals."""
    for name, base in (("sech", r"\cosh"), ("csch", r"\sinh"), ("coth", r"\tanh")):
        found = re.search(
            rf"\\(?:operatorname\s*\{{\s*{name}\s*\}}|{name}(?![a-z]))\s*(\^\{{[^{{}}]*\}})?\s*(?=\()", text
        )
        while found is not None:
            end = closing(text, found.end())
            if end < 0:
                break
            argument = text[found.end() : end + 1]
            text = text[: found.start()] + rf"(\frac{{1}}{{{base}{argument}}}){found[1] or ''}" + text[end + 1 :]
            found = re.search(found.re, text)
    return text
