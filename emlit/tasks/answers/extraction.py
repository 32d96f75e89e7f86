"""Finding the answer in a completion."""

import re
from collections.abc import Iterator

_STATED = re.compile(
    r"(?:the\s+)?(?:final\s+)?answer\s*(?:is\s*:?|:|=)\s*(?P<answer>[^\n]+)|^####\s*(?P<hashes>[^\n]+)",
    re.IGNORECASE | re.MULTILINE,
)
_BRACES = re.compile(r"(?P<box>\\(?:boxed|fbox)\s*\{)|(?<!\\)\{|(?P<close>(?<!\\)\})")
_BRACELESS = re.compile(r"\\boxed\s+([^\s\\{}$.,;]+)")


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
    r"""Every closed \boxed{} or \fbox{} that stands in no other one: where it starts, and what it holds."""
    outermost: list[tuple[int, int, int]] = []
    for box in sorted(_boxes(text)):
        if not outermost or box[0] > outermost[-1][2]:
            outermost.append(box)
    return [(start, text[content:end].strip()) for start, content, end in outermost]


def extract_boxed(text: str) -> str | None:
    r"""The content of the last \boxed{} or \fbox{}, braces balanced; None without a closed one."""
    _, content, end = max(_boxes(text), default=(0, 0, -1))
    return None if end < 0 else text[content:end].strip()


def extract_answer(text: str) -> str | None:
    r"""The final answer of a completion: the last \boxed{}, else the last "answer is …", "answer: …" or "#### …".

    Returns None where there is neither. Never raises.
    """
    boxed = extract_boxed(text)
    if boxed is not None:
        return boxed
    braceless = _BRACELESS.findall(text)
    if braceless:  # as some worked solutions of MATH have it: \boxed 2
        return braceless[-1]
    stated = [match["answer"] or match["hashes"] for match in _STATED.finditer(text)]
    if not stated:
        return None
    answer = stated[-1].strip()
    if answer.startswith("$") and answer.count("$") > 1:
        answer = answer[1 : answer.index("$", 1)]
    return answer.strip().strip("*").rstrip(".").strip() or None
