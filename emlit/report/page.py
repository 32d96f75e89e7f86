"""One HTML file about runs, with all that it needs inside: tables, figures, answers that became right or wrong."""

import io
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

from emlit.curves.entropy_law import read_scalars
from emlit.errors import DataError
from emlit.json_files import json_object
from emlit.predictions import Prediction
from emlit.printable import printable
from emlit.report.figures import accuracy_by_entropy, accuracy_by_tokens, curve
from emlit.report.markdown import columns, format_cell, format_value
from emlit.report.reading import Run
from emlit.report.rows import summarise
from emlit.resilience.files import write_whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CURVES = {
    "accuracy/pass@1": "pass@1 of each round (labels measure only)",
    "entropy/token_mean": "entropy of each round, nats a token",
    "length/mean": "length of each round, tokens",
    "reward/mean": "reward of each round",
    "guard/start_agreement": "agreement with the start's votes, of the guard's probe",
}
MEASURED = ("pass@1", "greedy", "format_rate", "mean_entropy", "mean_length", "truncated")
_CHANGED = 5  # answers shown of each kind
_LONGEST = 3000


@dataclass(frozen=True)
class Fit:
    """A training run.

    Attributes:
        label: what tells it from the others
        summary: of summary.json
        curves: of TensorBoard, value by step
    """

    label: str
    summary: dict[str, Any]
    curves: dict[str, dict[int, float]] = field(default_factory=dict)

    @property
    def kept(self) -> int | None:
        """The step that the guard would keep."""
        return self.summary["guard"]["kept_step"] if "guard" in self.summary else None

    def course(self) -> list[dict[str, float]]:
        """pass@1 and entropy along the run: of its evaluations, or of its rounds where it had only two of those."""
        evaluations = [
            {"step": each["step"], "entropy": each["mean_entropy"], "pass@1": each["pass@1"]}
            for each in self.summary["curve"]
            if each.get("mean_entropy") is not None and each.get("pass@1") is not None
        ]
        entropy, right = self.curves.get("entropy/token_mean", {}), self.curves.get("accuracy/pass@1", {})
        rounds = [{"step": step, "entropy": entropy[step], "pass@1": right[step]} for step in right if step in entropy]
        return rounds if len(evaluations) < 3 <= len(rounds) else evaluations


def is_fit(directory: Path) -> bool:
    """Whether a run's directory is that of a fit, ended or not."""
    return (directory / "summary.json").is_file() or any((directory / "tensorboard").glob("events*"))


def read_fit(directory: Path, label: str) -> Fit:
    """A fit that has ended, by its summary; one that has not, or was killed, by its curves.

    Raises:
        DataError: neither can be read
    """
    path = directory / "summary.json"
    if not path.is_file():
        curves = read_scalars(directory)
        return Fit(label, _so_far(curves), curves)
    try:
        summary = json_object(path.read_bytes(), {"before": dict, "after": dict, "curve": list})
    except (OSError, ValueError) as error:
        raise DataError(f"{path} does not hold a run's summary ({error}); give the --run_dir of a fit") from None
    try:
        return Fit(label, summary, read_scalars(directory))
    except DataError:  # it had another logger
        return Fit(label, summary)


def _so_far(curves: dict[str, dict[int, float]]) -> dict[str, Any]:
    """What summary.json would hold if the run ended now, without the guard's choice."""
    measured = {name.removeprefix("evaluation/"): at for name, at in curves.items() if name.startswith("evaluation/")}
    steps = sorted({step for at in measured.values() for step in at})
    curve = [{"step": step, **{name: at.get(step) for name, at in measured.items()}} for step in steps]
    taken = max((step for name, at in curves.items() if name.startswith("loss/") for step in at), default=0)
    return {"before": curve[0] if curve else {}, "after": {}, "curve": curve, "steps": f"{taken} so far"}


