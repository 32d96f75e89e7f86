"""Keys that were meant to be emlit's: misspelt, in another case, or joined by other signs."""

import re
import unicodedata
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

# What begins so is meant for emlit, whatever comes after it.
_BEGINNING = re.compile(r"em($|[\W_])|eminf|emlit|entropymin|adaptivetemp|locallytyp|entropyscaled")
# So is what has the words of a decoding next to each other, whatever stands around them.
_WORDS = re.compile(
    r"(?:^|[\W_])(?:em[\W_]*inf|inf[\W_]+em|adaptive[\W_]*temperature|temperature[\W_]+adaptive|"
    r"locally[\W_]*typical|entropy[\W_]*scaled[\W_]*temperature)(?:$|[\W_])"
)
_CLOSE = 0.8  # of difflib's ratio, between keys without case and signs


def meant(key: Any, keys: Iterable[str]) -> bool:
    """Whether `key` is one of `keys`, or was meant to be."""
    if not isinstance(key, str):
        return False
    begins = _BEGINNING.match(_lower(key)) or _BEGINNING.match(_folded(key))
    return bool(begins or _WORDS.search(_lower(key))) or nearest(key, keys, _CLOSE) is not None


def nearest(key: Any, keys: Iterable[str], closeness: float = 0.5) -> str | None:
    """The one of `keys` that `key` is most like, if it is like one at all."""
    folded = {_folded(each): each for each in keys}
    # Keys of any length come from outside; difflib's time is quadratic.
    found = get_close_matches(_folded(str(key))[:60], folded, n=1, cutoff=closeness)
    return folded[found[0]] if found else None


def _lower(key: str) -> str:
    return unicodedata.normalize("NFKC", key[:200]).casefold().strip()


def _folded(key: str) -> str:
    return "".join(each for each in _lower(key) if each.isalnum())
