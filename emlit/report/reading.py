"""What a predict run left on the disk."""

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from emlit.errors import DataError
from emlit.json_files import json_object, require_types
from emlit.predictions import Prediction

Key = tuple[str, str]  # decoding, task
_COST = {"decoding": str, "task": str, "seconds": float, "predictions": int}
# What is used of a run's settings, where they have it.
_SETTINGS = {"pretrained": str, "parameters": int | None, "problems": dict[str, str], "strategies": dict[str, Any]}


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
                predictions.append(Prediction.from_json(line))
            except ValueError as error:
                raise DataError(f"{path}, line {number}: not a prediction ({error}); delete that line") from None
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
    file = directory / "predictions.settings.json"
    settings = read_settings(file, "delete it, and costs and the model's name are left out") if file.is_file() else {}
    return Run(predictions, settings, read_seconds(directory, predictions))


def read_settings(path: Path, instead: str) -> dict[str, Any]:
    """What predictions were made with.

    Args:
        path: of predictions.settings.json
        instead: the way out where it cannot be read

    Raises:
        DataError: it holds no settings
    """
    try:
        found = json_object(path.read_bytes())
        require_types(found, _SETTINGS)
    except ValueError as error:
        raise DataError(f"{path} does not hold a run's settings ({error}); {instead}") from None
    return found


def read_seconds(directory: Path, predictions: list[Prediction]) -> dict[Key, float]:
    """What sampling these predictions took, by decoding and task, summed over processes.

    They count by their number: more were timed where fewer are asked for than before, and fewer where a kill came
    before a batch's time was written.
    """
    totals: dict[Key, float] = defaultdict(float)
    timed: dict[Key, int] = defaultdict(int)
    for file in sorted(directory.glob("costs.rank*.jsonl")):
        for line in file.read_bytes().splitlines():
            try:
                cost = json_object(line, _COST)
            except ValueError:  # a kill cut it
                continue
            if 0 <= cost["seconds"] < math.inf and cost["predictions"] > 0:
                totals[cost["decoding"], cost["task"]] += cost["seconds"]
                timed[cost["decoding"], cost["task"]] += cost["predictions"]
    made: dict[Key, int] = defaultdict(int)
    for prediction in predictions:
        made[prediction.decoding, prediction.task] += 1
    return {key: total * made[key] / timed[key] for key, total in totals.items()}
