"""Finding the answer in a completion; the time grows with its length, whatever it is."""

import re
from collections.abc import Iterator

from emlit.grading.stated import stated, without_thinking

_BRACES = re.compile(r"(?P<box>\\(?:boxed|fbox|framebox)\s*\{)|(?<!\\)\{|(?P<close>(?<!\\)\})")
_SPACE = r"(?:[\s$*]|\\(?:[ ,;:()\[\]]|q?quad(?![a-z]))){0,12}"
_JOINT = re.compile(
    rf"{_SPACE}(?:\\(?:text|mathrm) ?\{{ ?)?,?{_SPACE}(?:\\(?:text|mathrm) ?\{{ ?)?"
    r"(?:and|or|&|/|\\lor|\\vee|(?<=,)|(?<=, )|(?<=,\})|(?<=quad)|(?<=quad ))\s?\}?"
    rf"{_SPACE}(?:[A-Za-z](?:_\{{?\w\}}?)? ?= ?)?{_SPACE}"
)
_BRACELESS = re.compile(r"\\boxed\s*([+-]?\.?\d[\d,]*(?:\.\d+)?(?!\d)|(?<=\s)[^\s\\{}$.,;]+)")


def _boxes(text: str) -> Iterator[tuple[int, int, int]]:
    """Each closed box: where it starts, and from where to where its content goes."""
    opened: list[tuple[int, int] | None] = []  # an open box and its content's start; None for another brace
    for match in _BRACES.finditer(text):
        if match["close"] is None:
            opened.append((match.start(), match.end()) if match["box"] else None)
        elif opened:
            box = opened.pop()
            if box is not None:
                yield *box, match.start()


def extract_boxes(text: str) -> list[tuple[int, str]]:
    r"""Every closed \boxed{}, \fbox{} or \framebox{} outside of all others: where it starts, and what it holds."""
    outermost: list[tuple[int, int, int]] = []
    for box in sorted(_boxes(text)):
        if not outermost or box[0] > outermost[-1][2]:
            outermost.append(box)
    return [(start, text[content:end].strip()) for start, content, end in outermost]


def extract_boxed(text: str) -> str | None:
    r"""The content of the last \boxed{}, \fbox{} or \framebox{}, braces balanced; None without a closed one."""
    _, content, end = max(_boxes(text), default=(0, 0, -1))
    return None if end < 0 else text[content:end].strip()


def in_a_box(text: str) -> bool:
    r"""Whether an answer stands in a closed \boxed{}, as prompts ask for it; a box in thinking is none."""
    return extract_boxed(without_thinking(text)) is not None


def _joined(text: str) -> str | None:
    """The last boxes, where there are words between answers between them: one or the other."""
    found: list[str] = []
    after = len(text)
    for start, content in reversed(extract_boxes(text)):
        end = text.index("{", start) + 1
        end = text.index("}", text.index(content, end) + len(content)) + 1
        if found and not _JOINT.fullmatch(text, end, after):
            break
        found, after = [content, *found], start
    return ", ".join(dict.fromkeys(found)) if len(found) > 1 and all(found) else None


def extract_answer(text: str) -> str | None:
    r"""The final answer of a completion: the last \boxed{}, else the last one that is stated.

    "The answer is …", "Final Answer: …", "#### …", a heading "Answer" and what stands below it; see `stated`.
    Thinking in tags does not count where something is said after it, nor an empty box where an answer is stated.
    Returns None where there is neither. Never raises.
    """
    text = without_thinking(text)
    _, content, end = max(_boxes(text), default=(0, 0, -1))
    if end >= 0:
        return _joined(text) or text[content:end].strip() or stated(text[end + 1 :]) or ""
    braceless = _BRACELESS.findall(text)
    if braceless:  # as some worked solutions of MATH have it: \boxed 2
        return braceless[-1]
    return stated(text)
