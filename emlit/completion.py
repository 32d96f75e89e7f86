"""Completion in a shell: `complete -o nospace -o default -C "emlit complete" emlit` in bash, or zsh (bashcompinit)."""

import re
from collections.abc import Mapping
from pathlib import Path

from emlit import bundled
from emlit.keys import SUBCOMMANDS, keys_behind, values_behind


def completions(environment: Mapping[str, str]) -> list[str]:
    """What the word before the cursor may become; none where the shell itself knows better (files).

    Args:
        environment: with COMP_LINE, the line, and COMP_POINT, the cursor's place in it, as bash sets them
    """
    line = environment.get("COMP_LINE", "")[: int(environment.get("COMP_POINT") or 0) or None]
    *before, begun = line.split(" ")
    words = [word for word in before[1:] if word]
    if not words:
        found = [*SUBCOMMANDS, "configs", "play", "report"]
    elif words[-1] in ("--config", "-c"):
        # The shell takes a word for begun anew behind a colon.
        names = [f"{bundled.SCHEME}{name}" for name in bundled.names()]
        scheme = bundled.SCHEME.partition("/")[0] if begun.startswith(bundled.SCHEME.partition("/")[0]) else ""
        return [name.removeprefix(scheme) for name in names if name.startswith(begun)] if begun else []
    elif words[0] in ("play", "report"):
        found = [f"{option} " for option in options(words[0])] if begun.startswith("-") else []
    elif begun.startswith("-") and "=" in begun:
        key, _, begun = begun.partition("=")  # the shell takes a word for begun anew behind it
        found = values_behind(words, key.lstrip("-"))
    elif words[-1].startswith("--") and "=" not in words[-1] and not begun.startswith("-"):
        found = values_behind(words[:-1], words[-1].lstrip("-"))
    elif begun.startswith("-"):
        found = [key if key.endswith(".") else f"{key} " for key in keys_behind(words, begun)]
    else:
        found = []
    return [each for each in found if each.startswith(begun)]


def options(command: str) -> list[str]:
    """Those of play or report, from its source."""
    source = (Path(__file__).parent / command / "__main__.py").read_text()
    return re.findall(r"add_argument\(\s*\"(--\w+)\"", source)
