"""Whether two answers that have no parts mean the same: words, residues, quantities, digits in a base, formulas."""

import re
import time
from collections.abc import Callable
from typing import NamedTuple

from emlit.grading.numbers import number
from emlit.grading.quantities import is_operation, same_unit, split_unit
from emlit.grading.verifier import verified
from emlit.grading.words import same_words
from emlit.grading.writing import compact

# What the parser would take for something else: 52 in base 8, (2n-1)!!, dates, feet and inches, 0xFF, \angle ABC.
_MISREAD = re.compile(
    r"\d\s*_|!\s*!|\d{4}-\d\d-\d\d|\d\d?/\d\d?/\d{4}|\d'\s*\d|(?<![\w.])0[xXbo][0-9A-Fa-f]|\\(?:angle|nabla)(?![a-z])|"
    r"\d(?: |\s*\\?[$€£¥]\s*)\d|\^ ?\{? ?\d{6}|\d{6} ?!"
)
_TIME = re.compile(r"\d\d?:[0-5]\d")
_MODULUS = re.compile(r"(?P<value>.*\S) ?\\pmod ?\{ ?(?P<modulus>\w+) ?\}")
_LETTER_UNIT = re.compile(r"([+-]?[\d.,]*\d) ?([A-Za-z](?: ?\^ ?\{?\d\}?)?)")
_BASED = re.compile(r"(?P<digits>(?=[A-Fa-f]*\d|[A-F]{2})[0-9A-Fa-f]+)\s*_\s*\{?\s*(?P<base>\d\d?)\s*\}?$")
_CALLED = r"\\(?:sin|cos|tan|cot|sec|csc|(ln|log))(?![a-z])"
_GROUP = r"\{(?:[^{}]|\{[^{}]*\})*\}"
# A function without parentheses ends before the next factor: \sin x \cdot \cos x, \ln x / x.
_ARGUMENT = re.compile(
    rf"(?P<name>{_CALLED}(?: ?[_^] ?(?:{_GROUP}|\w))*) ?"
    rf"(?P<argument>(?:{_GROUP}|(?!{_CALLED}|\\cdot|\\times)[^(){{}}+*/=,-])+?) ?"
    rf"(?=\\cdot|\\times|[*/] ?(?:{_CALLED}|e ?\^|(?P=argument)(?!\w))|(?(2)/ ?\d|(?!)))"
)
_MIXED = re.compile(r"(?<![\w.^}\\)])(?P<whole>\d+) ?(?P<rest>\\frac ?\{ ?(?P<top>\d+) ?\} ?\{ ?(?P<bottom>\d+) ?\})")


class Terms(NamedTuple):
    """How far numbers may be apart, as a share of the larger one or as a difference, and until when to compare."""

    relative: float
    absolute: float
    until: float


def same_leaves(left: str, right: str, terms: Terms, same: Callable[[str, str, Terms], bool]) -> bool:
    """Whether two answers that have no parts mean the same; `same` compares what is found in them."""
    verdict = same_words(left, right)
    if verdict is not None:
        return verdict
    moduli = [_MODULUS.fullmatch(text) for text in (left, right)]
    if any(moduli):
        modulus = {each["modulus"] for each in moduli if each}
        value, other = (each["value"] if each else text for each, text in zip(moduli, (left, right), strict=True))
        figure, least = number(value), number(*modulus) if len(modulus) == 1 and not all(moduli) else None
        if figure and least and figure.value >= least.value:  # 18 mod 7 is 4
            return False
        return len(modulus) == 1 and same(value, other, terms)
    (value, unit), (other, other_unit) = split_unit(left), split_unit(right)
    for text, known in ((left, other_unit), (right, unit)):  # 18 m is a product, but not beside 18 metres
        if known and (letter := _LETTER_UNIT.fullmatch(text)) and same_unit(letter[2], known):
            return same(letter[1], other if text == left else value, terms)
    in_radians = {unit, other_unit} == {"degree", None} and r"\pi" in left + right  # 30° is \pi/6
    if (unit is not None or other_unit is not None) and not in_radians:
        unit, other_unit = (each if each is not None else "%" if text.endswith("%") else None
                            for each, text in ((unit, left), (other_unit, right)))  # fmt: skip
        if unit is not None and other_unit is not None and not same_unit(unit, other_unit):
            return False
        if any(each and is_operation(each) for each in (unit, other_unit)):
            return False
        return same(value, other, terms)
    digits, other = _digits(left), _digits(right)
    if (digits is None) != (other is None):  # a problem that asks for base 8 says so itself
        return (digits or compact(left)) == (other or compact(right))
    if _MISREAD.search(left) or _MISREAD.search(right) or _TIME.match(left) and _TIME.match(right):
        return False  # the same in writing alone, which was compared before
    if time.monotonic() > terms.until:
        return False
    return verified(*sorted((_legible(left), _legible(right))), terms.relative, terms.absolute)


def _digits(text: str) -> str | None:
    """The digits of a number in a base that is named; None for anything else: a_1 is a variable."""
    found = _BASED.match(text)
    return found["digits"] if found and all(int(digit, 16) < int(found["base"]) for digit in found["digits"]) else None


def _legible(text: str) -> str:
    """With degrees as radians, and with what the parser drops as part of a name or a product: f', A^T, 2\\frac13."""
    text = _MIXED.sub(lambda m: f"({m['whole']}+{m['rest']})" if int(m["top"]) < int(m["bottom"]) else m[0], text)
    text = re.sub(r"(\d[\d.]*)\s*\^\s*\{?\s*\\circ\s*\}?", r"{\\frac{\1 \\pi}{180}}", text)
    text = re.sub(r"\^ ?\{ ?T ?\}", "^{(T)}", text)
    text = _ARGUMENT.sub(r"\g<name>(\g<argument>)", re.sub(r"\\pi ?\(", r"\\pi\\cdot (", text))
    return re.sub(r"(?<=[A-Za-z)}]) ?('+)", lambda m: f"_{{{'q' * len(m[1])}}}", text)
