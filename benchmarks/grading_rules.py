"""What `math_equal` adds to math-verify (`python -m benchmarks.grading_rules --data DIR`, docs/evaluation.md's table).

The pairs of grading_pairs.py and, with --data, the answers of gold completions against their own labels and the next
rows'. math-verify is called as its README does, `verify(parse(gold), parse(answer))`, with $ around what has no
delimiters, in both orders: a pair is equal for it where either order is.

`--rules` leaves out each rule of `emlit/grading/rules.py` in turn: what no pair needs is one to delete, or lacks a
pair.
"""

import argparse
import logging
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from math_verify import parse, verify

from benchmarks.grading import BENCHMARKS, shifted
from benchmarks.grading_pairs import DIFFERENT, EQUAL, KINDS
from emlit.errors import ConfigError
from emlit.grading import rules as ways
from emlit.tasks import extract_answer, math_equal

Pairs = list[tuple[str, str]]


def bare(answer: str, gold: str) -> bool:
    """Whether math-verify alone takes a pair for equal."""
    one, other = (parse(text if re.search(r"\$|\\[(\[]", text) else f"${text}$") for text in (answer, gold))
    return verify(one, other) or verify(other, one)


def rows_of(place: Path) -> Iterator[tuple[str, Pairs, Pairs]]:
    """Of each benchmark in a directory its name, the answers with their labels, and with the next row's."""
    for make, _ in BENCHMARKS:
        task = make()
        try:
            task.read_from(place)
        except ConfigError:
            continue
        rows = task.rows()
        found = {id(row): extract_answer(row.solution) or "" for row in rows}
        yield (
            task.name,
            [(found[id(row)], row.answer) for row in rows],
            [(found[id(row)], other.answer) for row, other in shifted(rows, 1)],
        )


def right(equal: Callable[[str, str], bool], alike: Pairs, different: Pairs) -> tuple[int, int]:
    """How many pairs of each sort are judged rightly."""
    return sum(equal(*pair) for pair in alike), sum(not equal(*pair) for pair in different)


def by_rule() -> None:
    print("| without | equal pairs lost | different pairs taken for equal |\n| --- | ---: | ---: |")
    for rules in (ways.DELIMITERS, ways.RULES):
        for place in range(len(rules)):
            rule = rules.pop(place)
            alike, different = right(math_equal, EQUAL, DIFFERENT)
            rules.insert(place, rule)
            pattern = rule[0].pattern.replace("|", "\\|")
            print(f"| `{pattern}` | {len(EQUAL) - alike} | {len(DIFFERENT) - different} |", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="the directory with math500.jsonl and its like")
    parser.add_argument("--rules", action="store_true", help="what each rule of writing earns")
    arguments = parser.parse_args()
    if arguments.rules:
        by_rule()
        return 0
    logging.disable(logging.ERROR)  # what math-verify says of each text that it cannot read
    print("| pairs | equal | emlit | math-verify | different | emlit | math-verify |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    kinds = [(kind, *pairs) for kind, pairs in KINDS.items()] + [("together", EQUAL, DIFFERENT)]
    wrong = 0
    for name, alike, different in kinds + list(rows_of(arguments.data) if arguments.data else []):
        ours, theirs = right(math_equal, alike, different), right(bare, alike, different)
        print(
            f"| {name} | {len(alike)} | {ours[0]} | {theirs[0]} | {len(different)} | {ours[1]} | {theirs[1]} |",
            flush=True,
        )
        wrong += name == "together" and ours != (len(alike), len(different))
    return wrong


if __name__ == "__main__":
    sys.exit(main())
