"""The preflight's pictures."""

from typing import TYPE_CHECKING

import torch
from torchmetrics.functional.classification import binary_roc

from emlit.figures import GREY, RIGHT, WRONG, new_figure
from emlit.metrics import Answers, Interval
from emlit.metrics.confidence import mid_ranks
from emlit.preflight.measurements import Measurements

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def figures(answers: Answers, measured: Measurements, title: str) -> "dict[str, Figure]":
    """By file name: accuracy by entropy and the ROC curve where there are labels and entropies, and entropies."""
    found: dict[str, Figure] = {}
    if measured.deciles:
        found["accuracy_by_entropy"] = new_figure(lambda axes: _accuracy_by_entropy(axes, measured), title)
    if "mean_entropy" in measured.values:
        found["entropies"] = new_figure(lambda axes: _entropies(axes, answers), title)
    if "auroc" in measured.values:
        found["roc"] = new_figure(lambda axes: _roc(axes, answers, measured), title, width=5.2, height=5.6)
    return found


def _accuracy_by_entropy(axes: "Axes", measured: Measurements) -> None:
    bins, places = measured.deciles, range(len(measured.deciles))
    heights = [each.accuracy.value for each in bins]
    errors = [
        [each.accuracy.value - each.accuracy.low for each in bins],
        [each.accuracy.high - each.accuracy.value for each in bins],
    ]
    axes.bar(places, heights, color=RIGHT, width=0.8)
    axes.errorbar(places, heights, yerr=errors, fmt="none", ecolor="black", capsize=3, linewidth=1.2)
    overall = measured.values["pass@1"].value
    axes.axhline(overall, color=WRONG, linestyle="--", linewidth=1.2, label=f"all completions: {overall:.3f}")
    labels = [f"{each.low:.3f}\nto\n{each.high:.3f}" for each in bins]
    axes.set_xticks(places, labels, fontsize=8)
    axes.set_xlabel(f"mean token entropy of the completion, nats ({len(bins)} equally full ranges)")
    axes.set_ylabel("share of right answers (95 % interval)")
    axes.set_ylim(0, 1.12)
    axes.set_yticks([0, 0.2, 0.4, 0.6, 0.8, 1])
    axes.legend(frameon=False, loc="upper right", fontsize=9)


def _entropies(axes: "Axes", answers: Answers) -> None:
    scored = answers.where(~answers.entropy.isnan())
    edges = torch.linspace(0, max(scored.entropy.max().item(), 1e-3), 41).tolist()
    groups = [
        (scored.correct == 1, "right", RIGHT, "-", 0.45),
        (scored.correct == 0, "wrong", WRONG, "--", 0.30),
        (scored.correct.isnan(), "no label", GREY, ":", 0.30),
    ]
    for members, label, colour, line, alpha in groups:
        values = scored.entropy[members].tolist()
        if not values:
            continue
        axes.hist(values, edges, color=colour, alpha=alpha)
        axes.hist(values, edges, color=colour, histtype="step", linestyle=line, linewidth=1.6)
        mean = sum(values) / len(values)
        axes.plot([], [], color=colour, linestyle=line, linewidth=1.6, label=f"{label}: {len(values)}, mean {mean:.3f}")
    axes.set_xlim(0, edges[-1])
    axes.set_xlabel("mean token entropy of the completion, nats")
    axes.set_ylabel("completions")
    axes.legend(frameon=False, fontsize=9, loc="upper center", bbox_to_anchor=(0.5, -0.13), ncols=3)


def _roc(axes: "Axes", answers: Answers, measured: Measurements) -> None:
    known = answers.where(~answers.correct.isnan() & ~answers.entropy.isnan())
    curves = (
        ("minus entropy", -known.entropy, measured.values["auroc"], RIGHT, "-"),
        ("log-probability", known.logprob, measured.values["auroc_logprob"], WRONG, "--"),
    )
    for name, score, auroc, colour, line in curves:
        false, true, _ = binary_roc(mid_ranks(score) / len(score), known.correct.long(), validate_args=False)
        label = f"{name}: AUROC {_ends(auroc)}"
        axes.plot(false.tolist(), true.tolist(), color=colour, linestyle=line, linewidth=1.8, label=label)
    axes.plot([0, 1], [0, 1], color=GREY, linestyle=":", linewidth=1.2, label="chance: 0.50")
    axes.set_aspect("equal")
    axes.set_xlim(-0.01, 1.01)
    axes.set_ylim(-0.01, 1.01)
    axes.grid(axis="x", color="#DDDDDD", linewidth=0.8)
    axes.set_xlabel("share of wrong completions above the threshold")
    axes.set_ylabel("share of right completions above it")
    axes.legend(frameon=False, fontsize=9, loc="upper center", bbox_to_anchor=(0.5, -0.13))


def _ends(value: Interval) -> str:
    return f"{value.value:.2f} ({value.low:.2f} to {value.high:.2f})"
