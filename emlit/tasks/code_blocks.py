"""The program of a completion, in one pass over its lines."""

import html
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from emlit.grading.stated import without_thinking
from emlit.tasks.plain_code import READS, STATEMENT, answers, dedented, readable, without_prose
from emlit.tasks.program_names import acts, corrected, defined_names, is_library, only_stubs, with_helpers

_PYTHON = ("python", "py", "python3", "py3")
_FENCE = re.compile(r"(?P<fence>(?<!`)`{3,}+|(?<!~)~{3,}+)[ \t]*+(?P<language>[\w+.#-]*+)[ \t]*+(?P<more>[^`~]*+)$")
_ONE_LINE = re.compile(r"```(?:python|py)3?[ \t]++([^`\n]++)```", re.IGNORECASE)
_DEFINITION = re.compile(r"^[ \t]*(?:async[ \t]+def|def|class)[ \t]+\w", re.MULTILINE)
_JOINED = 3  # the last so many blocks may read the input with those that they need
_NAMES = re.compile(
    r"^(?:(?:async[ \t]+def|def|class)[ \t]+(\w+)|"
    r"((?:\w+[ \t]*[,=][ \t]*)*\w+)[ \t]*(?::[^=\n]*)?=(?!=))",
    re.MULTILINE,
)
# HTML, and the marks of CodeLlama's and MBPP's prompts.
_TAG = re.compile(
    r"<(?P<end>/)?(?i:pre|code)\b[^<>]*>|(?<!\w)\[(?:PYTHON|BEGIN)\](?: (?=\S))?|(?P<mark>\[/PYTHON\]|^\[DONE\])",
    re.MULTILINE,
)
# What decides whether a line ends inside a string: comments, strings of one line, and where long ones begin.
_TOKEN = re.compile(r"#|\"\"\"|'''|\"(?:[^\"\\]|\\.)*+(?:\"|\\?$)|'(?:[^'\\]|\\.)*+(?:'|\\?$)")
_ENDS = {mark: re.compile(rf"(?:[^\\{mark[0]}]|\\.|\\$|{mark[0]}(?!{mark[0] * 2}))*+{mark}") for mark in ('"""', "'''")}


@dataclass(frozen=True)
class Block:
    """A fenced block: its language in lower case, its text, and whether its fence was closed."""

    language: str
    code: str
    closed: bool


def extract_code(text: str, wanted: Collection[str] = ()) -> tuple[str | None, bool]:
    """The program of a completion, and whether it stands where prompts ask for it: in a closed ```python block.

    The last block that defines a wanted name, stubs last; without one the last that reads the input, alone or with the
    blocks that it needs, or else the last that defines something; closed blocks of Python first. What a later block of
    functions defines anew takes the place of the old. Blocks that bring what it reads and does not define stand in
    front of it: helpers, or imports, in a block of their own. A text without blocks is a program where it parses as one
    that defines something or reads the input. What a model thinks is not its answer where one follows.

    Args:
        text: of any length; the time taken is linear in it
        wanted: names that the program must define
    """
    said = without_thinking(text)
    program, closed = _extracted(said, wanted) if said != text else (None, False)
    if program is not None and answers(program, wanted) and not only_stubs(program):
        return program, closed
    return _extracted(text, wanted)


def _extracted(text: str, wanted: Collection[str]) -> tuple[str | None, bool]:
    blocks = list(_blocks(text)) or list(_tagged_blocks(text))
    blocks = blocks or [Block("", code, True) for code in _ONE_LINE.findall(text)]
    if not blocks:
        unfenced = "\n".join(line for line in text.split("\n") if not _FENCE.match(line))
        bare = readable(without_prose(unfenced, wanted))
        return (bare if answers(bare, ()) else None), False
    group, place = _chosen(blocks, wanted)
    block = group[place]
    is_body = block.closed and block.code[:1] in (" ", "\t")
    program = block.code if is_body else without_prose(block.code, wanted)
    return _assembled(program, group, place, wanted), block.closed and block.language in _PYTHON


def _chosen(blocks: Sequence[Block], wanted: Collection[str]) -> tuple[Sequence[Block], int]:
    python = [block for block in blocks if block.closed and (block.language in _PYTHON or answers(block.code, ()))]
    groups = [group for group in (python, blocks) if group]
    for group in groups:
        found = [len(_names(block.code) & set(wanted)) for block in group]
        if most := max(found):
            right = [place for place, count in enumerate(found) if count == most]
            return group, next((place for place in reversed(right) if not only_stubs(group[place].code)), right[-1])
    group = groups[0]
    acting = [place for place, block in enumerate(group) if acts(block.code)]
    whole = [place for place in acting if READS.search(group[place].code)]
    last = acting[: -_JOINED - 1 : -1]
    joined = (place for place in last if READS.search(_assembled(group[place].code, group, place, ())))
    if not whole and (at := next(joined, None)) is not None:
        return group, at
    defining = [place for place, block in enumerate(group) if _DEFINITION.search(block.code)]
    return group, (whole or defining or acting or [len(group) - 1])[-1]


