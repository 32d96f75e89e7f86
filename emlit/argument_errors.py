"""jsonargparse's paragraphs as one sentence that names the key."""

import re
from collections.abc import Iterable

from emlit.keys.check import nearest

_KEY = re.compile(r'Parser key "(?P<key>[^"]+)":\s*(?P<rest>.*)', re.DOTALL)
_CLASS = re.compile(r"<class '(?:[\w.]*\.)?(\w+)'>")


def one_sentence(message: str, known: Iterable[str]) -> str:
    """Shorten an error of the parser.

    A key inside a plug-in fails twice, first in the plug-in's own parser and then, with that text among its reasons, in
    the parser around it; the keys are joined.

    Args:
        message: what jsonargparse reports
        known: the parser's keys, to suggest the nearest from
    """
    known = list(known)
    if match := re.search(r"(?:unrecognized arguments: |accept option ')--?(?P<key>[^\s='\"]+)", message) or re.search(
        r"(?:accept option '|Option ')(?P<key>[^']+)'", message
    ):
        key = match["key"].removeprefix("--")
        return f"{key}: there is no such key{nearest(key, known)}"
    if "arguments are required" in message and "model" in message:
        return "model: it is required; give a --config (configs/ has some) or --model"
    match = _KEY.search(message)
    if match is None:
        return _plain(_reason(message))
    key, rest = match["key"], _reason(match["rest"])
    inner = re.match(r"(?P<key>[\w.]+): (?P<rest>.+)", rest, re.DOTALL)
    if inner and " " not in inner["key"]:
        return f"{key}.{inner['key']}: {_plain(inner['rest'])}"
    return f"{key}: {_plain(rest)}"


def _reason(text: str) -> str:
    """Of the reasons why no alternative of a plug-in fits, those not about leaving it out or listing several."""
    if "Errors:" not in text:
        return text
    listed = text.rpartition("Errors:")[2].partition("Given value")[0]
    reasons = [line.strip(" -") for line in listed.splitlines() if "NoneType" not in line and line.strip(" -")]
    others = ("Expected a typing.Literal", "Expected a <class 'list'>", "Expected a list")
    reasons = [line for line in reasons if not line.startswith(others)] or reasons
    return " ".join(dict.fromkeys(reasons)) or "not a valid value"


def _plain(text: str) -> str:
    text = _CLASS.sub(r"\1", " ".join(text.split()))
    text = re.sub(r"^Expected an? (\w+)\. Got value: (.*)$", r"expected \1, got '\2'", text)
    if choice := re.match(r"Expected an? typing\.Literal\[(.*?)\](?:\. Got value: (.*))?$", text):
        got = f", got '{choice[2]}'" if choice[2] else ""
        names = choice[1].replace("'", "")
        return f"it must be one of {names}{got}"
    return text[:1].lower() + text[1:] if text.startswith(("Expected", "File", "Problem")) else text
