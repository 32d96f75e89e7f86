"""Every command line of emlit's that README and docs show names commands, keys and files that there are."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from emlit.keys import unknown_key, with_values
from emlit.plan.__main__ import own_parser
from emlit.play.__main__ import parser as play_parser

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").glob("*.md")),
    ROOT / "benchmarks/README.md",
]
COMMAND = re.compile(r"(?:python (?:cli\.py|-m emlit\.plan|-m (?:emlit|benchmarks)\.[\w.]+)|emlit) .*")


def shown(page: Path) -> Iterator[str]:
    """The commands of a page: its lines, joined where they are continued, and what stands in backticks."""
    text = re.sub(r"\\\n\s*", " ", page.read_text())
    spans = re.findall(r"`((?:python cli\.py|python -m (?:emlit|benchmarks)|emlit) ?[^`\n]+)`", text)
    for line in [*spans, *(line.strip().removeprefix("$ ") for line in text.splitlines())]:
        if match := COMMAND.match(line.partition("  #")[0]):
            yield match[0].strip()


COMMANDS = [(page.name, line) for page in PAGES for line in dict.fromkeys(shown(page))]


def test_there_are_some():
    assert len(COMMANDS) > 50


@pytest.mark.parametrize(("page", "line"), COMMANDS)
def test_a_shown_command_is_one(page, line, monkeypatch):
    monkeypatch.chdir(ROOT)
    words = shlex.split(line.replace("…", "...").replace("[", "").replace("]", ""))
    if words[0] == "python" and words[1] == "-m":
        parts = words[2].split(".")
        assert any(
            (ROOT.joinpath(*parts).with_suffix(".py").exists(), (ROOT.joinpath(*parts) / "__main__.py").exists())
        )
        if words[2] != "emlit.plan":
            return
        words = ["fit", *own_parser().parse_known_args(words[3:])[1]]
    else:
        words = words[2:] if words[0] == "python" else words[1:]
    if words[0] in ("configs", "...") or not words:
        return
    if words[0] == "report":
        return
    if words[0] == "play":
        assert play_parser().parse_args(words[1:]).model
        return
    for number, word in enumerate(words[:-1]):
        if word == "--config" and "://" not in words[number + 1] and words[number + 1].endswith(".yaml"):
            file = words[number + 1]
            assert "<" in file or Path(file).exists(), file
    readable = [word for word in words if word not in ("...", "KEY", "|", "&&")]
    assert unknown_key(with_values(readable)) is None
