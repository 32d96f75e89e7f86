# ruff: noqa: E501
"""Whether a scanner's time is linear in the length of its text: what a collapsed model writes is long, and repeats itself."""

import gc
import re
import time
from collections.abc import Callable, Iterator
from types import ModuleType

# Repeated, and with something in front and behind that a pattern may start at and never end.
REPEATED = [
    " ", "\n", "\t", "1", "a", "A", "\\", "$", "{", "}", "*", "(", ")", "[", "]", ",", ".", "_", "`", '"', "'", "<", ">", "=", "-", "^", "|", ":", "#",
    "1,", "1 ", "a ", " a", "a,", "1.", "()", "{}", "\\{", "\\\\", "**", "$$", "\\$", "$1", "1$", "\\(", "\\[", "\n ", " \n", "\r\n", "```", "```\n", "```python\n",
    "<b>", "</b>", "<a ", "\\text{", "\\frac", "\\frac{1}{", "\\sqrt", "\\boxed{", "\\boxed ", "\\fbox{1}", "\\begin{", "\\begin{align}", "\\begin{matrix}", "\\end{",
    "\\left(", "\\rm", "\\color", "\\color{", "\\textcolor{a}{", "\\pm", "\\cup", "answer", "answer ", "answer is ", "the answer is", "Answer:\n", "####", "#### ",
    "#### 1\n", "<answer>", "so ", ", so", " and ", "元", "答案", "√", "€", "é", "🙂", "\\circ", "cm ", "1 cm/", "x=", "a_", "\\mathbb{R}", "def f():\n", "import a\n", "  \"\"\"",
]  # fmt: skip
AROUND = [("", ""), ("1", "!"), ("answer is $", "!"), ("\\text{", "x"), ("```python", "x")]


def texts(length: int, around: list[tuple[str, str]] = AROUND) -> Iterator[str]:
    """Texts of about so many characters."""
    for piece in REPEATED:
        for before, after in around:
            yield before + piece * (length // len(piece)) + after


def seconds(function: Callable[[str], object], text: str, most: int = 3) -> float:
    """The least processor time of several calls; one call where that takes long."""
    least = float("inf")
    gc.disable()  # whose turn comes by what other tests have left, too
    try:
        for _ in range(most):
            started = time.process_time()
            function(text)
            least = min(least, time.process_time() - started)
            if least > 0.2:
                break
    finally:
        gc.enable()
    return least


def superlinear(
    function: Callable[[str], object], length: int = 20_000, floor: float = 0.05, around: list[tuple[str, str]] = AROUND
) -> list[str]:
    """The texts for which twice the length takes more than three times as long, each with its two times.

    What stays below `floor` seconds at twice the length is not measured further: a quadratic scanner takes seconds at 40,000
    characters, a linear one milliseconds. Above it, a text counts if it is slow in each of three tries.
    """
    found = []
    for short, long in zip(texts(length, around), texts(2 * length, around), strict=True):
        for _ in range(3):
            if seconds(function, long, 1) < floor:
                break
            once, doubled = seconds(function, short), seconds(function, long)
            if doubled <= 3 * once:
                break
        else:
            found.append(f"{long[:24]!r}...{long[-2:]!r}: {once:.4f} s, then {doubled:.4f} s")
    return found


def patterns(*modules: ModuleType) -> dict[str, re.Pattern[str]]:
    """Every compiled regular expression at the top of a module, also in its lists, tuples and dictionaries."""
    found: dict[str, re.Pattern[str]] = {}

    def collect(name: str, value: object) -> None:
        if isinstance(value, re.Pattern) and isinstance(value.pattern, str):
            found[name] = value
        elif isinstance(value, dict):
            for key, each in value.items():
                collect(f"{name}[{key!r}]", each)
        elif isinstance(value, list | tuple):
            for place, each in enumerate(value):
                collect(f"{name}[{place}]", each)

    for module in modules:
        for name, value in vars(module).items():
            collect(f"{module.__name__}.{name}", value)
    return found
