"""A misspelt key, or one without a value, found before anything large is imported.

The parser of the command line stays the judge: what cannot be followed here (classes of other packages, values, files
that are no YAML) is left to it, and takes the seconds that its imports take.
"""

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from emlit.errors import ConfigError
from emlit.includes import config_parts
from emlit.keys.commands import CLASSES, ENGINES, LIGHTNING_ARGUMENTS, RUN_ARGUMENTS, SUBCOMMANDS, configs_first
from emlit.keys.signatures import Signature, class_of, find
from emlit.keys.values import classes_of, words_of

_FLAGS = {"help", "print_config"}


def unknown_key(words: Sequence[str]) -> str | None:
    """The sentence about the first key of a command line, or of its config files, that does not exist.

    Args:
        words: subcommand and arguments
    """
    try:
        _read(words)
    except (_Unknown, ConfigError) as unknown:
        return str(unknown)
    return None


def evaluates_another_set(words: Sequence[str]) -> bool:
    """Whether `data.train` replaces a config's own, whose `data.evaluation` (but null) nothing replaces.

    Args:
        words: subcommand and arguments, their keys known
    """
    try:
        command = _read(words)
    except (_Unknown, ConfigError):
        return False
    train, evaluation = (command.named.get(key, []) for key in ("data.train", "data.evaluation"))
    if not train or not evaluation or "data.evaluation" in command.typed | command.nulls:
        return False
    return train[0] <= evaluation[-1] < train[-1]


def keys_behind(words: Sequence[str], begun: str) -> list[str]:
    """The keys that a word may become, a class's own ones too, where the words before it name the class.

    Args:
        words: subcommand and arguments before it
        begun: the word, such as --data.sampling.t
    """
    place = begun[2:].rpartition(".")[0]
    try:
        command = _read(words)
        signature = command.signature(place) if place else None
    except (_Unknown, ConfigError):
        return []
    if not place:
        return sorted([f"--{key}" for key in {*command.plain - {"h"}, "model"}] + [f"--{k}." for k in command.classes])
    return [f"--{place}.{name}" for name in signature.arguments] if signature else []


def values_behind(words: Sequence[str], key: str) -> list[str]:
    """What a key's value may be, where that is one of a few words or a class.

    Args:
        words: subcommand and arguments before it
        key: without its dashes
    """
    if key in RUN_ARGUMENTS:
        return [*ENGINES] if key == "engine" else words_of(RUN_ARGUMENTS[key][0])
    place, _, name = key.rpartition(".")
    try:
        owner = _read(words).signature(place) if place else None
    except (_Unknown, ConfigError):
        return []
    argument = owner.arguments.get(name) if owner else None
    return [each.name for each in classes_of(key, owner)] + words_of(argument.annotation if argument else "")


def _read(words: Sequence[str]) -> "_Command":
    words = configs_first(words)
    if words and words[0] not in SUBCOMMANDS and not words[0].startswith("-"):
        close = get_close_matches(words[0], SUBCOMMANDS, n=1)
        way_out = f"did you mean {close[0]}?" if close else f"there are {', '.join(SUBCOMMANDS)}"
        raise _Unknown(f"{words[0]}: there is no such command; {way_out}")
    command = _Command(words[0] if words else "")
    rest = list(words[1:]) if words and words[0] in SUBCOMMANDS else []
    while rest:
        command.source += 1
        key, has_value, value = rest.pop(0).partition("=")
        if not key.startswith("-"):
            continue
        key = key.lstrip("-").removesuffix("+")
        if not key:
            raise _Unknown("-- stands alone; arguments are --key value")
        lacks_value = not has_value and key not in {*_FLAGS, "h"} and not key.endswith(".help")
        if lacks_value and rest and not rest[0].startswith("--"):
            value, lacks_value = rest.pop(0), False
        if key in ("c", "config") and not lacks_value:
            command.read(Path(value))
        elif key not in ("c", "config"):
            command.set(key, value)
        if lacks_value:
            raise _Unknown(f"{key}: its value is missing; arguments are --key value")
    return command


def nearest(key: str, known: Iterable[str]) -> str:
    """The end of a sentence about an unknown key: the nearest one, first of those beside it, or how to list them."""
    outer, _, name = key.rpartition(".")
    places = [each.rpartition(".") for each in known]
    for among in ([each for each in places if each[0] == outer], places):
        leaves = {leaf: place for place, _, leaf in among}
        if close := get_close_matches(name, leaves, n=1, cutoff=0.6):
            place = leaves[close[0]]
            return f"; did you mean {place}.{close[0]}?" if place else f"; did you mean {close[0]}?"
    return f"; --{outer}.help lists them" if outer else "; --help lists them"


class _Unknown(Exception):
    """There is no such key, or it has no value that can be."""


