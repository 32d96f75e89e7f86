"""Finding the answer in a completion, and comparing it with the label."""

import re
import threading
from decimal import Decimal, InvalidOperation

_STATED = re.compile(
    r"(?:the\s+)?(?:final\s+)?answer\s*(?:is\s*:?|:|=)\s*(?P<answer>[^\n]+)|^####\s*(?P<hashes>[^\n]+)",
    re.IGNORECASE | re.MULTILINE,
)
_BRACES = re.compile(r"(?P<box>\\(?:boxed|fbox)\s*\{)|(?<!\\)\{|(?P<close>(?<!\\)\})")
_MATH_SECONDS = 5


def extract_boxed(text: str) -> str | None:
    r"""The content of the last \boxed{} or \fbox{}, braces balanced; None without a closed one."""
    best: tuple[int, int] | None = None
    opened: list[int | None] = []  # where the content of each open box starts; None for another brace
    for match in _BRACES.finditer(text):
        if match["close"] is None:
            opened.append(match.end() if match["box"] else None)
        elif opened:
            start = opened.pop()
            if start is not None and (best is None or start > best[0]):
                best = start, match.start()
    return None if best is None else text[best[0] : best[1]].strip()


def extract_answer(text: str) -> str | None:
    r"""The final answer of a completion: the last \boxed{}, else the last "answer is …", "answer: …" or "#### …".

    Returns None where there is neither. Never raises.
    """
    boxed = extract_boxed(text)
    if boxed is not None:
        return boxed
    stated = [match["answer"] or match["hashes"] for match in _STATED.finditer(text)]
    if not stated:
        return None
    answer = stated[-1].strip()
    if answer.startswith("$") and answer.count("$") > 1:
        answer = answer[1 : answer.index("$", 1)]
    return answer.strip().strip("*").rstrip(".").strip() or None


def _number(text: str) -> Decimal | None:
    """A plain decimal number, thousands separators allowed; None for anything else."""
    try:
        number = Decimal(re.sub(r"(?<=\d),(?=\d{3}\b)", "", text))
    except InvalidOperation:
        return None
    return number if number.is_finite() and len(text) < 64 else None


def math_equal(answer: str | None, gold: str) -> bool:
    """Whether two answers mean the same, by math-verify; a malformed or missing answer is False, never an exception.

    Plain numbers are compared without it: a parse takes milliseconds, and a round of training has hundreds of answers.
    """
    if answer is None:
        return False
    answer, gold = answer.strip().strip("$").strip(), gold.strip().strip("$").strip()
    if answer == gold:
        return bool(gold)
    left, right = _number(answer), _number(gold)
    if left is not None and right is not None:
        return left == right
    if not answer or not gold or len(answer) > 2000:
        return False
    return _verify(answer, gold)


def _verify(answer: str, gold: str) -> bool:
    from math_verify import parse, verify

    # math-verify keeps time with SIGALRM, which only the main thread may set.
    seconds = _MATH_SECONDS if threading.current_thread() is threading.main_thread() else None
    try:
        parsed = [parse(f"${text}$", parsing_timeout=seconds) for text in (gold, answer)]
        return all(parsed) and bool(verify(*parsed, timeout_seconds=seconds))
    except Exception:  # whatever a model wrote, grading goes on
        return False
