"""The argument parser of the command line."""

import math
from typing import Any, NoReturn

from jsonargparse import Namespace
from lightning.pytorch.cli import LightningArgumentParser

from emlit.argument_errors import one_sentence
from emlit.errors import ConfigError


class ArgumentError(ConfigError, ValueError):
    """An argument that the parser refuses; a ValueError too, as parsers of plug-ins inside it expect."""


class Parser(LightningArgumentParser):
    """An argument parser whose errors are one sentence, and which does not guess at shortened keys."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"allow_abbrev": False, **kwargs})

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        raise ArgumentError(one_sentence(message, self._keys()))

    def _keys(self) -> list[str]:
        parsers = [self, *(self._subcommands_action.choices.values() if self._subcommands_action else [])]
        return [action.dest for parser in parsers for action in parser._actions]


def require_usable(key: str, value: Any) -> None:
    """Refuse what passes every comparison that a constructor makes, and what no path or program takes."""
    if isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f"{key} is {value}; it must be a finite number")
    if isinstance(value, str) and "\0" in value:
        raise ConfigError(f"{key} is {value!r}; it must not hold a NUL character")
    if isinstance(value, list | tuple | dict | Namespace):
        for name, part in value.items() if isinstance(value, dict | Namespace) else enumerate(value):
            require_usable(f"{key}.{name}", part)
