"""The command line's keys, read from the sources: `--help` and a misspelt key are answered before torch is imported."""

from emlit.keys.check import evaluates_another_set, keys_behind, unknown_key, values_behind
from emlit.keys.commands import CALLBACKS, ENGINES, PROFILERS, RUN_ARGUMENTS, SUBCOMMANDS, configs_first, with_values
from emlit.keys.help import help_asked_for

__all__ = [
    "CALLBACKS", "ENGINES", "PROFILERS", "RUN_ARGUMENTS", "SUBCOMMANDS", "configs_first", "evaluates_another_set",
    "help_asked_for", "keys_behind", "unknown_key", "values_behind", "with_values",
]  # fmt: skip
