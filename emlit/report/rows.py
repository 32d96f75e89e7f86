"""One row a task and decoding: accuracies with intervals, and what they cost."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import torch

from emlit.metrics import AnswerTable, Interval, rates, share_interval
from emlit.predictions import Prediction
from emlit.report.reading import Key


def grouped(predictions: Iterable[Prediction]) -> dict[Key, list[Prediction]]:
    """By decoding and task, in the order in which they first appear."""
    groups: dict[Key, list[Prediction]] = defaultdict(list)
    for prediction in predictions:
        groups[prediction.decoding, prediction.task].append(prediction)
    return dict(groups)


def summarise(
    predictions: Iterable[Prediction],
    parameters: int | None = None,
    seconds: Mapping[Key, float] | None = None,
    resamples: int = 1000,
) -> list[dict[str, Any]]:
    """The rows of report.json.

    Args:
        predictions: of any tasks and decodings
        parameters: of the model; without them a row has no `flops`
        seconds: that sampling took, by decoding and task; without them a row has no `seconds`
        resamples: of the bootstrap, for what is no share

    Returns:
        Each with `task`, `decoding`, `problems`, `samples` (all completions), the values of `emlit.metrics.rates`,
        `sub-problems` (the share of parts that is right) where problems have parts, `sampled_tokens` and
        `prompt_tokens` (with those of votes and drafts), `flops` (2 a parameter and token, as the paper counts) and
        `seconds`, in all and `_an_answer`; the ends of the 95 % intervals by name under `intervals`.
    """
    rows = []
    for (decoding, task), members in grouped(predictions).items():
        table = AnswerTable(sync_on_compute=False)  # one process reads what all have written
        table.update(members)
        values = rates(table.answers(), resamples)
        if any(member.parts for member in members):
            values["sub-problems"] = _parts(members)
        sampled = sum(member.sampled_tokens for member in members)
        read = sum(member.prompt_tokens for member in members)
        row: dict[str, Any] = {
            "task": task,
            "decoding": decoding,
            "problems": len({member.id for member in members}),
            "samples": len(members),
            **{name: each.value for name, each in values.items()},
            "sampled_tokens": sampled,
            "prompt_tokens": read,
        }
        if parameters is not None:
            row["flops"] = 2.0 * parameters * (sampled + read)
        if seconds is not None and (decoding, task) in seconds:
            row["seconds"] = seconds[decoding, task]
        for name in ("sampled_tokens", "prompt_tokens", "flops", "seconds"):
            if name in row:
                row[f"{name}_an_answer"] = row[name] / len(members)
        row["intervals"] = {name: each.ends for name, each in values.items()}
        rows.append(row)
    return rows


def _parts(members: list[Prediction]) -> Interval:
    ids = sorted({member.id for member in members})
    right, of = torch.zeros(len(ids), dtype=torch.float64), torch.zeros(len(ids), dtype=torch.float64)
    for member in members:
        right[ids.index(member.id)] += sum(member.parts or [])
        of[ids.index(member.id)] += len(member.parts or [])
    return share_interval(right, of)
