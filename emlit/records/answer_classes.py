"""Which samples of a prompt give the same answer, and how spread their answers are."""

import math
from collections.abc import Callable, Iterable, Sequence


def answer_classes(answers: Sequence[str | None], same: Callable[[str, str], bool]) -> list[list[int]]:
    """The places of samples with the same answer, class by class in order of first appearance; silence has no class.

    Args:
        answers: one a sample; None where none was found
        same: whether two answers mean the same; asked of different texts alone, and of a class's first one
    """
    texts: dict[str, list[int]] = {}
    for place, answer in enumerate(answers):
        if answer is not None:
            texts.setdefault(answer, []).append(place)
    classes: list[tuple[str, list[int]]] = []
    for text, places in texts.items():
        home = next((members for first, members in classes if same(text, first)), None)
        if home is None:
            classes.append((text, places))
        else:
            home.extend(places)
    return [members for _, members in classes]


def semantic_entropy(sizes: Iterable[int], total: int) -> float:
    """Entropy of the answers of `total` samples, by counts: sum of n/N log(N/n) over classes, nats (arXiv 2302.09664).

    Args:
        sizes: of the classes of samples with the same answer
        total: with the samples without an answer, each of which is a class of its own
    """
    found = list(sizes)
    found += [1] * (total - sum(found))
    return sum(size / total * math.log(total / size) for size in found)
