"""docs/images/real.svg from benchmarks/cells/measured.json: what decodings gained, and where training went.

python -m benchmarks.real_figure --out FILE
"""

from pathlib import Path
from typing import Any

from benchmarks.cells.reading import decoded, named, run_named, runs
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


def courses(axes: Any, cells: Cells) -> None:
    """pass@1 against entropy along each run; a ring is the step that the guard keeps."""
    for number, (name, run, curve, kept) in enumerate(runs(cells)):
        style = ("-", "--", ":", "-.")[number // 10 % 4]
        xs, ys = ([each[key] for each in curve] for key in ("mean_entropy", "pass@1"))
        (line,) = axes.plot(xs, ys, style, marker=".", label=f"{named(name)}, {run_named(run)}")
        for each in (each for each in curve if each["step"] == kept):
            axes.plot(each["mean_entropy"], each["pass@1"], "o", markersize=9, fillstyle="none", color=line.get_color())
    axes.set(xlabel="mean token entropy, nats", ylabel="pass@1", xlim=(0, None), ylim=(0, None), title="Training")
    axes.legend(fontsize="x-small", loc="center left", bbox_to_anchor=(1, 0.5))


def main() -> None:
    from matplotlib.figure import Figure

    arguments_of = parser(__doc__)
    arguments_of.add_argument("--out", type=Path, default=Path("runs/real.svg"))
    arguments = arguments_of.parse_args()
    cells: Cells = load()
    figure = Figure(figsize=(13, 5), layout="constrained")
    left, right = figure.subplots(1, 2)
    gains(left, cells)
    courses(right, cells)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(arguments.out, metadata={"Date": None} if arguments.out.suffix == ".svg" else None)
    print(arguments.out)


if __name__ == "__main__":
    main()
