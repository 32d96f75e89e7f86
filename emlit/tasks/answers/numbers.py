"""Plain numbers in every usual writing, as exact fractions: a parse by math-verify takes milliseconds."""

import re
from fractions import Fraction
from typing import NamedTuple

# Groups of three digits with commas, spaces or apostrophes, or as in India; with dots where there are several.
_DECIMAL = (
    r"(?:\d{1,3}(?:\.\d{3}){2,}(?![.\d])|"
    r"(?:\d{1,3}(?:,\d{3})+|\d{1,3}(?: \d{3})+|\d{1,3}(?:'\d{3})+|\d{1,2}(?:,\d{2})+,\d{3}|\d+)?(?:\.\d*)?)"
)
_POWER = r"10\s*\^\s*(?:\{\s*([+-]?\d+)\s*\}|([+-]?\d+))"
_NUMBER = re.compile(
    rf"(?P<sign>[+-]?)\s*(?:"
    rf"(?P<whole>\d+)\s*\\frac\s*\{{\s*(?P<above>\d+)\s*\}}\s*\{{\s*(?P<below>\d+)\s*\}}"
    rf"|(?P<whole2>\d+) +(?P<above2>\d+)\s*/\s*(?P<below2>\d+)"
    rf"|\\frac\s*\{{\s*(?P<top>[+-]?{_DECIMAL})\s*\}}\s*\{{\s*(?P<bottom>[+-]?{_DECIMAL})\s*\}}"
    rf"|\(?(?P<top2>[+-]?{_DECIMAL})\)?\s*/\s*(?P<bottom2>[+-]?{_DECIMAL})"
    rf"|(?P<before>\d*)\.(?P<after>\d*)\\(?:overline|bar|dot)\s*\{{\s*(?P<period>\d+)\s*\}}"
    rf"|(?P<decimal>{_DECIMAL})(?:\s*[eE]\s*(?P<exponent>[+-]?\d+)|\s*(?:\\times|\\cdot|\*)\s*{_POWER})?"
    rf"|(?P<power>{_POWER})"
    rf")\s*(?P<percent>\\?%)?"
)
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
    if not text or len(text) > _LONGEST:
        return None
    match = _NUMBER.fullmatch(text)
    try:
        return None if match is None else _value(match)
    except (ValueError, ZeroDivisionError, IndexError):
        return None


def _value(match: re.Match[str]) -> Number | None:
    found = match.groupdict()
    places = None
    if found["whole"] is not None or found["whole2"] is not None:
        above, below = found["above"] or found["above2"], found["below"] or found["below2"]
        value = int(found["whole"] or found["whole2"]) + Fraction(int(above), int(below))
    elif found["top"] is not None or found["top2"] is not None:
        pair = (found["top"], found["bottom"]) if found["top"] is not None else (found["top2"], found["bottom2"])
        value = _decimal(pair[0]) / _decimal(pair[1])
    elif found["period"] is not None:
        before, after, period = int(found["before"] or 0), found["after"], found["period"]
        value = before + (Fraction(int(after or 0)) + Fraction(int(period), 10 ** len(period) - 1)) / 10 ** len(after)
    elif found["power"] is not None:
        value = _ten(match["power"].partition("^")[2])
    else:
        value = _decimal(found["decimal"])
        exponent = found["exponent"] or _times_exponent(match)
        if exponent:
            value *= _ten(exponent)
        elif found["decimal"].count(".") == 1:
            places = len(found["decimal"].partition(".")[2])
    return Number(-value if found["sign"] == "-" else value, places, found["percent"] is not None)


def _times_exponent(match: re.Match[str]) -> str | None:
    found = re.search(_POWER, match[0][match.end("decimal") - match.start() :])
    return None if found is None else found[1] or found[2]


def _decimal(text: str) -> Fraction:
    digits = re.sub(r"[, ']", "", text)
    if digits.count(".") > 1:
        digits = digits.replace(".", "")
    if not re.search(r"\d", digits):
        raise ValueError("no digit")
    return Fraction(digits.rstrip(".") if digits.endswith(".") else digits)


def _ten(exponent: str) -> Fraction:
    power = int(exponent.strip("{} "))
    if abs(power) > _LARGEST_EXPONENT:
        raise ValueError("beyond what is computed")
    return Fraction(10) ** power


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
