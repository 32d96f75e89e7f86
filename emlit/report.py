"""From predictions.jsonl to report.json and report.md."""

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

from emlit.errors import DataError
from emlit.files import write_whole
from emlit.metrics import CompletionMetrics
from emlit.predictions import Prediction

_FIRST = ("pass@1", "format_rate", "mean_entropy", "mean_logprob", "mean_length", "truncated")


def read_predictions(path: Path) -> list[Prediction]:
    """Every line of a predictions file.

    Raises:
        DataError: a line that is no prediction
    """
    predictions = []
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                predictions.append(Prediction.from_dict(json.loads(line.decode())))
            except (ValueError, RecursionError) as error:
                reason = " ".join(str(error).split())
                raise DataError(f"{path}, line {number}: not a prediction ({reason}); delete that line") from None
    return predictions


def summarise(predictions: list[Prediction], decoding: str) -> list[dict[str, Any]]:
    """One row a task: its name, the decoding, how many problems and samples, and every metric."""
    tasks: dict[str, list[Prediction]] = defaultdict(list)
    for prediction in predictions:
        tasks[prediction.task].append(prediction)
    rows = []
    for task, members in tasks.items():
        metrics = CompletionMetrics(sync_on_compute=False)  # one process reads what all have written
        metrics.update(members)
        values = {name: value.item() for name, value in metrics.compute().items()}
        problems = len({prediction.id for prediction in members})
        rows.append({"task": task, "decoding": decoding, "problems": problems, "samples": len(members), **values})
    return rows


def to_markdown(rows: list[dict[str, Any]]) -> str:
    """The rows as one table; a value that a row lacks stays empty."""
    head = ["task", "decoding", "problems", "samples"]
    found = {name for row in rows for name in row} - set(head)
    columns = head + [name for name in _FIRST if name in found] + sorted(found - set(_FIRST))
    lines = ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
    lines += ["| " + " | ".join(format_value(row.get(name)) for name in columns) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def format_value(value: Any) -> str:
    """As it stands in a table: three decimals, empty for None."""
    return "" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)


def write_report(directory: Path, decoding: str, samples: int | None = None) -> list[dict[str, Any]]:
    """Read `predictions.jsonl` in `directory`; write report.json and report.md beside it; return the rows.

    Args:
        decoding: what the rows are labelled with
        samples: count the first so many of each problem; all unless set
    """
    found = read_predictions(directory / "predictions.jsonl")
    rows = summarise([p for p in found if samples is None or p.sample < samples], decoding)
    kept = "all predictions are kept; make room and repeat the command"
    write_whole(directory / "report.json", json.dumps(rows, indent=2) + "\n", kept)
    write_whole(directory / "report.md", to_markdown(rows), kept)
    return rows
