"""Metrics of somebody else's: refused before sampling where that can be told, and otherwise one number less."""

import threading

import pytest
import torch
from torchmetrics import MeanMetric, Metric
from torchmetrics.text import BLEUScore

from emlit.errors import ConfigError
from emlit.preflight.own_metric import OwnMetric
from tests.unit.metrics.test_completions import prediction

PREDICTIONS = [prediction("p", 0, "1", True), prediction("q", 0, "2", False)]


class Gives(Metric):
    """What it is told to; an exception is raised."""

    full_state_update = False

    def __init__(self, what=0.5) -> None:
        super().__init__()
        self.what = what
        self.add_state("seen", torch.tensor(0), dist_reduce_fx="sum")

    def update(self, predictions) -> None:
        self.seen += len(predictions)

    def compute(self):
        if isinstance(self.what, Exception):
            raise self.what
        return self.what


class NamedByMethod(Gives):
    def name(self) -> str:
        return "n"


class Locked(Gives):
    def __init__(self) -> None:
        super().__init__()
        self.lock = threading.Lock()


class WithPipe(Gives):
    name = "a|b\nc"


class Raises(Gives):
    def compute(self):
        raise ValueError("of these")


class Passes(Gives):
    name = "pass@1"


def test_a_number():
    own = OwnMetric(Gives(torch.tensor([0.25])))
    own.require_usable()
    own.update(PREDICTIONS)
    assert (own.name, own.values(), own.failure) == ("Gives", {"Gives": 0.25}, None)
    assert OwnMetric(NamedByMethod()).name == "NamedByMethod"
    assert OwnMetric(WithPipe()).name == r"a|b\nc"


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        (MeanMetric(), "preflight.metrics has MeanMetric: its update raised .*must take a list"),
        (BLEUScore(), "preflight.metrics has BLEUScore: its update raised .*must take a list"),
        (Gives(torch.ones(3)), "Gives: its compute must give one number"),
        (Gives({"a": 1}), "must give one number.*dict"),
        (Gives(None), "must give one number.*NoneType"),
        (Locked(), "has Locked: each task has a copy of it, and it cannot be copied"),
    ],
)
def test_refused_before_anything_is_sampled(metric, expected):
    with pytest.raises(ConfigError, match=expected):
        OwnMetric(metric).require_usable()


@pytest.mark.parametrize(
    ("what", "expected"),
    [(ValueError("no such"), "compute raised ValueError: no such"), (float("nan"), "compute gave nan")],
)
def test_what_fails_later_costs_its_number_alone(what, expected):
    own = OwnMetric(Gives(what))
    own.require_usable()
    own.update(PREDICTIONS)
    assert own.values() is None
    assert own.failure == expected
