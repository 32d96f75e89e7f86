"""Accuracy against what it costs, and along runs."""

from collections.abc import Mapping, Sequence
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
    from matplotlib.ticker import LogLocator, NullFormatter, ScalarFormatter
    from matplotlib.transforms import ScaledTranslation

    tokens = [row["sampled_tokens"] / row["samples"] for row in rows]
    aside = _set_apart(tokens)

    def draw(axes: "Axes") -> None:
        points = {}
        for index, row in enumerate(rows):
            low, high = row["intervals"]["pass@1"]
            shift = ScaledTranslation(aside[index] * 9 / 72, 0, axes.figure.dpi_scale_trans)
            points[row["decoding"]] = axes.errorbar(
                tokens[index],
                row["pass@1"],
                yerr=[[row["pass@1"] - low], [high - row["pass@1"]]],
                fmt="osD^vPX*"[(index + index // 8) % 8],  # no pair of shape and colour twice
                color=COLOURS[index % len(COLOURS)],
                capsize=3,
                markersize=7,
                transform=axes.transData + shift,
            )
        axes.set_xscale("log")
        axes.set_xlim(max(min(tokens), 1) / 1.5, max(*tokens, 1) * 1.5)
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter(ScalarFormatter())
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set_ylim(0, min(1.05 * max(row["intervals"]["pass@1"][1] for row in rows), 1.02) or 1)
        axes.set_xlabel("tokens sampled for an answer, votes and drafts included (logarithmic; neighbours set apart)")
        axes.set_ylabel(f"pass@1 ({bars})")
        _name(axes, points)

    return new_figure(draw, title, width=9.0, height=4.6)


def _set_apart(values: Sequence[float], near: float = 1.1) -> list[float]:
    """How many places each is drawn aside, so that no two of those that `near` joins lie on each other."""
    order = sorted(range(len(values)), key=values.__getitem__)
    clusters: list[list[int]] = []
    for index in order:
        if clusters and values[index] <= near * values[clusters[-1][-1]]:
            clusters[-1].append(index)
        else:
            clusters.append([index])
    places = {index: place - (len(each) - 1) / 2 for each in clusters for place, index in enumerate(each)}
    return [places[index] for index in range(len(values))]


def curve(runs: Mapping[str, Mapping[int, float]], title: str) -> "Figure":
    """A value by optimiser step, a line a run."""

    def draw(axes: "Axes") -> None:
        lines = [
            axes.plot(list(points), list(points.values()), color=COLOURS[index % len(COLOURS)], marker=".")[0]
            for index, points in enumerate(runs.values())
        ]
        axes.set_xlabel("optimiser step")
        if min(value for points in runs.values() for value in points.values()) >= 0:  # rewards may be below
            axes.set_ylim(bottom=0)
        _name(axes, dict(zip(runs, lines, strict=True)))

    return new_figure(draw, title, width=9.0, height=3.4)


def accuracy_by_entropy(runs: Mapping[str, Sequence[dict[str, float]]], kept: Mapping[str, int | None]) -> "Figure":
    """Each run from its first point (a square) on, the one nearest to the step that the guard keeps in a ring."""

    def draw(axes: "Axes") -> None:
        lines = {}
        for index, (label, points) in enumerate(runs.items()):
            colour = COLOURS[index % len(COLOURS)]
            xs, ys = [each["entropy"] for each in points], [each["pass@1"] for each in points]
            (lines[label],) = axes.plot(xs, ys, color=colour, marker=".")
            axes.plot(xs[:1], ys[:1], color=colour, marker="s", markersize=7)
            if (step := kept.get(label)) is not None:
                near = min(range(len(points)), key=lambda number: abs(points[number]["step"] - step))
                axes.plot([xs[near]], [ys[near]], color=colour, marker="o", markersize=13, fillstyle="none")
        axes.set_xlabel("entropy, nats a token")
        axes.set_ylabel("pass@1")
        axes.set_ylim(bottom=0)
        axes.set_xlim(left=0)
        _name(axes, lines)

    return new_figure(draw, "accuracy against entropy: square the start, ring what the guard keeps", 9.0, 4.6)


def _name(axes: "Axes", drawn: Mapping[str, Any]) -> None:
    """A legend of what is drawn, by its name."""
    numbers = list(map(str, range(len(drawn))))  # given as a label, _name would not be shown
    legend = axes.legend(
        list(drawn.values()), numbers, frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1.01, 1)
    )
    for shown, label in zip(legend.get_texts(), drawn, strict=True):
        shown.set_parse_math(False)
        shown.set_text(printable(label, 60))
