"""The argument parser of the command line."""

import contextlib
import inspect
from pathlib import Path
from typing import Any, NoReturn
from unittest.mock import patch

import yaml
from jsonargparse import ActionConfigFile, Namespace, _typehints, get_loader
from jsonargparse._actions import previous_config
from jsonargparse._util import import_object
from lightning.pytorch.cli import LightningArgumentParser

from emlit.argument_errors import concise_error
from emlit.errors import ConfigError
from emlit.includes import INCLUDE, config_parts, included_files
from emlit.modules import CausalLM

# Whatever the objective is, these say which model it is for and how it is held.
_KEPT = tuple(inspect.signature(CausalLM).parameters)


class ArgumentError(ConfigError, ValueError):
    """An argument that the parser refuses; a ValueError too, as parsers of plug-ins inside it expect."""


class Parser(LightningArgumentParser):
    """An argument parser whose errors are one sentence, and which does not guess at shortened keys.

    A class that replaces another under the same key starts from its own defaults. jsonargparse would hand it those of
    the other's arguments that happen to have the same names: somebody's prompts would get the column and the system
    prompt of the data set that a recipe names. Of a model, what `CausalLM` takes is kept.

    Attributes:
        replaced: a sentence for each class that another one replaced
    """

    replaced: tuple[str, ...] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"allow_abbrev": False, **kwargs})

    def parse_args(self, *args: Any, **kwargs: Any) -> Namespace:  # type: ignore[override]  # as jsonargparse's
        discard = _typehints.discard_init_args_on_class_path_change
        if discard.__module__ == __name__:  # the parser of a subcommand, inside that of all
            return super().parse_args(*args, **kwargs)
        sentences: dict[str, None] = {}

        def start_anew(parser_or_action: Any, previous: Any, value: Any) -> None:
            if sentence := _start_anew(previous, value):
                sentences[sentence] = None
            discard(parser_or_action, previous, value)

        with patch.object(_typehints, "discard_init_args_on_class_path_change", start_anew):
            parsed = super().parse_args(*args, **kwargs)
        self.replaced = tuple(sentences)
        return parsed

    def parse_path(self, path: Any, *args: Any, **kwargs: Any) -> Namespace:
        """A config file's arguments; includes that cannot be followed are refused before any is parsed."""
        with contextlib.suppress(OSError, ValueError, yaml.YAMLError):  # the file's own faults are jsonargparse's
            config_parts(Path(path))
        return super().parse_path(path, *args, **kwargs)

    def parse_string(self, content: str, *args: Any, **kwargs: Any) -> Namespace:
        """A config's arguments, merged over the files that it includes as if `--config` had named them before it."""
        loaded = None
        with contextlib.suppress(yaml.YAMLError):
            loaded = get_loader("yaml")(content)
        if isinstance(loaded, dict) and INCLUDE in loaded:
            given = previous_config.get()
            for file in included_files(loaded, Path(kwargs.get("path") or "config")):
                ActionConfigFile.apply_config(self, given, "config", str(file))
                given["config"].pop()  # lists what was given: its first names the run
            own = {key: value for key, value in loaded.items() if key != INCLUDE}
            content = yaml.safe_dump(own, default_style='"', sort_keys=False)  # quoted: what is text stays text
        return super().parse_string(content, *args, **kwargs)

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        raise ArgumentError(concise_error(message, self._keys()))

    def _keys(self) -> list[str]:
        parsers = [self, *(self._subcommands_action.choices.values() if self._subcommands_action else [])]
        return [action.dest for parser in parsers for action in parser._actions]


def _start_anew(previous: Any, value: Any) -> str | None:
    """Take from an earlier choice of class what a new one must not inherit; the sentence about it, if there was any."""
    if not previous or not previous.get("init_args") or previous["class_path"] == value["class_path"]:
        return None
    old, new = import_object(previous["class_path"]), import_object(value["class_path"])
    if old is new:
        return None
    arguments = vars(previous["init_args"])
    same_model = inspect.isclass(new) and issubclass(new, CausalLM)
    defaults = {name: each.default for name, each in inspect.signature(old).parameters.items()}
    kept = {key: each for key, each in arguments.items() if same_model and key in _KEPT}
    dropped = [key for key in arguments if key not in kept]
    for key in dropped:
        del arguments[key]
    shown = [f"{key} {each}" for key, each in kept.items() if each != defaults.get(key) and isinstance(each, str | int)]
    if not dropped and not shown:
        return None
    return (
        f"{new.__name__} replaces {old.__name__}"
        + (f", whose {', '.join(shown)} it keeps" if shown else "")
        + (f"; not kept: {', '.join(dropped)}" if dropped else "")
    )
