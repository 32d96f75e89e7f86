"""Text that is a program but for what models write around it: prose, spaces of another kind, a session's prompts."""

import re
import textwrap
from collections.abc import Collection, Iterator
from itertools import islice

from emlit.tasks.program_names import bound_names, defined_names, first_error, parsed

STATEMENT = re.compile(
    r"^(?:(?:async[ \t]+def|def|class)[ \t]+\w|import[ \t]+\w|from[ \t]+[\w.]+[ \t]+import\b|@\w)", re.MULTILINE
)
_TRIES = 3  # of each way to cut the prose off a text
READS = re.compile(r"\binput\s*\(|\bstdin\b|\bopen\s*\(\s*0\b")
_SPACES = {ord(space): " " for space in "\u00a0\u2002\u2003\u2007\u2009\u202f"} | {0x3000: "  ", 0x200B: "", 0xFEFF: ""}
_NOTEBOOK = re.compile(r"^[ \t]*+[%!].*+$", re.MULTILINE)  # %matplotlib inline, !pip install
_TYPED = re.compile(r"^(?:>>>|\.\.\.)(?: (.*+))?$", re.MULTILINE)


def answers(program: str, wanted: Collection[str]) -> bool:
    """Whether a program defines what is wanted, or, where nothing is, defines anything or reads the input."""
    if wanted:
        return not bound_names(program).isdisjoint(wanted)
    return bool(defined_names(program)) or READS.search(program) is not None and parsed(program) is not None


def without_prose(text: str, wanted: Collection[str] = ()) -> str:
    """A text that parses, or the program in it: the first that defines what is wanted, or else anything."""
    if parsed(text) is not None:
        return text
    other = ""
    for program in _programs(text):
        if answers(program, wanted):
            return program
        other = other or (program if answers(program, ()) else "")
    return other or text


def _programs(text: str) -> Iterator[str]:
    """What comes before a text's first error; without that line, before the next; from a statement up to an error."""
    lines = text.split("\n")
    for _ in range(_TRIES):
        program, error = _up_to_error(lines)
        yield program
        lines = [*program.split("\n"), *lines[error:]]
    for start in islice(STATEMENT.finditer(text), _TRIES):
        yield _up_to_error(text[start.start() :].split("\n"))[0]


def _up_to_error(lines: list[str]) -> tuple[str, int]:
    """What parses of a text's beginning, as whole statements, and the line of its first error, from 1."""
    error = 0
    for _ in range(_TRIES):
        end = first_error("\n".join(lines))
        if end is None:
            return "\n".join(lines).lstrip("\n"), error or len(lines)
        error = error or end
        # Back to the last line that began a statement: what is cut there is whole.
        end = min(end, len(lines)) - 1
        while end > 0 and (not lines[end].strip() or lines[end][0].isspace()):
            end -= 1
        lines = lines[:end]
    return "", error


def dedented(code: str) -> str:
    """Code without the spaces that no program has, and one that is indented as a whole, behind the mark of a list."""
    code = readable(code)
    if code[:1] not in (" ", "\t") or parsed(code) is not None:
        return code
    other = textwrap.dedent(code)
    return other if defined_names(other) else code


def readable(code: str) -> str:
    """Code that parses, or it without odd spaces, lines that are a notebook's, and what a session has around it."""
    if parsed(code) is not None:
        return code
    code = _NOTEBOOK.sub("", code.translate(_SPACES))
    return "\n".join(_TYPED.findall(code)) if code.lstrip().startswith(">>>") else code
