"""What a sandboxed process says of itself: lines that the program may have written, held against a schema."""

import re
from dataclasses import dataclass

LONGEST = 4096  # bytes of a line
_LINE = re.compile(
    rb"(?P<ready>ready)"
    rb"|ok (?P<proof>[0-9a-f]{128})"
    rb"|(?P<end>(?:exception|exit|memory|solution (?:crossing|exit|protocol|timeout)): [^\n]*)"
)


@dataclass(frozen=True)
class Report:
    """One line: that the program is about to start, that it came to its end, with a proof, or what ended it."""

    ready: bool = False
    proof: str | None = None
    end: str | None = None


def parsed(line: bytes) -> Report | None:
    """A line as a report; None where it is none."""
    match = _LINE.fullmatch(line) if len(line) <= LONGEST else None
    if match is None:
        return None
    proof, end = match["proof"], match["end"]
    return Report(
        match["ready"] is not None,
        None if proof is None else proof.decode("ascii"),
        None if end is None else end.decode("utf-8", "backslashreplace"),
    )
