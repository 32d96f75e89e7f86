"""Every command line of emlit's that README, docs and configs show names commands, keys and files that there are."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from emlit import bundled
from emlit.keys import unknown_key, with_values
from emlit.plan.__main__ import own_parser
from emlit.play.__main__ import parser as play_parser

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").glob("*.md")),
    ROOT / "benchmarks/README.md",
    *sorted((ROOT / "configs").rglob("*.yaml")),
]
COMMAND = re.compile(r"(?:python (?:cli\.py|-m emlit\.plan|-m (?:emlit|benchmarks)\.[\w.]+)|emlit) .*")
LAUNCHER = re.compile(r"(?:torchrun|srun) .*?(?:python )?(?=cli\.py )")


def shown(page: Path) -> Iterator[str]:
    """The commands of a page: its lines, joined where they are continued, and what stands in backticks."""
    text = re.sub(r"\\\n#?\s*", " ", page.read_text())
    spans = re.findall(r"`((?:python cli\.py|python -m (?:emlit|benchmarks)|emlit) ?[^`\n]+)`", text)
    for line in [*spans, *(line.strip("# ").removeprefix("$ ") for line in text.splitlines())]:
        if match := COMMAND.match(LAUNCHER.sub("python ", line.partition("  #")[0])):
            yield match[0].strip()


COMMANDS = [(str(page.relative_to(ROOT)), line) for page in PAGES for line in dict.fromkeys(shown(page))]


def test_there_are_some():
    assert len(COMMANDS) > 50


def assert_options(module: str, words: list[str]) -> None:
    """A module that can be run says `--option` of each option that it is given; or benchmarks' shared parser does."""
    path = ROOT.joinpath(*module.split("."))
    file = path / "__main__.py" if path.is_dir() else path.with_suffix(".py")
    known = re.findall(r'"(--\w+)"', file.read_text() + (ROOT / "benchmarks/measure.py").read_text())
    assert [word for word in words if word.startswith("--") and word not in known] == []


@pytest.mark.parametrize(("page", "line"), COMMANDS)
def test_a_shown_command_is_one(page, line, monkeypatch):
    monkeypatch.chdir(ROOT)
    words = shlex.split(line.replace("…", "...").replace("[", "").replace("]", ""))
    if words[0] == "python" and words[1] == "-m":
        if words[2] != "emlit.plan":
            assert_options(words[2], words[3:])
            return
        words = ["fit", *own_parser().parse_known_args(words[3:])[1]]
    else:
        words = words[2:] if words[0] == "python" else words[1:]
    if words[0] == "configs":
        assert words[1:2] in ([], ["copy"])
        assert all(bundled.find(name) for name in words[2:3])
        return
    if words[0] == "report":
        assert_options("emlit.report", words[1:])
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