def _names(code: str) -> set[str]:
    """What a block defines or assigns at its top, also where it does not parse."""
    return {name for pair in _NAMES.findall(code) for names in pair for name in re.findall(r"\w+", names)}


def _assembled(program: str, group: Sequence[Block], place: int, wanted: Collection[str]) -> str:
    """A block's program, mended by later blocks and behind those that it needs."""
    later = [block.code for block in group[place + 1 :]]
    mending = [code for code in later if is_library(code)]
    earlier = [block.code for block in reversed(group[:place])]
    return with_helpers(corrected(program, mending), [*reversed(mending), *earlier, *later], wanted)


def _tagged_blocks(text: str) -> Iterator[Block]:
    """What stands in <pre>, <code>, [PYTHON] or [BEGIN]; where a prompt ends with a mark, or generation does, one is
    enough.
    """
    opened, behind = None, 0
    for tag in _TAG.finditer(text):
        if opened and tag["end"]:
            yield Block("", dedented(html.unescape(text[behind : tag.start()]).strip("\n")), True)
        elif tag["mark"]:
            yield Block("", dedented(text[behind : tag.start()].strip("\n")), True)
        opened, behind = (None if tag["end"] or tag["mark"] else tag), tag.end()
    if opened and opened[0].startswith("["):
        yield Block("", dedented(text[behind:].strip("\n")), False)


def _blocks(text: str) -> Iterator[Block]:
    """The blocks of a text; what stands before a fence that closes without having been opened is one too."""
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    place, outside = 0, 0  # the next line, and the first one after the last block
    long_strings = 4 * len(text)  # characters that may be read twice, so that the time stays linear
    while place < len(lines):
        opening = _FENCE.search(lines[place])
        if opening is None:
            place += 1
            continue
        before = "\n".join(lines[outside:place])
        language = opening["language"].lower()
        if not language and _DEFINITION.search(before) and defined_names(program := _to_the_end(before)):
            yield Block("", program, False)
            place = outside = place + 1
            continue
        unquoted = _unquoting(lines[place][: opening.start()])
        end, closed, read = _end(lines, place + 1, opening["fence"], unquoted, long_strings > 0)
        long_strings -= sum(len(line) + 1 for line in lines[end:read])
        first = [opening["more"]] if STATEMENT.match(opening["more"]) else []
        code = first + [unquoted(line) for line in lines[place + 1 : end]]
        if closed:
            code.append(unquoted(lines[end]).rstrip().rstrip(opening["fence"][0]).rstrip(" \t"))
        block = Block(language, dedented("\n".join(code).removesuffix("\n")), closed)
        place = outside = end + closed
        if block.closed or block.code.strip():
            yield block


def _to_the_end(text: str) -> str:
    """The program that a text ends in, behind its prose; the text where prose stands behind the program, too."""
    program = without_prose(text)
    return program if text.rstrip().endswith(program.rstrip()) else text


def _end(
    lines: list[str], first: int, fence: str, unquoted: Callable[[str], str], long_strings: bool
) -> tuple[int, bool, int]:
    """Where a block ends: the line of its closing fence, or the first line after it; whether it is closed; lines read.

    A fence inside of a docstring is text, unless no other one follows.
    """
    inside, in_string = "", None
    for place in range(first, len(lines)):
        line = unquoted(lines[place])
        if line.rstrip().endswith(fence):
            if not inside:
                return place, True, place
            in_string = place if in_string is None else in_string
        elif not inside and (another := _FENCE.search(line)) and another["language"] and not another.start():
            return place, False, place  # the one before was never closed
        if long_strings:
            inside = _string_after(line, inside)
    if in_string is not None:
        return in_string, True, len(lines)
    return len(lines), False, len(lines)


def _string_after(line: str, inside: str) -> str:
    """The quotes of the long string that a line of a program ends in, "" for none; `inside` is that before it."""
    place = 0
    while True:
        if inside:
            end = _ENDS[inside].match(line, place)
            if end is None:
                return inside
            place, inside = end.end(), ""
        token = _TOKEN.search(line, place)
        if token is None or token[0] == "#":
            return ""
        place = token.end()
        if token[0] in _ENDS:
            inside = token[0]


def _unquoting(indent: str) -> Callable[[str], str]:
    """What takes off a line what stands before its block's fence: spaces of a list, marks of a quotation."""
    if indent.strip(" \t>"):  # words: the fence follows them on the same line
        return str
    if marks := indent.count(">"):
        pattern = re.compile(rf"(?:[ \t]*>){{1,{marks}}}[ \t]?")
        return lambda line: line[found.end() :] if (found := pattern.match(line)) else line
    width = len(indent)
    return lambda line: line[min(width, len(line) - len(line.lstrip(" \t"))) :]
