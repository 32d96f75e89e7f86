"""report.json, report.md, comparisons.json and the figures."""

import json
import re
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from emlit.report.figures import accuracy_by_tokens
from emlit.report.markdown import to_markdown
from emlit.report.paired import compare
from emlit.report.published import published_rows
from emlit.report.reading import Run
from emlit.report.rows import summarise
from emlit.resilience.files import replacing, write_whole
from emlit.resilience.marks import create


def write_report(directory: Path, runs: Sequence[Run], model: str | None = None) -> list[dict[str, Any]]:
    """Write the report of one run, or of several beside each other; return the rows of report.json.

    Args:
        directory: where
        runs: whose decodings have different names
        model: whose published rows stand beside the measured ones; none unless set

    Raises:
        StorageError: the file system refused
    """
    predictions = [each for run in runs for each in run.predictions]
    rows = [row for run in runs for row in summarise(run.predictions, run.settings.get("parameters"), run.seconds)]
    comparisons = compare(predictions)
    tasks = list(dict.fromkeys(row["task"] for row in rows))
    published = published_rows(model, tasks) if model else []
    kept = "all predictions are kept; make room and repeat the command"
    pictures = {}
    for task in tasks:
        mine = [row for row in rows if row["task"] == task and "pass@1" in row]
        if len(mine) > 1:
            pictures[task] = _draw(mine, directory, task, kept)
    write_whole(directory / "report.json", json.dumps(rows, indent=2) + "\n", kept)
    write_whole(
        directory / "comparisons.json", json.dumps([asdict(each) for each in comparisons], indent=2) + "\n", kept
    )
    write_whole(directory / "report.md", to_markdown(rows, comparisons, published, pictures), kept)
    return rows


def _draw(rows: list[dict[str, Any]], directory: Path, task: str, kept: str) -> str:
    path = Path("figures") / f"{re.sub(r'[^A-Za-z0-9_.-]+', '_', task)}.png"
    with replacing(directory / path, kept) as scratch, create(scratch) as file:
        accuracy_by_tokens(rows, task).savefig(file, format="png")
    return str(path)
