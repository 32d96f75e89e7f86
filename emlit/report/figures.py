"""Accuracy against what it costs."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from emlit.figures import COLOURS, new_figure
from emlit.printable import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def accuracy_by_tokens(rows: Sequence[dict[str, Any]], title: str, bars: str = "95 % interval") -> "Figure":
    """pass@1, with `bars` (the rows' intervals), against the tokens sampled for an answer; a point a decoding.

    Left and above is better for the same compute.
    """
    from matplotlib.ticker import ScalarFormatter

    def draw(axes: "Axes") -> None:
        for index, row in enumerate(rows):
            low, high = row["intervals"]["pass@1"]
            axes.errorbar(
                row["sampled_tokens"] / row["samples"],
                row["pass@1"],
                yerr=[[row["pass@1"] - low], [high - row["pass@1"]]],
                fmt="osD^vPX*"[(index + index // 8) % 8],  # no pair of shape and colour twice
                color=COLOURS[index % len(COLOURS)],
                capsize=3,
                markersize=7,
                label=str(index),
            )
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(ScalarFormatter())
        axes.xaxis.set_minor_formatter(ScalarFormatter())
        axes.set_xlabel("tokens sampled for an answer, votes and drafts included (logarithmic)")
        axes.set_ylabel(f"pass@1 ({bars})")
        legend = axes.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1.01, 1))
        for shown, row in zip(legend.get_texts(), rows, strict=True):  # given as a label, _name would not be shown
            shown.set_parse_math(False)
            shown.set_text(printable(row["decoding"], 60))

    return new_figure(draw, title, width=9.0, height=4.6)
