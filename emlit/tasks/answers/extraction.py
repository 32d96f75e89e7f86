"""Finding the answer in a completion."""

import re

_STATED = re.compile(
    r"(?:the\s+)?(?:final\s+)?answer\s*(?:is\s*:?|:|=)\s*(?P<answer>[^\n]+)|^####\s*(?P<hashes>[^\n]+)",
    re.IGNORECASE | re.MULTILINE,
)
_BRACES = re.compile(r"(?P<box>\\(?:boxed|fbox)\s*\{)|(?<!\\)\{|(?P<close>(?<!\\)\})")
_BRACELESS = re.compile(r"\\boxed\s+([^\s\\{}$.,;]+)")


def extract_boxes(text: str) -> list[tuple[int, str]]:
    r"""Every closed \boxed{} or \fbox{}, braces balanced: where it starts and what it holds, in order of their starts."""
    boxes: list[tuple[int, str]] = []
    opened: list[tuple[int, int] | None] = []  # where each open box and its content start; None for another brace
    for match in _BRACES.finditer(text):
        if match["close"] is None:
            opened.append((match.start(), match.end()) if match["box"] else None)
        elif opened:
            box = opened.pop()
            if box is not None:
                boxes.append((box[0], text[box[1] : match.start()].strip()))
    return sorted(boxes)


def extract_boxed(text: str) -> str | None:
    r"""The content of the last \boxed{} or \fbox{}, braces balanced; None without a closed one."""
    boxes = extract_boxes(text)
    return boxes[-1][1] if boxes else None


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
