"""Two decodings on the same problems: which is better, and could it be chance?"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations
from math import comb

import torch

from emlit.metrics import Interval, paired_interval
from emlit.predictions import Prediction


@dataclass(frozen=True)
class Comparison:
    """Attributes:
    task: the problems' task
    first, second: the decodings' names
    problems: labelled ones that both have answered
    difference: pass@1 of the second minus that of the first, over all samples, with its interval over pairs of problems
    only_first, only_second: problems whose first sample (number 0) is right under one of the two alone
    p: McNemar's exact two-sided test on those
    """

    task: str
    first: str
    second: str
    problems: int
    difference: Interval
    only_first: int
    only_second: int
    p: float


def mcnemar(only_first: int, only_second: int) -> float:
    """The chance of a split as uneven as this, or more, were both equally good (exact, two-sided).

    Under that hypothesis each problem on which the two differ goes to either with probability 1/2 (McNemar 1947).
    """
    differing = only_first + only_second
    tail = sum(comb(differing, k) for k in range(min(only_first, only_second) + 1))
    return min(1.0, 2 * tail / 2**differing)


def compare(predictions: Iterable[Prediction]) -> list[Comparison]:
    """Every two decodings of each task, in the order in which they first appear."""
    answers: dict[str, dict[str, dict[str, list[Prediction]]]] = defaultdict(lambda: defaultdict(dict))
    for each in predictions:
        if each.correct is not None:
            answers[each.task][each.decoding].setdefault(each.id, []).append(each)
    return [
        _compare(task, first, second, decodings)
        for task, decodings in answers.items()
        for first, second in combinations(decodings, 2)
        if decodings[first].keys() & decodings[second].keys()
    ]


def _compare(task: str, first: str, second: str, decodings: dict[str, dict[str, list[Prediction]]]) -> Comparison:
    shared = sorted(decodings[first].keys() & decodings[second].keys())
    sides = [[decodings[name][id] for id in shared] for name in (first, second)]
    shares = [
        torch.tensor([sum(bool(p.correct) for p in group) / len(group) for group in side], dtype=torch.float64)
        for side in sides
    ]
    completions = min(sum(map(len, side)) for side in sides)
    difference = paired_interval(shares[1] - shares[0], completions)
    heads = [[min(group, key=lambda p: p.sample).correct for group in side] for side in sides]
    pairs = list(zip(*heads, strict=True))
    only_first = sum(a and not b for a, b in pairs)
    only_second = sum(b and not a for a, b in pairs)
    return Comparison(
        task, first, second, len(shared), difference, only_first, only_second, mcnemar(only_first, only_second)
    )
