"""Plain numbers in every usual writing, as exact fractions: a parse by math-verify takes milliseconds."""

import re
from fractions import Fraction
from typing import NamedTuple

from emlit.grading.writing import compact

# Groups of three digits with commas, spaces or apostrophes, or as in India; with dots where there are several.
_DECIMAL = (
    r"(?:\d{1,3}(?:\.\d{3}){2,}(?![.\d])|(?:(?!0[, '])\d{1,3}(?:[, ']\d{3})+|\d{1,2}(?:,\d{2})+,\d{3}|\d+)?(?:\.\d*)?)"
)
_SIGNED = rf"\(?[+-]?{_DECIMAL}\)?"
_TEN = r"10\^\{?"
_NUMBER = re.compile(
    rf"(?P<sign>[+-]?) ?(?:(?:(?P<whole>\d+)(?: ?(?=\\frac)| (?=\d+/)))?"
    rf"(?:\\frac\{{(?P<top>{_SIGNED})\}}\{{(?P<bottom>{_SIGNED})\}}|(?P<top2>{_SIGNED})/(?P<bottom2>{_SIGNED}))"
    rf"|(?P<before>\d*)\.(?P<after>\d*)(?:\\(?:overline|bar|dot)\{{(?P<period>\d+)\}}|\((?P<period2>\d+)\))"
    rf"|(?P<before2>\d*)\.(?P<digits>\d+)\\ldots"
    rf"|(?P<decimal>{_DECIMAL})(?:[eE](?P<exponent>[+-]?\d+)|(?:\\times|\\cdot|\*) ?{_TEN}(?P<power>[+-]?\d+)\}}?)?"
    rf"|{_TEN}(?P<power2>[+-]?\d+)\}}?)(?P<percent>\\?%)?"
)
_COMMA = re.compile(r"(?P<sign>[+-]?)(?P<whole>\d{1,3}(?:[. ']\d{3})+|\d+),(?P<places>\d+(?: ?\\?%)?)")
_LARGEST_EXPONENT = 400
_LONGEST = 400
_PLACES = 6


class Number(NamedTuple):
    """A number as it was written.

    Attributes:
        value: what it is; "5 %" is 5
        places: how many decimals it was written with; None for an exact fraction or a power of ten
        percent: whether a percent sign follows
    """

    value: Fraction
    places: int | None
    percent: bool


def number(text: str) -> Number | None:
    """The number that a tidied text is; None for anything else."""
    if not text or len(text) > _LONGEST or ", " in text:
        return None
    match = _NUMBER.fullmatch(compact(text))
    try:
        return None if match is None else _value(match.groupdict())
    except (ValueError, ZeroDivisionError):
        return None


def _value(found: dict[str, str | None]) -> Number:
    places = None
    if digits := found["digits"]:  # 0.1666...
        length = next((k for k in range(1, 7) if digits[-k:] == digits[-2 * k : -k] and not digits.endswith("99")), 0)
        length = 1 if digits.endswith("999") else length
        head = digits[: len(digits) - length]
        found.update(before=found["before2"], after=head, period=digits[len(head) :])
    period = found["period"] or found["period2"]
    top, bottom, decimal = found["top"] or found["top2"], found["bottom"] or found["bottom2"], found["decimal"]
    exponent = found["exponent"] or found["power"] or found["power2"]
    if top and bottom:
        if found["whole"] and _decimal(top) >= _decimal(bottom):
            raise ValueError("a product, not a mixed number")
        value = int(found["whole"] or 0) + _decimal(top) / _decimal(bottom)
    elif period or found["after"]:
        value = Fraction(int(period or 0), 10 ** len(period or " ") - 1) / 10 ** len(found["after"] or "")
        value += _decimal(f"{found['before'] or 0}.{found['after'] or 0}")
    else:
        value = _decimal("1" if found["power2"] else decimal or "")
        if exponent:
            value *= _ten(exponent)
        if decimal and decimal.count(".") == 1:
            places = max(len(decimal.partition(".")[2]) - int(exponent or 0), 0)
    return Number(-value if found["sign"] == "-" else value, places, found["percent"] is not None)


def _decimal(text: str) -> Fraction:
    digits = re.sub(r"[, '()]", "", text)
    if digits.count(".") > 1:
        digits = digits.replace(".", "")
    return Fraction(digits.rstrip("."))


def _ten(exponent: str) -> Fraction:
    if abs(int(exponent)) > _LARGEST_EXPONENT:
        raise ValueError("beyond what is computed")
    return Fraction(10) ** int(exponent)


def with_point(text: str) -> str | None:
    """12,50 and 1.234,56 with a point for the comma; None for what may be no decimal, or has groups of three digits."""
    match = None if number(text) else _COMMA.fullmatch(text)
    return match and match["sign"] + re.sub(r"[^0-9]", "", match["whole"]) + "." + match["places"]


def same_number(left: Number, right: Number, relative: float, absolute: float) -> bool:
    """Whether two numbers are the same, or within the tolerance.

    Percentages: 50 % is 50 and 0.5, and 0.5 is not 50. Rounding: a decimal of six significant places equals a fraction
    that rounds to it, as math-verify has it; 0.333 is not a third.
    """
    if left.percent != right.percent:
        for one, other in ((left, right), (right, left)):
            if one.percent:  # as a share
                places = None if one.places is None else one.places + 2
                if _close(one.value / 100, places, other, relative, absolute):
                    return True
    return _close(left.value, left.places, right, relative, absolute)


def _close(value: Fraction, places: int | None, other: Number, relative: float, absolute: float) -> bool:
    gap = abs(value - other.value)
    if gap == 0 or gap <= max(abs(value), abs(other.value)) * Fraction(relative) or gap <= Fraction(absolute):
        return True
    rounded = [p for p in (places, other.places) if p is not None]
    if len(rounded) != 1 or rounded[0] < _PLACES:
        return False
    decimal, exact = (value, other.value) if places is not None else (other.value, value)
    return (
        exact.denominator != 1
        and abs(decimal) * 10 ** rounded[0] >= 10 ** (_PLACES - 1)
        and gap <= Fraction(1, 2 * 10 ** rounded[0])
    )
