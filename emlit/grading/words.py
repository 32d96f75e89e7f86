"""Answers in words: names, directions, the letter of a choice."""

import re

_COMMAND = re.compile(r"\\(?:text|mathrm|operatorname)\s*\{((?:[^{}]|\{[^{}]*\})*)\}")
_ROMAN = re.compile(r"[IVX]{2,}")
_LETTER = re.compile(r"\(?\s*([A-Za-z])\s*[).]?")
# (C) 18, C. 18, C (18), C No; what follows goes on with no operation, and says nothing of the letter.
_OPTION = re.compile(
    r"\\?(?:(?:text|mathrm) ?\{ ?)?(?:\((?:\\(?:text|mathrm) ?\{ ?)?(?P<letter>[A-Ja-j])(?: ?\})?\)[.,:]?|"
    r"(?P<marked>[A-J])(?:\)[.,:]?|[.:](?P<dot>)))"
    r"(?: ?\} ?:? ?| ?: ?| )(?(dot)|(?!(?:is|are|was|has|isn|not)\b))"
    r"(?P<value>(?![-+](?: |\Z)|[=*/^<>|]|\\(?:cdot|times|div|pm|cup|cap|in|leq|geq|neq|approx)(?![a-z])|"
    r"(?:and|or|nor|but|vs|versus|wrong|incorrect)\b).+)|"
    r"(?P<bare>[A-J])(?: \((?P<content>(?![^()]*(?<![A-Za-z\\])[b-z](?![A-Za-z]))[^()]*(?:\d|[A-Za-z]{2})[^()]*)\)|"
    r"(?P<words>,? (?:yes|no|true|false|Yes|No|True|False)\b.*| (?:- )?[A-Z][a-z]{2,}.*| - [A-Z]?[a-z]+ [a-z]{2,}.*))"
)
# A letter that is no other option's: Solution A, A circle, 25 degrees C.
_NO_OPTION = re.compile(
    r"(?<![A-Za-z\\])(?!(?:Option|Choice|Answer|Letter|And|Not|But|Maybe|Either|Both|Possibly|Perhaps|Also|Then)\b)"
    r"[A-Z][a-z]{2,} [A-J]\b|"
    r"\AA (?!and|but|nor|not|was|has|can|may|might|seem|would|could|should|also|plus|does)[a-z]{3,}|\\circ ?\}? ?[CF]\b"
)
# Another option, which hedges: (A) 5 or (B) 6.
_ANOTHER = re.compile(
    r"(?<![A-Za-z])\([A-Ja-j]\)|(?<=\S )[A-J][.):] |"
    r"(?:,|\b(?:or|and|not|nor|vs|maybe|but|perhaps|possibly)) [A-HJ](?![\w.^(=])|\A[A-HJ]\Z"
)
_OF_OTHERS = re.compile(  # D. A and B
    r"(?:\([A-J]\)|[A-J][).]) (?:[Bb]oth )?\(?[A-J]\)?(?: ?,? (?:and )?\(?[A-J]\)?)+(?: (?:only|are)\b.*)?"
)
_WORDS = re.compile(r"[^\W\d_]+(?:(?:['’-]|[.,]? )[^\W\d_]+)*[.!]?")


def words(text: str) -> str | None:
    r"""The words that an answer is made of, in \text{} or bare; None where it is mathematics or one letter."""
    inner = " ".join(_COMMAND.sub(r" \1 ", text).split())
    if not _WORDS.fullmatch(inner):
        return None
    said = re.findall(r"[^\W\d_]+", inner)
    if "\\" not in text and not any(map(_is_word, said)):
        return None  # x y and RTV are products
    return " ".join(said)


def _is_word(letters: str) -> bool:
    """Whether letters can be spoken: Yes, no and odd, not mgh or PQRS."""
    small = letters.lower()
    return small == "no" or not small.isascii() or len(small) > 2 and bool(re.search(r".[aeiou]|(.)\1", small))


def choice(text: str) -> tuple[str, bool] | None:
    r"""The letter of a choice, and whether it is written as one: (C), C), \text{C}; a bare C may be a variable."""
    inner = _COMMAND.sub(r"\1", text).strip()
    match = _LETTER.fullmatch(inner)
    return None if match is None else (match[1], inner != text or inner != match[1])


def option(text: str) -> tuple[str, str] | None:
    r"""The letter and what it stands for: \textbf{(C)} 18."""
    match = _OPTION.fullmatch(text)
    if match is None:
        return None
    value = (match["value"] or match["content"] or match["words"]).lstrip(", ")
    letter = match["letter"] or match["marked"] or match["bare"]
    above = _OF_OTHERS.fullmatch(text) and letter > max(re.findall(r"\b[A-J]\b", value))
    if _ANOTHER.search(_NO_OPTION.sub("", value)) and not above:
        return None
    return f"({letter})", value


def same_words(left: str, right: str) -> bool | None:
    """Whether two answers in words are the same; None where they are not to be compared as words."""
    lettered, other_lettered = choice(left), choice(right)
    if lettered and other_lettered:
        (letter, marked), (other, other_marked) = lettered, other_lettered
        if marked and other_marked or (marked or other_marked) and letter in "abcdefghijABCDEFGHIJ":
            return letter.casefold() == other.casefold()  # (a) is A, but (r) is not R
        return letter == other
    if all(map(_ROMAN.fullmatch, (left, right))):  # no products: IV is no VI
        return left == right
    if _unwrapped(left, right):
        return True  # June 20, with and without \text
    if r"\emptyset" in (left, right):
        left, right = (r"\text{no solution}" if text == r"\emptyset" else text for text in (left, right))
    said, other_said = words(left), words(right)
    if said is not None and other_said is not None:
        return _plain(said) == _plain(other_said)
    spoken = other_said if said is None else said
    if spoken is None:
        return None
    # Words against a number or a formula; letters alone may still be a product of variables.
    product = re.fullmatch(r"(?![Nn][Oo]$)[A-Za-z]{1,5}", spoken) and "\\text" not in left + right
    return None if product else False


def _plain(said: str) -> str:
    """In small letters, without an article; no solutions are no solution."""
    small = re.sub(r"^(?:there (?:is|are) )?(?:an? |the )?", "", {"DNE": "does not exist"}.get(said, said).casefold())
    small = re.sub(r"^infinite(?:ly many)?(?: solutions?)?$", "infinitely many", small)
    return small.removesuffix("s") if small.startswith("no ") else small


def _unwrapped(left: str, right: str) -> bool:
    r"""Whether two answers are alike but for \text{}; its content is compared in small letters where both have it."""
    found = [_COMMAND.search(text) for text in (left, right)]
    if not any(found):
        return False
    worded = all(each and not re.search(r"\d", each.string[: each.start()]) for each in found)  # no unit: mW is no MW
    plain = [
        re.sub(r"\s+", "", _COMMAND.sub(lambda m: m[1].casefold() if worded else m[1], text)) for text in (left, right)
    ]
    return plain[0] == plain[1]
