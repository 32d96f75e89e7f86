"""The task of the tiny reasoner: short arithmetic expressions, in two difficulties."""

import random
import zlib
from typing import Literal, get_args

Split = Literal["train", "validation", "test"]
Difficulty = Literal["default", "hard"]

PHRASES = ("What is {}?", "Compute {}.", "Quick: {} = ?")
_PHRASE_WEIGHTS = (0.35, 0.35, 0.3)
# All problems of the hard splits; nine tenths of the default ones, since drawing the last ones would take minutes.
_MOST = {
    "default": {"train": 1_300_000, "validation": 160_000, "test": 160_000},
    "hard": {"train": 8190, "validation": 980, "test": 1035},
}


def split_of(expression: str) -> Split:
    """The split that owns an expression: 80 % train, 10 % validation, 10 % test, by checksum, whatever the seed."""
    bucket = zlib.crc32(expression.encode()) % 10
    return "test" if bucket == 9 else "validation" if bucket == 8 else "train"


def draw_terms(rng: random.Random, difficulty: Difficulty) -> tuple[int, str, int, str, int]:
    """One expression as (a, op, b, op, c).

    default: two-digit numbers joined by + and -, no intermediate result below zero.
    hard: a + b * c or a - b * c, where evaluating from left to right is wrong.
    """
    while True:
        if difficulty == "hard":
            a, b, c = rng.randint(10, 99), rng.randint(2, 9), rng.randint(2, 9)
            op = rng.choice("+-")
            if op == "+" or a >= b * c:
                return a, op, b, "*", c
        else:
            a, b, c = (rng.randint(10, 99) for _ in range(3))
            first, second = rng.choice("+-"), rng.choice("+-")
            partial = a + b if first == "+" else a - b
            if partial >= 0 and (second == "+" or partial >= c):
                return a, first, b, second, c


def problems(split: Split, n: int, seed: int = 0, difficulty: Difficulty = "default") -> list[dict[str, str]]:
    """`n` different problems of one split. No expression belongs to two splits.

    Args:
        split: "train", "validation" or "test"
        n: how many
        seed: the same arguments give the same problems
        difficulty: "default", where the model's confidence tracks correctness, or "hard", where it misleads

    Returns:
        Rows with `id`, `prompt` (the question in words), `expression` and `answer` (an integer, as text)

    Raises:
        ValueError: an unknown split or difficulty, or more problems than the split gives
    """
    for name, value, choices in (("split", split, Split), ("difficulty", difficulty, Difficulty)):
        if value not in get_args(choices):
            raise ValueError(f"{name} is {value!r}; it must be one of {', '.join(get_args(choices))}")
    if n > (most := _MOST[difficulty][split]):
        raise ValueError(f"n is {n}; the {split} split of difficulty {difficulty} gives no more problems than {most}")
    rng = random.Random(f"{split}/{difficulty}/{seed}")
    rows: dict[str, dict[str, str]] = {}
    while len(rows) < n:
        a, first, b, second, c = draw_terms(rng, difficulty)
        expression = f"{a}{first}{b}{second}{c}"
        phrase = rng.choices(PHRASES, _PHRASE_WEIGHTS)[0]
        if split_of(expression) != split or expression in rows:
            continue
        rows[expression] = {
            "id": f"{difficulty}-{split}-{expression}",
            "prompt": phrase.format(expression),
            "expression": expression,
            "answer": str(evaluate(a, first, b, second, c)),
        }
    return list(rows.values())


def evaluate(a: int, first: str, b: int, second: str, c: int) -> int:
    """The value of `a first b second c`, products first."""
    if second == "*":
        return a + b * c if first == "+" else a - b * c
    partial = a + b if first == "+" else a - b
    return partial + c if second == "+" else partial - c
