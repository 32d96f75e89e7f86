"""Which number, measured before, tells what a decoding will do, and what came of the verdict: cells left out.

    python -m benchmarks.foreknown                      from benchmarks/cells/measured.json
    python -m benchmarks.foreknown --run_dir DIR        after adding what benchmarks.real_cells has finished there

The threshold and its side are set on the other cells, so that the cell which is judged has no say; once more with all
cells of its model left out, since cells of one model resemble each other. Then `validate`'s verdict beside what
training did, and what the guard would have kept. Prints Markdown.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.cells import CELLS
from benchmarks.collapse import kept_by
from benchmarks.measure import environment, parser, table
from benchmarks.real_cells import FORESEEN, TRAINED, effect

MEASURED = Path(__file__).parent / "cells" / "measured.json"
OUTCOMES = ("greedy", "EM-INF (paper), T=1", "EM-INF (released), T=1")
LABELLED = ("pass@1", "pass@4", "maj@4", "auroc", "auroc_within")
AFTER_TRAINING = (
    "cell", "run", "EM is expected", "pass@1 before", "after", "greedy", "best pass@1 and step", "the guard keeps",
)  # fmt: skip
Cells = dict[str, dict[str, Any]]
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


def word(outcome: str | dict[str, float]) -> str:
    """Of an interval, or of what is known by its word alone."""
    return outcome if isinstance(outcome, str) else effect(outcome)


def judged(cells: Cells, outcome: str, feature: str | None) -> str:
    """How often it is right, with a cell and with a model left out; the commoner outcome where there is no number."""
    examples = {
        name: (0.0 if feature is None else cell["before"][feature], word(cell["outcomes"][outcome]) == "helps")
        for name, cell in cells.items()
        if outcome in cell["outcomes"] and (feature is None or cell["before"].get(feature) is not None)
    }
    if len(examples) < 3:
        return ""
    if feature is None:
        helped = sum(helps for _, helps in examples.values())
        return f"{max(helped, len(examples) - helped)} of {len(examples)}"
    once, models = left_out(examples, str), left_out(examples, lambda name: cells[name]["model"])
    return f"{once}, {models} of {len(examples)}"


def expected(cell: dict[str, Any]) -> bool:
    return cell["verdict"]["level"] != "warning"


def by_verdict(cells: Cells, outcome: str) -> str:
    """How often what `validate` expects, which no cell here has set, is what came."""
    known = [cell for cell in cells.values() if outcome in cell["outcomes"]]
    right = sum(expected(cell) == (word(cell["outcomes"][outcome]) == "helps") for cell in known)
    return f"{right} of {len(known)}"


def changed(first: dict[str, float], last: dict[str, float], problems: int) -> dict[str, float]:
    """pass@1 from one evaluation to another, as if of different problems, which is the wider interval."""
    before, after = first["pass@1"], last["pass@1"]
    wide = 1.96 * ((before * (1 - before) + after * (1 - after)) / problems) ** 0.5
    return {"low": after - before - wide, "high": after - before + wide}


def after_training(cells: Cells) -> list[list[str]]:
    """A row a run: what was expected, what came at the last and the best step, and what the guard keeps."""
    rows = []
    problems = {cell.name: cell.problems for cell in CELLS}
    for name, cell in cells.items():
        for run, found in sorted(cell.get("trained", {}).items()):
            curve = {each["step"]: each for each in found["curve"]}
            first, last = curve[min(curve)], curve[max(curve)]
            best, kept = max(curve.values(), key=lambda each: each["pass@1"]), curve[found["kept"]]
            gain = changed(first, last, problems[name])
            rows.append([
                name, run, "to help, with reservations" if expected(cell) else "not to help", f"{first['pass@1']:.3f}",
                f"{last['pass@1']:.3f} ({effect(gain)})", f"{first['greedy']:.3f} to {last['greedy']:.3f}",
                f"{best['pass@1']:.3f} at {best['step']}", f"{kept['pass@1']:.3f} at {kept['step']}",
            ])  # fmt: skip
    return rows


def gathered(run_dir: Path) -> Cells:
    """What has been finished in a directory of benchmarks.real_cells."""
    found: Cells = {}
    known = {cell.name: cell for cell in CELLS}
    for place in sorted(path for path in run_dir.iterdir() if path.is_dir()):
        cell: dict[str, Any] = {"model": known[place.name].model, "outcomes": {}, "trained": {}}
        if (report := place / "preflight" / "report.json").exists():
            measured = json.loads(report.read_text())[0]
            cell |= {"before": {name: measured.get(name) for name in FORESEEN}, "verdict": measured["findings"][0]}
        if (compared := place / "decodings" / "comparisons.json").exists():
            pairs = json.loads(compared.read_text())
            cell["outcomes"] |= {
                each["second"]: {side: each["difference"][side] for side in ("value", "low", "high")}
                for each in pairs
                if each["first"] == pairs[0]["first"]
            }
        for file in sorted(place.glob("*/summary.json")):
            summary = json.loads(file.read_text())
            curve = [{key: each.get(key) for key in ("step", *TRAINED)} for each in summary["curve"]]
            cell["trained"][file.parent.name] = {"curve": curve, "kept": kept_by(summary)["the guard"]}
        found[place.name] = cell
    return found


def main() -> None:
    arguments_of = parser(__doc__)
    arguments_of.add_argument(
        "--run_dir", type=Path, help="of benchmarks.real_cells; its cells are added to the record"
    )
    arguments_of.add_argument("--outcomes", nargs="+", default=OUTCOMES, help="as the record has them")
    arguments = arguments_of.parse_args()
    cells: Cells = json.loads(MEASURED.read_text())
    if arguments.run_dir:
        for name, new in gathered(arguments.run_dir).items():
            old = cells.get(name, {})
            cells[name] = old | new | {key: old.get(key, {}) | new[key] for key in ("outcomes", "trained")}
        MEASURED.write_text(json.dumps(cells, indent=1, sort_keys=True) + "\n")
    ready = {name: cell for name, cell in cells.items() if "before" in cell}
    rows = [
        [name or "the commoner outcome", "yes" if name in LABELLED else "no"]
        + [judged(ready, outcome, name) for outcome in arguments.outcomes]
        for name in (*FORESEEN, None)
    ]
    rows.append(["the verdict of validate", "yes", *(by_verdict(ready, outcome) for outcome in arguments.outcomes)])
    print("Right of so many cells, with the cell, and with its model, left out:\n")
    print(table(["measured before", "labels", *arguments.outcomes], rows))
    if runs := after_training(cells):
        print(f"\n{table(AFTER_TRAINING, runs)}")
    print(f"\n{environment()}")


if __name__ == "__main__":
    main()
