"""One way of writing for what is written in many: spaces, fraction commands, delimiters, words between answers."""

import contextlib
import re
import unicodedata
from itertools import pairwise

from emlit.grading.decoration import plain_latex, undressed
from emlit.grading.rules import DELIMITERS, RULES
from emlit.grading.spoken import counted, sole, spoken

_CHARACTERS = str.maketrans(
    {
        "−": "-", "–": "-", "—": "-", "×": r"\times ", "·": r"\cdot ", "÷": "/", "π": r"\pi ", "∞": r"\infty ",
        "°": r"^\circ ", "≤": r"\leq ", "≥": r"\geq ", "≠": r"\neq ", "∪": r"\cup ", "∩": r"\cap ", "±": r"\pm ",
        "∈": r"\in ", "∅": r"\emptyset ", "θ": r"\theta ", "α": r"\alpha ", "β": r"\beta ", "λ": r"\lambda ",
        "μ": r"\mu ", "µ": r"\mu ", "σ": r"\sigma ", "ω": r"\omega ", "≈": r"\approx ", "ℝ": r"\mathbb{R}",
        "ℤ": r"\mathbb{Z}", "ℚ": r"\mathbb{Q}", "ℕ": r"\mathbb{N}", "ℂ": r"\mathbb{C}", "…": r"\ldots ",
        "\u2044": "/", "\u2236": ":", "\u2062": " ", "\u200b": "", "\ufeff": "", "℃": r"^\circ C ", "’": "'",
        "，": ", ", "、": ", ", "′": "'", "\u00a0": " ", "\u2009": " ", "\u202f": " ",
        "º": r"^\circ ", "\u2011": "-", "″": '"', "\ufe63": "-", "\u2060": "",
    }
)  # fmt: skip
_SYNONYMS = {
    "\\" + name: plain
    for plain, names in {
        r"\frac": "dfrac tfrac cfrac nicefrac sfrac", r"\{": "lbrace", r"\}": "rbrace", "[": "lbrack", "]": "rbrack",
        "(": "langle", ")": "rangle", "<": "lt", ">": "gt", r"\leq ": "le leqslant",
        r"\geq ": "ge geqslant", r"\neq ": "ne", r"\emptyset ": "varnothing", r"\cdot ": "ast",
        r"\epsilon": "varepsilon", r"\phi": "varphi", r"\ldots": "dots cdots dotsc dotsb",
        r"\tan": "tg", r"\cot": "ctg ctan", r"\arctan": "arctg", r"\csc": "cosec",
        " ": "quad qquad enspace thinspace space", "i": "imath", "j": "jmath",
    }.items()
    for name in names.split()
}  # fmt: skip
_SUPERSCRIPTS = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻]+")
_VULGAR = re.compile("[¼-¾⅐-⅞]")
_ROOT_SIGN = re.compile(r"√ ?(\d*\.?\d*)")
# 18 million, 3万; a dozen may be what was asked for.
_POWERS = {"hundred": 2, "thousand": 3, "lakh": 5, "million": 6, "crore": 7, "billion": 9, "trillion": 12,
           "百": 2, "千": 3, "万": 4, "萬": 4, "만": 4, "亿": 8, "億": 8, "억": 8}  # fmt: skip
