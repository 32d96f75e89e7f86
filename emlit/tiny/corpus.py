"""The solutions that the tiny reasoner was pretrained on: careful ones and hasty ones.

A pretrained model half-knows its task because its corpus holds good and bad answers side by side. Here the first words
of a solution decide which it will be. Careful solutions go step by step, slip rarely, and are predictable. Hasty ones
answer at once and are mostly wrong; nothing in the problem predicts their digits, so they are uncertain. That link
between a state's entropy and being right is what EM-FT, EM-RL and EM-INF live on.

The hard difficulty breaks the link: most of its solutions evaluate from left to right, carefully, confidently and
wrongly, while the right ones (product first) are rarer and slip more.
"""

import random
import re
from dataclasses import dataclass

from emlit.tiny.problems import Difficulty

CAREFUL_OPENING = "Step by step:\n"
PRODUCT_FIRST_OPENING = "Product first:\n"
HASTY_OPENINGS = ("I guess ", "Roughly ", "Maybe ", "Probably ", "At a glance ")
EASY_OPENING = "Easy: "


@dataclass(frozen=True)
class Mixture:
    """How often the corpus does what.

    Attributes:
        careful: share of careful solutions to a plain question
        careful_when_quick: the same after "Quick:", where the one opening "Easy:" is likelier than care
        hasty_right: share of hasty answers that are right
        slip: chance that a careful step writes a wrong last digit
        left_to_right: share of hard problems solved confidently from left to right
        hard_slip: chance of a slip in a step of a rightly ordered hard solution
        hard_share: share of hard problems in the corpus
    """

    careful: float = 0.42
    careful_when_quick: float = 0.34
    hasty_right: float = 0.15
    slip: float = 0.04
    left_to_right: float = 0.55
    hard_slip: float = 0.15
    hard_share: float = 0.25


def _apply(a: int, op: str, b: int) -> int:
    return a + b if op == "+" else a - b if op == "-" else a * b


def _slipped(value: int, rate: float, rng: random.Random) -> int:
    """`value`, or with probability `rate` the same number with another last digit."""
    if rng.random() >= rate:
        return value
    return value - value % 10 + (value % 10 + rng.randint(1, 9)) % 10


def _steps(opening: str, steps: list[tuple[int | None, str, int | None]], rate: float, rng: random.Random) -> str:
    """Write the steps out; None stands for the result of the step before."""
    lines, result = [], 0
    for left, op, right in steps:
        left, right = (result if left is None else left), (result if right is None else right)
        result = _slipped(_apply(left, op, right), rate, rng)
        lines.append(f"{left}{op}{right}={result}\n")
    return f"{opening}{''.join(lines)}\\boxed{{{result}}}"


def _hasty_answer(answer: int, right: float, rng: random.Random) -> int:
    return answer if rng.random() < right else max(0, answer + rng.choice((-1, 1)) * rng.randint(1, 40))


def careful_solution(expression: str) -> str:
    """The corpus's way of solving `a op b op c` rightly, step by step and without a slip, products first."""
    a, first, b, second, c = re.split(r"([-+*])", expression)
    rng = random.Random(0)  # at a rate of 0 nothing is drawn that matters
    if second == "*":
        return _steps(PRODUCT_FIRST_OPENING, [(int(b), second, int(c)), (int(a), first, None)], 0.0, rng)
    return _steps(CAREFUL_OPENING, [(int(a), first, int(b)), (None, second, int(c))], 0.0, rng)


def solution(
    terms: tuple[int, str, int, str, int],
    answer: int,
    quick: bool,
    difficulty: Difficulty,
    mix: Mixture,
    rng: random.Random,
) -> str:
    """One solution as the corpus would have it, right or wrong."""
    a, first, b, second, c = terms
    if difficulty == "hard":
        if rng.random() < mix.left_to_right:
            return _steps(CAREFUL_OPENING, [(a, first, b), (None, second, c)], 0.0, rng)
        return _steps(PRODUCT_FIRST_OPENING, [(b, second, c), (a, first, None)], mix.hard_slip, rng)
    if rng.random() < (mix.careful_when_quick if quick else mix.careful):
        return _steps(CAREFUL_OPENING, [(a, first, b), (None, second, c)], mix.slip, rng)
    opening = EASY_OPENING if quick and rng.random() < 0.75 else rng.choice(HASTY_OPENINGS)
    return f"{opening}\\boxed{{{_hasty_answer(answer, mix.hasty_right, rng)}}}"
