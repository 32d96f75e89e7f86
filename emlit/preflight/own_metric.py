"""A metric of somebody else's in the report: what goes wrong in it costs its number, and no other."""

import logging
import math
from collections.abc import Sequence
from typing import Any

import torch
from torchmetrics import Metric

from emlit.errors import ConfigError, first_line
from emlit.predictions import Prediction
from emlit.preflight.token_metrics import TokenMetric
from emlit.printable import printable
from emlit.processes import all_gather

log = logging.getLogger(__name__)

# Tried before anything is sampled: a right completion and a wrong one.
_EXAMPLES = [
    Prediction("example", "0", sample, f"\\boxed{{{sample}}}", str(sample), sample == 0, True, 5, 0.5, -0.5, "stop")
    for sample in (0, 1)
]


class OwnMetric:
    """A copy of a torchmetrics Metric, for one task.

    Attributes:
        name: its `name` where that is text, else that of its class
        reads_tokens: whether its `update` takes what predictions were made of, too
        failure: what went wrong, as the end of a sentence

    Raises:
        ConfigError: it cannot be copied
    """

    def __init__(self, metric: Metric, device: torch.device | str = "cpu") -> None:
        name = getattr(metric, "name", None)
        self.name = printable(name, 100) if isinstance(name, str) and name.strip() else type(metric).__name__
        self.failure: str | None = None
        self.reads_tokens = isinstance(metric, TokenMetric)
        try:
            self._metric = metric.clone().to(device)
        except Exception as error:
            raise self._refusal(f"each task has a copy of it, and it cannot be copied: {first_line(error)}") from error

    def require_usable(self) -> None:
        """Raise ConfigError where it takes no predictions, or gives something else than a number."""
        if self.reads_tokens:  # no example has tokens that a policy scored
            return
        self.update(_EXAMPLES)
        if self.failure is not None:
            raise self._refusal(f"its {self.failure}; it must take a list of emlit.predictions.Prediction")
        try:
            value = self._metric.compute()
        except Exception:  # of examples that are too few for it, perhaps
            return
        try:
            float(value)
        except Exception as error:
            raise self._refusal(f"its compute must give one number: {first_line(error)}") from error

    def update(self, predictions: Sequence[Prediction], *made_of: Any) -> None:
        if self.failure is not None:
            return
        try:
            self._metric.update(list(predictions), *made_of)
        except Exception as error:
            self._failed("update", error)

    def values(self) -> dict[str, float] | None:
        """By name, over all processes, each of which must call it; None where it failed."""
        # One that stays away from compute would leave the others waiting.
        self.failure = next((each for each in all_gather(self.failure) if each is not None), None)
        if self.failure is None:
            try:
                found = self._metric.compute()
                if self.reads_tokens:
                    return {name: float(value) for name, value in found.items() if not math.isnan(value)}
                if math.isfinite(value := float(found)):
                    return {self.name: value}
                self.failure = f"compute gave {value}"
            except Exception as error:
                self._failed("compute", error)
        return None

    def _failed(self, method: str, error: Exception) -> None:
        self.failure = f"{method} raised {type(error).__name__}: {first_line(error)}"
        log.warning("%s of preflight.metrics", self.name, exc_info=error)

    def _refusal(self, reason: str) -> ConfigError:
        return ConfigError(f"preflight.metrics has {self.name}: {reason}; correct it, or leave it out")