_MULTIPLE = re.compile(r"(?<=[\d}]) ?(?:\\text ?\{ ?)?(" + "|".join(_POWERS) + r")s?(?![A-Za-z])(?: ?\})?")
_BASE = re.compile(
    r"\(?(?P<digits>[\dA-Fa-f]+(?:,\d{3})*)\)? ?(?:_[ {(]*(?:\\(?:text|mathrm) ?\{ ?)?(?P<base>\d\d?|[a-z]{3,})|"
    r",? ?(?:\\text ?\{ ?)?\(?(?:in )?base ?\}? ?(?P<named>\d\d?))[ )}]*"
)
# What says nothing in front of a number, and a remark behind an answer.
_ABOUT = re.compile(
    r"(?:\\text ?\{ ?)?(?:a total of|about|approx(?:imately|\.)?|around|roughly|nearly|exactly|precisely) ?"
    r"(?: \}|\} ?|(?<= ))(?=[-+\d.\\$(])",
    re.IGNORECASE,
)
_REMARK = re.compile(
    r" ?(?:\\text ?\{ ?)?\((?:\\text ?\{ ?)?(?:reject|discard|exclud|extraneous|ignor|since|because|when|where|rounded|"
    r"not (?=\w)|only|by|using|from|in\b|total)[^()]*(?:\([^()]*\)[^()]*)*\)(?: ?\})?\Z|"
    r",? ?(?:\\text ?\{|(?<= )),? ?(?:in total|in all|altogether|(?:when )?(?:rounded )?to "
    r"(?:the nearest|\w+ (?:decimal|significant)) [a-z- ]+)(?: ?\})?\Z"
)
_AFFIRMED = re.compile(
    r"\A(yes|no|true|false), (?!.*\b(?:but|yes|no|not|true|false|or)\b)[A-Za-z' ]+\Z", re.IGNORECASE
)  # Yes, it is
_AT = re.compile(  # 18 when x = 2
    r"\A(?=.*[ {](?:when|at|where|with|for) ?\}? ?([A-Za-z]) ?=)((?:(?!\1)[^;])+?),? ?(?:\\text ?\{ ?,? ?|(?<= ))"
    r"(?:when|at|where|with|for) ?\}? ?\1 ?=[^=,;]*\Z"
)
# Behind f(x) = x + 1.
_FOR_ALL = re.compile(
    r",? ?(?:\\text ?\{ ?)?,? ?for (?:all|every|any) (?:(?:real|positive|natural|whole|integer) )*"
    r"(?:(?:numbers?|integers?|reals?) ?)?\}? ?[a-z](?: ?\\in ?\\mathbb ?\{? ?[RNZQ] ?\}?(?: ?[_^] ?\{?[+*]\}?)?)?\Z"
)
# What was asked for, in front of it: "Profit: 18" is read as Profit = 18.
_LABEL = re.compile(
    r"(?![^:]{0,60}(?i:\b(?:not|wrong|incorrect|root|squared|cubed)\b))"
    r"(?:\\(?:text|mathrm) ?\{ ?(?P<worded>[^{}:]*[^\W\d_])(?:: ?\}| is ?\}| ?\} ?:)(?=.)|"
    r"(?P<bare>(?:[^\W\d_]+ )*(?:[^\W\d_]{3,}|[^\x00-\x7f]+)) ?:(?= ?[-+\d.\\$(€£¥]))"
)
_ANSWER = re.compile(
    r"(?:\\text ?\{ ?)?(?:the |my )?(?:final |correct )?answer(?: is)?(?: ?\}| ?:|(?<=is) )(?: ?[:}])?(?=.)|"
    r"(?:\\text ?\{ ?)?(?:the )?(?:option|choice|answer) (?:\} ?)?(?=\(?[A-J]\)?(?:[:.) ]|\Z))",
    re.IGNORECASE,
)
_BARE_SET = re.compile(r"\{[^{}\\]*,(?!\d{3}(?!\d))[^{}\\]*\}")
# \text{B, E}, \text{€5}
_TEXT = re.compile(r"\\(?:text|mathrm) ?\{ ?([^{}]*)\}")
_IN_TEXT = re.compile(
    r",| and | or |\A(?:[Tt]he )?(?:\w+ )?(?:[Oo]ption|[Cc]hoice|[Aa]nswer)(?: is|:)? \(?(?:[A-J]|-?\d)(?!\w)|"
    r"\A\(?[A-J](?:\)|[.:] | \()|\A\(?[+-]?(?:\\\$|[^\w\s{}\\])?\d"
)
_ONE_LETTER = re.compile(r"(?<=\d) [A-Za-z]\Z")  # \text{18 L} has a unit, 18 L may be a product
_R = r"(?:\\(?:mathbb|Bbb) ?\{? ?R ?\}?|\\(?:R|Reals|reals)(?![a-zA-Z]))"
_REALS = re.compile(
    rf"(?:[A-Za-z] ?\\in ?)?(?:{_R}|"
    r"(?:\\text ?\{ ?)?(?:the set of )?(?:[Aa]ll )?(?:reals|real (?:numbers|values))(?: [a-z])?(?: ?\})?)"
    r"(?: ?(?:\\setminus|\\backslash|-) ?\\\{ ?(?P<holes>[^{}]*?) ?\\\})?"
)
_CONDITION = re.compile(
    rf"\\\{{ ?(?P<name>[A-Za-z])(?: ?\\in ?{_R})? ?(?:\\mid|\||:) ?(?P<condition>[^{{}}]*[<>\\][^{{}}]*?) ?\\\}}"
)
# Written with brackets turned outwards where an end is open.
_INTERVAL = re.compile(r"([\[\](])([^][(){}]*[,;][^][(){}]*)([\[\])])")
_COMPACT = re.compile(r"(?<![0-9A-Za-z]) | (?![0-9A-Za-z])|(?<=\d) (?=[A-Za-z])")
_OPENING, _CLOSING = "([{", ")]}"


