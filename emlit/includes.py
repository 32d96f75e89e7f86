"""Configs made of others: `include` is a list of files whose keys are merged, in order, before a config's own."""

import os
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from emlit.errors import ConfigError, first_line

INCLUDE = "include"


def config_parts(file: Path, above: tuple[Path, ...] = ()) -> list[tuple[Path, Any]]:
    """The files that a config is made of, in the order in which they are merged, each with its own keys.

    Args:
        file: YAML or JSON; the last of the result
        above: files that include it, the outermost first

    Raises:
        ConfigError: an include that is no list, or a file of one that is missing, unreadable or part of a circle
        OSError, ValueError, yaml.YAMLError: `file` itself cannot be read
    """
    import yaml

    if above and any(file.samefile(each) for each in above):
        raise ConfigError(f"{above[-1]}: include: {file} includes this file in turn; leave one of the two out")
    try:
        content = yaml.load(file.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (OSError, ValueError, yaml.YAMLError) as error:
        if not above:
            raise
        raise ConfigError(f"{above[-1]}: include: {file} cannot be read: {first_line(error)}; mend it") from error
    if above and not isinstance(content, dict):
        raise ConfigError(f"{above[-1]}: include: {file} is no mapping of keys; give it some or leave it out")
    parts = [part for each in included_files(content, file) for part in config_parts(each, (*above, file))]
    own = {key: value for key, value in content.items() if key != INCLUDE} if isinstance(content, dict) else content
    return [*parts, (file, own)]


def included_files(content: Any, file: Path) -> list[Path]:
    """The files that the content of `file` includes, their names being relative to its directory.

    Raises:
        ConfigError: `include` is no list of names, or there is no such file
    """
    names = content.get(INCLUDE, []) if isinstance(content, dict) else []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ConfigError(f"{file}: include is {names!r}; it must be a list of files, such as [base.yaml]")
    paths = [_tidy(file.parent / name) for name in names]
    for path in paths:
        if not path.is_file():
            close = get_close_matches(str(path), map(str, path.parent.glob("*")), n=1)
            way_out = f"did you mean {close[0]}?" if close else "names are relative to the file that includes them"
            raise ConfigError(f"{file}: include: there is no file {path}; {way_out}")
    return paths


def _tidy(path: Path) -> Path:
    """The same file without the `..` of its path, but where a link makes that another one."""
    short = Path(os.path.normpath(path))
    return path if path.exists() and not (short.exists() and short.samefile(path)) else short
