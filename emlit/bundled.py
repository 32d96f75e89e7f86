"""The configs that come with emlit: `emlit configs`, and `--config emlit://tiny/em_ft` anywhere."""

import difflib
import re
from collections.abc import Sequence
from pathlib import Path

from emlit.errors import ConfigError

CONFIGS = Path(__file__).parent / "configs"
SCHEME = "emlit://"


def names() -> dict[str, Path]:
    """Each config by its name, such as tiny/em_ft."""
    return {str(file.relative_to(CONFIGS).with_suffix("")): file for file in sorted(CONFIGS.rglob("*.yaml"))}


def find(name: str) -> Path:
    """The file of a config's name.

    Raises:
        ConfigError: there is none
    """
    name = name.removeprefix(SCHEME).removesuffix(".yaml")
    known = names()
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise ConfigError(f"config is {SCHEME}{name}, and emlit has no such config; {hint}`emlit configs` lists them")
    return known[name]


def resolved(words: Sequence[str]) -> list[str]:
    """A command line with the files of emlit:// in place of their names."""
    given = [word.rpartition("=") for word in words]
    return [f"{key}{equals}{find(name) if name.startswith(SCHEME) else name}" for key, equals, name in given]


def command(words: Sequence[str]) -> str:
    """What `emlit configs` and `emlit configs copy NAME [FOLDER]` print.

    Raises:
        ConfigError: another command, a name that is none, or a file that is there already
    """
    if not words:
        return "\n".join(f"{SCHEME}{name:34} {_first_line(file)}" for name, file in names().items())
    if words[0] != "copy" or len(words) not in (2, 3):
        raise ConfigError("emlit configs lists them; emlit configs copy NAME [FOLDER] copies one to change it")
    source = find(words[1])
    target = Path(words[2] if len(words) == 3 else ".") / source.name
    if target.exists():
        raise ConfigError(f"{target} is there already; name another folder")
    target.parent.mkdir(parents=True, exist_ok=True)
    # What it includes stays where it is.
    included = re.compile(r"(?<=^include: \[).*(?=\]$)", re.MULTILINE)
    target.write_text(
        included.sub(
            lambda found: ", ".join(str((source.parent / name.strip()).resolve()) for name in found[0].split(",")),
            source.read_text(),
        )
    )
    return f"{target}"


def _first_line(file: Path) -> str:
    return file.read_text().splitlines()[0].removeprefix("#").strip()
