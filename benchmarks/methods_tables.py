"""The tables and the figure of docs/methods.md, from benchmarks/measured_methods.json.

    python -m benchmarks.methods_tables                    all of them, from the record
    python -m benchmarks.methods_tables --run_dir DIR      after adding what benchmarks.methods has finished there
    python -m benchmarks.methods_tables --docs docs        written into methods.md and images/methods_along.svg there

Prints Markdown. In the docs a table stands between <!-- NAME --> and <!-- /NAME -->.
"""

import json
import statistics
from pathlib import Path
from typing import Any

from benchmarks.collapse import kept_by
from benchmarks.measure import parser, table
from benchmarks.method_cases import CASES, METHODS, SAMPLES, STEPS, place_of, slug
from benchmarks.real_tables import replaced

FILE = Path(__file__).parent / "measured_methods.json"
# What is shown of the last step, by its heading.
SHOWN = {
    "pass@1": "pass@1", "greedy": "greedy", f"maj@{SAMPLES}": f"maj@{SAMPLES}", f"pass@{SAMPLES}": f"pass@{SAMPLES}",
    "mean_entropy": "entropy, nats", "mean_length": "tokens",
}  # fmt: skip
MEASURED = (*SHOWN, "format_rate")

# By difficulty, case of benchmarks.methods and seed: the curve, the step that the guard keeps and the hours.
Record = dict[str, dict[str, dict[str, dict[str, Any]]]]


def gathered(place: Path) -> dict[str, dict[str, dict[str, Any]]]:
    """What is finished in a directory of one difficulty."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for case in CASES:
        for file in sorted((place / slug(case)).glob("seed*/summary.json")):
            summary = json.loads(file.read_text())
            found.setdefault(case, {})[file.parent.name.removeprefix("seed")] = {
                "curve": [
                    {"step": each["step"], **{name: round(each[name], 4) for name in MEASURED if name in each}}
                    for each in summary["curve"]
                ],
                "kept": kept_by(summary)["the guard"] if summary.get("guard") else None,
                "seconds": round(summary["seconds"]),
            }
    return found


def add(new: Record) -> None:
    """Into the record; a run of the same case and seed is replaced."""
    record: Record = json.loads(FILE.read_text()) if FILE.exists() else {}
    for difficulty, cases in new.items():
        for case, seeds in cases.items():
            known = record.setdefault(difficulty, {}).setdefault(case, {})
            known |= seeds
    FILE.write_text(json.dumps(record, indent=1) + "\n")


def row(name: str, runs: dict[str, dict[str, Any]]) -> list[str]:
    """Means over the seeds; the spread of pass@1 where there are several."""
    curves = [{each["step"]: each for each in run["curve"]} for run in runs.values()]
    ends = [curve[max(curve)] for curve in curves]
    best = [max(curve.values(), key=lambda each: each["pass@1"]) for curve in curves]
    kept = [
        curves[number][run["kept"]]["pass@1"] for number, run in enumerate(runs.values()) if run["kept"] is not None
    ]
    right = [each["pass@1"] for each in ends]
    spread = f" ({min(right):.3f} to {max(right):.3f})" if len(right) > 1 else ""
    means = [statistics.fmean(each[column] for each in ends) for column in SHOWN]
    return [
        name, str(len(runs)), f"{means[0]:.3f}{spread}", *(f"{mean:.3f}" for mean in means[1:-1]), f"{means[-1]:.1f}",
        f"{statistics.fmean(each['pass@1'] for each in best):.3f}", ", ".join(str(each["step"]) for each in best),
        f"{statistics.fmean(kept):.3f}" if kept else "",
    ]  # fmt: skip


def made(cases: dict[str, dict[str, dict[str, Any]]], names: tuple[str, ...]) -> str:
    """One table of some cases."""
    header = ["", "seeds", *SHOWN.values(), "best pass@1", "at step", "the guard keeps"]
    return table(header, [row(name, cases[name]) for name in names if name in cases])


def tables(record: Record) -> dict[str, str]:
    """The tables of docs/methods.md by their names, of what has been run."""
    default = record.get("default", {})
    wanted = {kind: (default, names) for kind, names in METHODS.items()} | {
        "brakes": (default, tuple(case for case in CASES if ", " in case)),
        "hard": (record.get("hard", {}), tuple(CASES)),
    }
    return {name: made(cases, names) for name, (cases, names) in wanted.items() if {*names} & cases.keys()}


def hours(record: Record) -> float:
    """Of training, evaluations not counted, with one thread."""
    runs = [run for cases in record.values() for seeds in cases.values() for run in seeds.values()]
    return sum(run["seconds"] for run in runs) / 3600


def figure(path: Path, cases: dict[str, dict[str, dict[str, Any]]]) -> None:
    """pass@1 against mean entropy along the first seed's runs, a line a method and a panel a kind."""
    from matplotlib.figure import Figure

    kinds = {kind: [name for name in names if name in cases] for kind, names in METHODS.items()}
    kinds = {kind: names for kind, names in kinds.items() if names}
    drawing = Figure(figsize=(10, 4.2 * len(kinds)), layout="constrained")
    for axes, (kind, names) in zip(drawing.subplots(len(kinds), squeeze=False)[:, 0], kinds.items(), strict=True):
        for number, name in enumerate(names):
            curve = cases[name][min(cases[name])]["curve"]
            style = ("-", "--", ":", "-.")[number // 10 % 4]
            axes.plot([p["mean_entropy"] for p in curve], [p["pass@1"] for p in curve], style, marker=".", label=name)
        axes.set(title=kind, xlabel="mean token entropy, nats", ylabel="pass@1", xlim=(0, None), ylim=(0, 1))
        axes.legend(fontsize="x-small", ncols=2, loc="center left", bbox_to_anchor=(1, 0.5))
    drawing.savefig(path, metadata={"Date": None})


def main() -> None:
    arguments_of = parser(__doc__)
    arguments_of.add_argument("--run_dir", type=Path, help="of benchmarks.methods; its runs are added to the record")
    arguments_of.add_argument("--docs", type=Path, help="a directory with methods.md and images/, to write into")
    arguments = arguments_of.parse_args()
    if arguments.run_dir:
        add({each: gathered(place_of(arguments.run_dir, each, STEPS)) for each in ("default", "hard")})
    record: Record = json.loads(FILE.read_text())
    for name, text in tables(record).items():
        if arguments.docs:
            place = arguments.docs / "methods.md"
            place.write_text(replaced(place.read_text(), name, text))
        else:
            print(f"{name}\n\n{text}\n")
    if arguments.docs:
        figure(arguments.docs / "images" / "methods_along.svg", record["default"])
    print(f"{hours(record):.1f} hours of training in the record")


if __name__ == "__main__":
    main()
