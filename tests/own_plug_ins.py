"""Plug-ins whose constructors fail."""

from torchmetrics import Metric

from emlit.rewards import Reward


class NoInit(Metric):
    def __init__(self) -> None:
        raise ValueError("no init")

    def update(self, predictions) -> None: ...

    def compute(self) -> None: ...


class NoReward(Reward):
    def __init__(self) -> None:
        raise RuntimeError("no reward")

    def __call__(self, batch, stats): ...


class Mistaken(Reward):
    def __init__(self) -> None:
        {}["nothing is here"]

    def __call__(self, batch, stats): ...