def tidy(text: str) -> str:
    """The same answer in a plainer writing: nothing around it, one kind of fraction, single spaces."""
    text = _replaced(_characters(undressed(text)), DELIMITERS).strip()
    if _BARE_SET.fullmatch(text):  # {1, 2} with its braces bare
        text = rf"\{text[:-1]}\}}"
    text = plain_latex(text)
    text = _shorter(" ".join(undressed(text).split()), "")
    if (worded := _TEXT.fullmatch(text.rstrip(".,; "))) and _IN_TEXT.search(worded[1]):
        text = _ONE_LETTER.sub(r"\\text{\g<0>}", worded[1])
    text = counted(worded[1] if worded else text) or worded and sole(worded[1]) or text
    text = _ABOUT.sub("", _REMARK.sub("", text), count=1) if _ABOUT.match(text) else _REMARK.sub("", text)
    text = _AFFIRMED.sub(r"\1", text)
    text = _AT.sub(r"\2", _FOR_ALL.sub("", text))
    if (based := _BASE.fullmatch(text)) and (base := spoken(based["base"] or "") or based["named"] or based["base"]):
        text = f"{based['digits'].replace(',', '')}_{{{base}}}"
    text = _ANSWER.sub("", text, count=1) if _ANSWER.match(text) else text
    if label := _LABEL.match(text):
        text = rf"\text{{{label['worded'] or label['bare']}}} = {text[label.end() :]}"
    text = _replaced(re.sub(r"\\[A-Za-z]+", lambda m: _SYNONYMS.get(m[0], m[0]), text), RULES)
    text = _MULTIPLE.sub(lambda m: rf"\times 10^{{{_POWERS[m[1]]}}}", text)
    text = _INTERVAL.sub(lambda m: m[1].replace("]", "(") + m[2] + m[3].replace("[", ")"), text)
    text = _shorter(" ".join(text.split()))
    return _reals(text)


def condition(text: str) -> str:
    """The x > 3 of {x | x > 3}; any other text as it is."""
    found = _CONDITION.fullmatch(text)
    return found["condition"] if found and found["name"] in found["condition"] else text


def _replaced(text: str, rules: list[tuple[re.Pattern[str], str]]) -> str:
    for pattern, replacement in rules:
        text = pattern.sub(replacement, text)
    return text


def _reals(text: str) -> str:
    """All real numbers as an interval, and all but some as a union of intervals."""
    reals = _REALS.fullmatch(text)
    if reals is None:
        return text
    holes = [hole for hole in re.split(r"\s*,\s*", reals["holes"] or "") if hole]
    with contextlib.suppress(ValueError):  # such as roots stay in the order in which they are written
        holes.sort(key=float)
    ends = [r"-\infty", *holes, r"\infty"]
    return r"\cup ".join(f"({start},{end})" for start, end in pairwise(ends))


def _shorter(text: str, punctuation: str = ".,;:") -> str:
    """Without braces around the whole and punctuation behind it."""
    while True:
        shorter = text.strip().rstrip(punctuation).strip()
        shorter = shorter.removesuffix("\\").strip() if punctuation else shorter
        if shorter.startswith("{") and closing(shorter, 0) == len(shorter) - 1:
            shorter = shorter[1:-1]
        if shorter == text:
            return text
        text = shorter


def _characters(text: str) -> str:
    """In ASCII where there is a way to say the same."""
    if text.isascii():
        return text
    text = _SUPERSCRIPTS.sub(lambda m: "^{" + unicodedata.normalize("NFKC", m[0]).replace("−", "-") + "}", text)
    text = _VULGAR.sub(
        lambda m: r"\frac{{{}}}{{{}}}".format(*unicodedata.normalize("NFKC", m[0]).split("\u2044")), text
    )
    text = _ROOT_SIGN.sub(lambda m: rf"\sqrt{{{m[1]}}}" if m[1] else r"\sqrt ", text).translate(_CHARACTERS)
    return "".join(unicodedata.normalize("NFKC", c) if "\uff01" <= c <= "\uff5e" else c for c in text)


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
