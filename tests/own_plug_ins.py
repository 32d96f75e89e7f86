"""Plug-ins whose constructors fail."""

from torchmetrics import Metric

from emlit.rewards import Reward


class NoInit(Metric):
    def __init__(self) -> None:
        raise ValueError("no init")


class NoReward(Reward):
    def __init__(self) -> None:
        raise ValueError("no reward")

    def __call__(self, batch, stats): ...
