"""What a predict run left on the disk."""

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from emlit.errors import DataError
from emlit.predictions import Prediction

Key = tuple[str, str]  # decoding, task


@dataclass
class Run:
    """Attributes:
    predictions: in the order of the file
    settings: that they were made with
    seconds: that sampling took, by decoding and task, summed over processes
    """

    predictions: list[Prediction]
    settings: Mapping[str, Any] = field(default_factory=dict)
    seconds: Mapping[Key, float] = field(default_factory=dict)


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


def read_run(directory: Path) -> Run:
    """A run's predictions, settings and times.

    Raises:
        DataError: there are no predictions, or a line that is none
    """
    path = directory / "predictions.jsonl"
    if not path.is_file():
        raise DataError(f"{directory} has no predictions.jsonl; give the --run_dir of a predict run that has ended")
    predictions = read_predictions(path)
    if not predictions:
        raise DataError(f"{path} is empty; give the --run_dir of a predict run that has ended")
    return Run(predictions, _settings(directory / "predictions.settings.json"), read_seconds(directory, predictions))


def _settings(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        found = json.loads(path.read_text())
    except ValueError as error:
        raise DataError(
            f"{path} is not JSON ({error}); delete it, and costs and the model's name are left out"
        ) from None
    return found if isinstance(found, dict) else {}


def read_seconds(directory: Path, predictions: list[Prediction]) -> dict[Key, float]:
    """What sampling these predictions took, by decoding and task, summed over processes.

    They count by their number: more were timed where fewer are asked for than before, and fewer where a kill came
    before a batch's time was written.
    """
    totals: dict[Key, float] = defaultdict(float)
    timed: dict[Key, int] = defaultdict(int)
    for file in sorted(directory.glob("costs.rank*.jsonl")):
        for line in file.read_text().splitlines():
            try:
                cost = json.loads(line)
                key, seconds, count = (cost["decoding"], cost["task"]), float(cost["seconds"]), int(cost["predictions"])
            except (ValueError, TypeError, KeyError):  # a kill cut it
                continue
            totals[key] += seconds
            timed[key] += count
    made: dict[Key, int] = defaultdict(int)
    for prediction in predictions:
        made[prediction.decoding, prediction.task] += 1
    return {key: total * made[key] / timed[key] for key, total in totals.items() if timed[key]}
