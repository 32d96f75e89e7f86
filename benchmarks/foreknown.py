"""Which number, measured before, tells what a decoding will do: one threshold on each, set on other cells.

    python -m benchmarks.foreknown

The threshold and its side are set on the other cells, so that the cell which is judged has no say; once more with all
cells of its model left out, since cells of one model resemble each other. From the record in
benchmarks/cells/measured.json; prints Markdown.
"""

from collections.abc import Callable, Sequence

from benchmarks.cells.reading import effect, expected
from benchmarks.cells.record import FORESEEN, Cells, load
from benchmarks.measure import environment, parser, table

OUTCOMES = ("greedy", "EM-INF (paper), T=1", "EM-INF (released), T=1")
LABELLED = ("pass@1", "pass@4", "maj@4", "auroc", "auroc_within")
Example = tuple[float, bool]  # a number, and whether it helped


def stump(examples: list[Example]) -> Callable[[float], bool]:
    """The threshold and side that are right most often, among equals with the widest gap; the majority without one."""
    values = sorted({value for value, _ in examples})
    best, chosen = (max(sum(y for _, y in examples), sum(not y for _, y in examples)), 0.0), None
    for low, high in zip(values, values[1:], strict=False):
        for above in (True, False):
            middle = (low + high) / 2
            right = sum(((value > middle) == above) == helped for value, helped in examples)
            if (right, high - low) > best:
                best, chosen = (right, high - low), (middle, above)
    if chosen is None:
        most = sum(helped for _, helped in examples) * 2 > len(examples)
        return lambda value: most
    middle, above = chosen
    return lambda value: (value > middle) == above


def left_out(examples: dict[str, Example], of: Callable[[str], str]) -> int:
    """How many are judged right by a threshold set without those that `of` gives the same name."""
    right = 0
    for cell, (value, helped) in examples.items():
        others = [each for other, each in examples.items() if of(other) != of(cell)]
        right += bool(others) and stump(others)(value) == helped
    return right


def judged(cells: Cells, outcome: str, feature: str | None) -> str:
    """How often it is right, with a cell and with a model left out; the commoner outcome where there is no number."""
    examples = {
        name: (
            0.0 if feature is None else cell["before"][feature],
            effect(cell["decodings"][outcome]["gain"]) == "helps",
        )
        for name, cell in cells.items()
        if outcome in cell["decodings"] and (feature is None or cell["before"].get(feature) is not None)
    }
    if len(examples) < 3:
        return ""
    if feature is None:
        helped = sum(helps for _, helps in examples.values())
        return f"{max(helped, len(examples) - helped)} of {len(examples)}"
    once, models = left_out(examples, str), left_out(examples, lambda name: cells[name]["model"])
    return f"{once}, {models} of {len(examples)}"


def by_verdict(cells: Cells, outcome: str) -> str:
    """How often what `validate` expects, which no cell here has set, is what came."""
    known = [cell for cell in cells.values() if outcome in cell["decodings"]]
    right = sum(expected(cell) == (effect(cell["decodings"][outcome]["gain"]) == "helps") for cell in known)
    return f"{right} of {len(known)}"


def foreknown(cells: Cells, outcomes: Sequence[str] = OUTCOMES) -> str:
    """A row a number: of so many cells right, with the cell, and with its model, left out."""
    ready = {name: cell for name, cell in cells.items() if "before" in cell}
    rows = [
        [name or "the commoner outcome", "yes" if name in LABELLED else "no"]
        + [judged(ready, outcome, name) for outcome in outcomes]
        for name in (*FORESEEN, None)
    ]
    rows.append(["the verdict of validate", "yes", *(by_verdict(ready, outcome) for outcome in outcomes)])
    return table(["measured before", "labels", *outcomes], rows)


def main() -> None:
    arguments_of = parser(__doc__)
    arguments_of.add_argument("--outcomes", nargs="+", default=OUTCOMES, help="as the record has them")
    print(f"{foreknown(load(), arguments_of.parse_args().outcomes)}\n\n{environment()}")


if __name__ == "__main__":
    main()