def write_page(path: Path, fits: Sequence[Fit], runs: Sequence[Run]) -> None:
    """Write the page.

    Args:
        path: of the HTML file
        fits: training runs
        runs: predict runs, whose decodings have different names

    Raises:
        StorageError: the file system refused
    """
    parts = [*_about_fits(fits), *_about_predictions(runs)]
    template = Template((Path(__file__).parent / "page.html").read_text())
    write_whole(path, template.substitute(body="\n".join(parts)), "nothing else was written")


def _about_fits(fits: Sequence[Fit]) -> Iterator[str]:
    if not fits:
        return
    yield "<h2>Training</h2>"
    rows = []
    for fit in fits:
        before, after = fit.summary["before"], fit.summary["after"]
        cells = [f"{format_value(before.get(name))} → {format_value(after.get(name))}" for name in MEASURED]
        rows.append([fit.label, str(fit.summary["steps"]), *cells, "" if fit.kept is None else f"step {fit.kept}"])
    yield _table(["run", "steps", *MEASURED, "the guard keeps"], rows)
    for name, title in CURVES.items():
        found = {fit.label: fit.curves[name] for fit in fits if fit.curves.get(name)}
        if found:
            yield _picture(curve(found, title))
    courses = {fit.label: course for fit in fits if len(course := fit.course()) > 1}
    if courses:
        yield _picture(accuracy_by_entropy(courses, {fit.label: fit.kept for fit in fits}))


def _about_predictions(runs: Sequence[Run]) -> Iterator[str]:
    predictions = [each for run in runs for each in run.predictions]
    if not predictions:
        return
    yield "<h2>Answers</h2>"
    rows = [row for run in runs for row in summarise(run.predictions, run.settings.get("parameters"), run.seconds)]
    names = columns(rows)
    yield _table(
        ["task", "decoding", *names],
        [[row["task"], row["decoding"], *(format_cell(row, name) for name in names)] for row in rows],
    )
    for task in dict.fromkeys(row["task"] for row in rows):
        if mine := [row for row in rows if row["task"] == task and "pass@1" in row]:
            yield _picture(accuracy_by_tokens(mine, task))
    yield from _changes(predictions)


def _changes(predictions: Sequence[Prediction]) -> Iterator[str]:
    """Answers to the same problem that the first decoding has right and another wrong, and the reverse."""
    by_decoding: dict[tuple[str, str], dict[tuple[str, int], Prediction]] = defaultdict(dict)
    for each in predictions:
        if each.correct is not None:
            by_decoding[each.task, each.decoding][each.id, each.sample] = each
    first = {task: decoding for task, decoding in reversed(by_decoding)}
    for (task, decoding), answers in by_decoding.items():
        before = by_decoding[task, first[task]]
        pairs = [(before[key], each) for key, each in answers.items() if key in before]
        for title, was in (("from wrong to right", False), ("from right to wrong", True)):
            changed = [(one, other) for one, other in pairs if one.correct == was and other.correct != was]
            if decoding != first[task] and changed:
                yield f"<h3>{_text(task)}: {title}, {_text(first[task])} → {_text(decoding)}: {len(changed)}</h3>"
                yield from (_change(one, other) for one, other in changed[:_CHANGED])


def _change(one: Prediction, other: Prediction) -> str:
    texts = "".join(
        f"<pre class={'right' if each.correct else 'wrong'}>{_text(each.completion[:_LONGEST])}</pre>"
        for each in (one, other)
    )
    answers = f"{_text(one.answer or 'no answer')} → {_text(other.answer or 'no answer')}"
    return f"<details><summary>{_text(one.id)}, sample {one.sample}: {answers}</summary><div>{texts}</div></details>"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    def line(cells: Sequence[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{_text(cell)}</{tag}>" for cell in cells) + "</tr>"

    body = "".join(line(row, "td") for row in rows)
    return f"<table><thead>{line(head, 'th')}</thead><tbody>{body}</tbody></table>"


def _text(value: object) -> str:
    lines = str(value).split("\n")
    return escape("\n".join(printable(line, len(line)) for line in lines))


def _picture(figure: "Figure") -> str:
    file = io.StringIO()
    figure.savefig(file, format="svg", metadata={"Date": None})
    return f"<figure>{file.getvalue()[file.getvalue().index('<svg') :]}</figure>"
