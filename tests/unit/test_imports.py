"""Imports run downwards only, from room to room: a folder of emlit, or a module beside them.

The order is the layout table of CONTRIBUTING.md, from the top and, within a row, from the left. Imports inside of
functions and under TYPE_CHECKING count too.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TABLE = (ROOT / "CONTRIBUTING.md").read_text().partition("## The layout")[2].partition("\n## ")[0]
LISTED = [
    name
    for row in re.findall(r"^\| (`.*?) \|", TABLE, re.MULTILINE)
    for name in re.findall(r"`(?:emlit/)?(\w+)(?:/|\.py)`", row)
]
BESIDE = ("configs", "tests", "benchmarks")  # what imports emlit, or nothing
ORDER = [name for name in LISTED if name not in BESIDE]


def rooms() -> dict[str, list[Path]]:
    """The source files of each room; the package's own `__init__`, which is its front, is in none."""
    found: dict[str, list[Path]] = {"cli": [ROOT / "cli.py"], "callbacks": sorted((ROOT / "callbacks").rglob("*.py"))}
    for file in sorted((ROOT / "emlit").rglob("*.py")):
        room = file.relative_to(ROOT / "emlit").with_suffix("").parts[0]
        if not room.startswith("__"):
            found.setdefault(room, []).append(file)
    return found


def imported(file: Path, tree: ast.AST) -> Iterator[str]:
    """The rooms that a file names in its imports, each as often as it stands there."""
    package = list(file.relative_to(ROOT).parent.parts)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            names = [f"{base}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            parts = name.split(".")
            inside = parts[1:] if parts[0] == "emlit" else parts if parts[0] in ("callbacks", "cli") else []
            if inside and not inside[0].startswith("__"):
                yield inside[0]


def arrows() -> dict[str, dict[str, list[str]]]:
    """From room to room, and in which files."""
    found: dict[str, dict[str, list[str]]] = {}
    for room, files in rooms().items():
        for file in files:
            for other in imported(file, ast.parse(file.read_text())):
                if other != room:
                    found.setdefault(room, {}).setdefault(other, []).append(str(file.relative_to(ROOT)))
    return found


def circle(graph: dict[str, dict[str, list[str]]]) -> list[str] | None:
    """The rooms of one circle, its first one once more at the end."""
    done: set[str] = set()

    def follow(room: str, path: list[str]) -> list[str] | None:
        if room in path:
            return [*path[path.index(room) :], room]
        if room in done:
            return None
        found = next((each for other in graph.get(room, {}) if (each := follow(other, [*path, room]))), None)
        done.add(room)
        return found

    return next((found for room in graph if (found := follow(room, []))), None)


def test_the_table_has_every_room_once():
    assert sorted(ORDER) == sorted(rooms())


def test_there_is_no_circle():
    assert circle(arrows()) is None


def test_imports_run_downwards():
    upward = [
        f"{room} imports {other}, which is above it: {', '.join(files)}"
        for room, others in arrows().items()
        for other, files in others.items()
        if ORDER.index(other) < ORDER.index(room)
    ]
    assert upward == []


def test_a_circle_is_found():
    assert circle({"a": {"b": []}, "b": {"c": []}}) is None
    assert circle({"a": {"b": []}, "b": {"c": []}, "c": {"b": []}}) == ["b", "c", "b"]


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import emlit.errors", ["errors"]),
        ("from emlit import progress, errors", ["progress", "errors"]),
        ("from emlit.rollout.chat import Chat", ["rollout"]),
        ("from ..functional import kl", ["functional"]),
        ("from . import base", ["engines"]),
        ("def late():\n    from callbacks.progress import RolloutProgress", ["callbacks"]),
        ("if TYPE_CHECKING:\n    from emlit.callbacks import WeightSync", ["callbacks"]),
        ("import torch\nfrom emlit import __version__", []),
    ],
)
def test_every_kind_of_import_counts(source, found):
    assert list(imported(ROOT / "emlit/engines/replay.py", ast.parse(source))) == found
