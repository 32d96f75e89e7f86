"""Numbers in words: five, two thirds, three apples."""

import re

_SPOKEN = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
           "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"]  # fmt: skip
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_PARTS = {"half": 2, "halve": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7,
          "eighth": 8, "ninth": 9, "tenth": 10}  # fmt: skip
_FRACTION = re.compile(
    rf"(?:(?P<whole>[\w -]+?) and )?(?:(?P<top>[a-z]+)[ -])?(?P<part>{'|'.join(_PARTS)})(?P<plural>s)?"
)
_NOUN = re.compile(r"[a-z]{3,}")
# Janet makes **$18** every day; 5 is the number of apples.
_SENTENCE = re.compile(
    r"(?!.*(?:\b(?:or|not?|never|if|unless|than(?= \W*\d)|times|half|twice|double|triple|least|most|between|below|"
    r"above|under|over|within|degree|base|roots?|power|type|order|mod|modulo|squared|cubed|wrong|false|incorrect)\b|n['’]t\b))"
    r"(?:(?=\S+ [A-Za-z])(?:[A-Z]|(?:s?he|it|they|we|you|there) )[^\d\\=<>+^*:]+(?<=[ _`])|"
    r"(?=\S+ (?:is|are|was|were)\b))[*_`]*(?P<number>(?:\\?\$|[€£])?\.?\d(?:[\d.,/]*\d)?\\?%?)[*_`]*"
    r"(?! (?:million|billion|thousand|dozen|hundred|and)\b)(?: (?!.*\band\b)[^\d=<>\\+^]*)?"
)
_LARGE = {"thousand": 10**3, "million": 10**6}


def spoken(text: str) -> int | None:
    """Five, twenty-five, one hundred and five; None for anything else."""
    total, count, said = 0, 0, re.split(r" and |[ -]", text.strip().lower())
    if len(said) > 12:
        return None
    last = 1000  # what may follow: 20 after 100, 5 after 20
    for word in said:
        value = _SPOKEN.index(word) if word in _SPOKEN else 20 + 10 * _TENS.index(word) if word in _TENS else None
        if value is not None and (last >= 100 or last >= 20 and 0 < value < 10 <= last):
            count, last = count + value, value if value >= 20 else 0
        elif word == "hundred" and 0 < count < 100:
            count, last = count * 100, 100
        elif word in _LARGE and count:
            total, count, last = total + count * _LARGE[word], 0, 1000
        else:
            return None
    return total + count


def counted(text: str) -> str | None:
    """Five as 5, two thirds as a fraction, three apples as 3 apples; None for anything else."""
    if (count := spoken(text)) is not None:
        return str(count)
    if found := _FRACTION.fullmatch(text.strip().lower()):
        whole, part = found["whole"] or "zero", _PARTS[found["part"]]
        top = 1 if found["top"] in ("a", "one") or found["part"] == "half" and not found["top"] else None
        top = spoken(found["top"] or "") if found["plural"] and not top else top
        count = int(whole) if whole.isdecimal() else spoken(whole)
        return None if top is None or count is None else rf"\frac{{{count * part + top}}}{{{part}}}"
    said = text.split(" ")
    for nouns in (said[-1:], said[-2:]):
        count = spoken(" ".join(said[: -len(nouns)])) if all(map(_NOUN.fullmatch, nouns)) else None
        if count is not None:
            return " ".join([str(count), *nouns])
    return None


def sole(text: str) -> str | None:
    """The number of a sentence that has one and says nothing that changes it: She has 12 apples; None for others."""
    found = _SENTENCE.fullmatch(text)
    return found["number"] if found and len(text.split()) > 2 else None
