"""jsonargparse's paragraphs as one sentence that names the key."""

import re
import sys
import traceback
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Any

from jsonargparse import Namespace

from emlit.keys.check import nearest

_KEY = re.compile(r'Parser key "(?P<key>[^"]+)":\s*(?P<rest>.*)', re.DOTALL)
_CLASS = re.compile(r"<class '(?:[\w.]*\.)?(\w+)'>")


def concise_error(message: str, known: Iterable[str]) -> str:
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
        if key == "-":
            return "-- stands alone; arguments are --key value"
        return f"{key}: there is no such key{nearest(key, known)}"
    if match := re.fullmatch(r"unrecognized arguments: (.+)|argument --?(.+): expected one argument", message):
        what = f"{match[1]} stands behind no key" if match[1] else f"{match[2]}: its value is missing"
        return f"{what}; arguments are --key value"
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
    listed, _, given = text.rpartition("Errors:")[2].partition("Given value")
    lines = [line.strip(" -") for line in listed.splitlines() if line.strip(" -")]
    every = [line for line in lines if not re.fullmatch(r"Expected a <class 'NoneType'>.*", line)]
    others = ("Expected a typing.Literal", "Expected a <class 'list'>", "Expected a list")
    reasons = [line for line in every if not line.startswith(others)] or every
    reasons = [line for line in reasons if not line.startswith("Expected a")] or reasons  # what a constructor says
    value = given.rpartition("Given value: ")[2].strip()
    return (
        _together(reasons, value) or _together(every, value) or " ".join(dict.fromkeys(reasons)) or "not a valid value"
    )


def _together(reasons: list[str], value: str) -> str | None:
    """Several types or lists of choices as one; None where something else is among the reasons."""
    types = [match[1] for reason in reasons if (match := re.fullmatch(r"Expected an? <class '([\w.]+)'>", reason))]
    literal = re.compile(r"Expected an? typing\.Literal\[(.*)\]")
    literals = [match[1] for reason in reasons if (match := literal.fullmatch(reason))]
    if len(reasons) < 2 or len(types) + len(literals) < len(reasons):
        return None
    choices = list(dict.fromkeys(choice.strip(" '") for text in literals for choice in text.split(",")))
    return f"it must be {' or '.join([*types, *choices])}, got '{value:.200}'"


def _with_nearest_class(text: str) -> str:
    """A class that its module lacks, and the one with the nearest name."""
    match = re.search(r"module '([\w.]+)' has no attribute '(\w+)'", text)
    module = None if match is None else sys.modules.get(match[1])
    if match is None or module is None or not (close := get_close_matches(match[2], dir(module), n=1)):
        return text
    return f"{match[1]} has no {match[2]}; did you mean {match[1]}.{close[0]}?"


def _plain(text: str) -> str:
    text = _with_nearest_class(_CLASS.sub(r"\1", " ".join(text.split())))
    text = re.sub(
        r"^[Ee]xpected an instantiatable class, but (?:\S+ )?is abstract$",
        "it is abstract; give a class below it, and then that one's arguments", text,
    )  # fmt: skip
    text = re.sub(r"^Import path does not correspond to a subclass of (\w+)$", r"it must be a class below \1", text)
    text = re.sub(
        r"^[Ee]xpected a dot import path string: (.*)$", r"there is no \1; give a class path, as my_package.\1", text
    )
    text = re.sub(r"^Expected an? (\w+)\. Got value: (.*)$", r"expected \1, got '\2'", text)
    if choice := re.match(r"Expected an? typing\.Literal\[(.*?)\](?:\. Got value: (.*))?$", text):
        got = f", got '{choice[2]}'" if choice[2] else ""
        names = choice[1].replace("'", "")
        return f"it must be one of {names}{got}"
    return text[:1].lower() + text[1:] if text.startswith(("Expected", "File", "Problem")) else text


def key_of(error: BaseException | None, config: Namespace) -> str | None:
    """The key under which the class stands whose constructor raised, the innermost one that a config names."""
    made: list[str] = []
    while error is not None:
        frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
        own = [each for each in reversed(frames) if each.f_code.co_name.endswith("init__")]
        made += [type(each.f_locals.get("self")).__name__ for each in own]
        error = error.__cause__ or error.__context__
    keys = {
        str(value).rpartition(".")[2]: key.removesuffix(".class_path").replace(".init_args", "")
        for key, value in _leaves("", config)
        if key.endswith(".class_path")
    } | {"Trainer": "trainer"}
    return next((keys[name] for name in made if name in keys), None)


def _leaves(key: str, value: Any) -> Iterator[tuple[str, Any]]:
    """The values of a parsed config, in lists too, with their keys."""
    if not isinstance(value, Namespace | dict | list):
        yield key, value
        return
    for name, each in enumerate(value) if isinstance(value, list) else value.items():
        yield from _leaves(key if isinstance(name, int) else f"{key}.{name}".removeprefix("."), each)
