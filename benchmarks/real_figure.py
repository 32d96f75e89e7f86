"""docs/images/real.svg from benchmarks/cells/measured.json: what decodings gained, and where training went.

python -m benchmarks.real_figure --out FILE
"""

from pathlib import Path
from typing import Any

from benchmarks.cells.reading import METHODS, USUAL_RATES, decoded, named, run_named, run_of, runs, unbraked
from benchmarks.cells.record import Cells, load
from benchmarks.measure import parser

DECODINGS = {"EM-INF (released), T=1": "C0", "EM-INF (paper), T=1": "C3", "greedy": "0.5"}


def gains(axes: Any, cells: Cells) -> None:
    """pass@1 beside plain sampling with its 95 % interval, a row a cell."""
    gain = {name: {d: each["gain"] for d, each in found.items()} for name, found in decoded(cells).items()}
    names = sorted(gain, key=lambda name: gain[name]["greedy"]["value"])
    for number, (decoding, colour) in enumerate(DECODINGS.items()):
        found = [gain[name][decoding] for name in names]
        axes.errorbar(
            [each["value"] for each in found], [row + 0.22 * (number - 1) for row in range(len(names))],
            xerr=[[each["value"] - each["low"] for each in found], [each["high"] - each["value"] for each in found]],
            fmt="o", color=colour, markersize=4, linewidth=1, label=decoding,
        )  # fmt: skip
    axes.axvline(0, color="0.7", linewidth=1)
    axes.set_yticks(range(len(names)), map(named, names))
    axes.set(xlabel="pass@1 beside T = 1, 95 % intervals", title="Decoding")
    axes.legend(fontsize="small", loc="lower right")


def courses(axes: Any, name: str, cell: dict[str, Any]) -> None:
    """pass@1 against entropy along a cell's runs, a colour a method; a ring is the step that the guard keeps."""
    for _, run, curve, kept in runs({name: cell}):
        method, rate, _ = run_of(run)
        usual = rate in USUAL_RATES and "+" not in method
        colour = f"C{list(METHODS).index(unbraked(method))}"
        label = run_named(run).partition(", seed")[0]
        shown = label not in axes.get_legend_handles_labels()[1]
        xs, ys = ([each[key] for each in curve] for key in ("mean_entropy", "pass@1"))
        axes.plot(xs, ys, "-" if usual else "--", marker=".", color=colour, label=label if shown else None)
        for each in (each for each in curve if each["step"] == kept):
            axes.plot(each["mean_entropy"], each["pass@1"], "o", markersize=9, fillstyle="none", color=colour)
    axes.set(title=named(name), xlim=(0, None), ylim=(0, max(0.2, axes.get_ylim()[1])))  # chance is no slope
    axes.legend(fontsize="x-small")


def main() -> None:
    from matplotlib.figure import Figure

    arguments_of = parser(__doc__)
    arguments_of.add_argument("--out", type=Path, default=Path("runs/real.svg"))
    arguments = arguments_of.parse_args()
    cells: Cells = load()
    figure = Figure(figsize=(14, 7), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=(1, 1.3))
    gains(left.subplots(), cells)
    trained = {name: cell for name, cell in cells.items() if cell.get("trained")}
    panels = right.subplots(-(-len(trained) // 2), 2, squeeze=False).flat
    for axes, (name, cell) in zip(panels, trained.items(), strict=False):
        courses(axes, name, cell)
    right.supxlabel("mean token entropy, nats; rings: the step that the guard keeps", fontsize="medium")
    right.supylabel("pass@1", fontsize="medium")
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(arguments.out, metadata={"Date": None} if arguments.out.suffix == ".svg" else None)
    print(arguments.out)


if __name__ == "__main__":
    main()
