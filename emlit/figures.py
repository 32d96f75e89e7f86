"""Figures of one shape. Colours are Okabe and Ito's, which most colour-blind people tell apart."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from emlit.printable import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

RIGHT, WRONG, GREY = "#0072B2", "#D55E00", "#595959"
COLOURS = (RIGHT, WRONG, "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999933")


def new_figure(draw: "Callable[[Axes], None]", title: str, width: float = 7.0, height: float = 4.6) -> "Figure":
    """A figure of one pair of axes, drawn on by `draw`, with its title at the left."""
    # A Figure of its own has the Agg canvas and needs no pyplot, whose figures would pile up.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=150, layout="constrained")
    axes = figure.add_subplot()
    draw(axes)
    # A file's name is no formula.
    axes.set_title(printable(title, 100), loc="left", fontsize=10, color=GREY, parse_math=False)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_axisbelow(True)
    axes.grid(axis="y", color="#DDDDDD", linewidth=0.8)
    return figure