class _Command:
    """The keys of one command line, in the order in which they are given: a class decides which keys follow it."""

    def __init__(self, subcommand: str) -> None:
        own = LIGHTNING_ARGUMENTS.get(subcommand, ())
        self.plain = {"seed_everything", *RUN_ARGUMENTS, *own, *_FLAGS, "h"}
        self.classes: dict[str, Signature | None] = {key: find(path) for key, path in CLASSES.items()}
        self.classes["model"] = None
        self.file = ""
        self.source = 0  # of the word or the file that is read
        self.named: dict[str, list[int]] = {}  # sources of a value or a class, by key
        self.typed: set[str] = set()  # keys of the command line itself
        self.nulls: set[str] = set()  # keys whose last value is null

    def read(self, file: Path) -> None:
        """The keys of a config file, after those of the files that it includes."""
        import yaml

        if file.suffix in (".yaml", ".yml", ".json") and not file.exists():
            beside = [str(each) for each in file.parent.glob(f"*{file.suffix}")]
            close = get_close_matches(str(file), beside, n=1)
            raise _Unknown(f"config: there is no file {file}" + (f"; did you mean {close[0]}?" if close else ""))
        try:
            parts = config_parts(file)
        except (OSError, ValueError, yaml.YAMLError):
            return
        for part, content in parts:
            self.source += part == file  # what it includes is one source, its own keys are another
            self.file = f"{part}: "
            for key, value in content.items() if isinstance(content, dict) else ():
                self.set(str(key), value)
        self.file = ""

    def set(self, key: str, value: Any) -> None:
        """One key, and in a config what stands below it."""
        parts = [part for part in key.split(".") if part != "init_args"]
        if parts[0] in self.plain or "dict_kwargs" in key:
            return
        if parts[0] not in self.classes:
            close = get_close_matches(parts[0], [*self.plain - {"h", "help"}, *self.classes], n=1)
            way_out = f"; did you mean {close[0]}{key.removeprefix(parts[0])}?" if close else "; --help lists them"
            raise _Unknown(f"{self.file}{key}: there is no such key{way_out}")
        place = ""
        for part in parts:
            if place:
                self._require(place, part)
            place = f"{place}.{part}" if place else part
        owner = self.signature(place.rpartition(".")[0])
        argument = owner and owner.arguments.get(parts[-1])
        takes = re.findall(r"\w+", argument.annotation) if argument else []
        if value in (None, "null", "~") and takes and not {"None", "Optional", "Any"} & set(takes):
            raise _Unknown(f"{self.file}{place}: it cannot be null; give it a value, or leave it out")
        self._take(place, value)

    def _take(self, place: str, value: Any) -> None:
        place = place.removesuffix(".class_path")
        if not self.file:
            self.typed.add(place)
        (self.nulls.add if value in (None, "null", "~") else self.nulls.discard)(place)
        # No set has no evaluation set, and arguments without a class are those of the set before.
        if not isinstance(value, dict) and (place != "data.train" or value not in (None, "null")):
            self.named.setdefault(place, []).append(self.source)
        if isinstance(value, str):
            if re.fullmatch(r"[A-Za-z_][\w.]*", value) and self._has_classes(place):
                self.classes[place] = find(value)
            elif value.lstrip().startswith("{"):
                self.classes[place] = None
        elif isinstance(value, dict):
            if "class_path" in value:
                self._take(place, str(value["class_path"]))
                value = {key: each for key, each in value.items() if key not in ("class_path", "dict_kwargs")}
                value = value.pop("init_args", None) or value
            for key, each in value.items():
                self.set(f"{place}.{key}", each)
        elif isinstance(value, list):
            for each in value:
                if isinstance(each, dict) and "class_path" in each:
                    self._take(place, each)
            self.classes[place] = None

    def _has_classes(self, place: str) -> bool:
        """Whether a value under this key may name a class."""
        owner = self.signature(place.rpartition(".")[0])
        argument = owner and owner.arguments.get(place.rpartition(".")[2])
        return place == "model" or bool(argument and re.search(r"\b[A-Z]\w+", argument.annotation))

    def signature(self, place: str) -> Signature | None:
        """Of the class that is configured under a key; None where it is not known."""
        if place in self.classes:
            return self.classes[place]
        outer, _, name = place.rpartition(".")
        owner = self.signature(outer) if outer else None
        argument = owner and owner.arguments.get(name)
        return class_of(argument) if argument else None

    def _require(self, place: str, part: str) -> None:
        signature = self.signature(place)
        if signature is None or not signature.complete or part in signature.arguments or part in ("help", "class_path"):
            return
        self._refuse(f"{place}.{part}", [f"{place}.{name}" for name in signature.arguments])

    def _refuse(self, key: str, known: Iterable[str]) -> None:
        raise _Unknown(f"{self.file}{key}: there is no such key{nearest(key, known)}")
