"""A hostile program, and how texts of many become them."""

from dataclasses import dataclass
from textwrap import dedent


@dataclass(frozen=True)
class Hostile:
    """One program.

    Attributes:
        name: what it tries
        text: the program
        fake: it tries to pass for right
        early: and that without coming to its last line
    """

    name: str
    text: str
    fake: bool = False
    early: bool = False


def preamble(**names: str | int) -> str:
    lines = [f"{name} = {value!r}" for name, value in names.items()]
    return "\n".join([*lines, "def answer(n):\n    return n\n"])


def programs(text: str, *, front: str = "", fake: bool = False, early: bool = False) -> list[Hostile]:
    """Programs out of one text, each under a line `#: name`, with the same lines in front of all."""
    parts = [part.partition("\n") for part in dedent(text).split("#: ")[1:]]
    return [Hostile(name.strip(), front + body, fake, early) for name, _, body in parts]
