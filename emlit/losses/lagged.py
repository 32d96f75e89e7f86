"""Statistics of an optimiser step's tokens, known from the next step on: what a threshold may rest on.

A statistic of a micro-batch, as most published code has it, makes the gradient depend on how a round was cut and on the
number of processes; one of the step before does not.
"""

import math
from collections.abc import Callable, Collection
from typing import Any, Literal

import torch
from torch import Tensor

from emlit.functional import Stat

_BINS, _LEAST, _MOST = 1024, 1e-8, 1e6  # of the histogram: of either sign, logarithmic in the size of the values
# Of a tensor and "sum" or "max": the same over all processes.
Reduce = Callable[[Tensor, str], Tensor]
Over = Literal["step", "micro_batch"]


class RoundStatistic:
    """One number about a per-token value, over all tokens trained on in the last optimiser step, on all processes.

    Args:
        kind: "mean", "std", "max", or "quantile", to 4 % of the value and within 1e6
        q: which quantile, above 0 and below 1

    Attributes:
        value: of the last step that trained on a token; None before the first
        over: what `of` goes by: the last "step", or the "micro_batch" that it is given
    """

    def __init__(self, kind: Literal["mean", "std", "max", "quantile"], q: float | None = None) -> None:
        if (kind == "quantile") != (q is not None and 0 < q < 1):
            raise ValueError(f"a {kind} takes {'q between 0 and 1' if kind == 'quantile' else 'no q'}; it is {q}")
        self.kind, self.q = kind, q
        self.value: float | None = None
        self.over: Over = "step"
        self._seen: Tensor | None = None

    def of(self, values: Tensor, mask: Tensor) -> float | None:
        """The number that a micro-batch goes by, whose values (B, T) it observes; None where there is none yet.

        That of the micro-batch itself waits for a GPU.
        """
        self.observe(values, mask)
        if self.over == "step":
            return self.value
        values = values.detach().double().expand_as(mask)[mask]
        values = values[~values.isnan()]
        if not len(values):
            return None
        if self.kind == "quantile":
            place = (self.q or 0.0) * (len(values) - 1)
            ordered, low = values.sort().values, math.floor(place)
            pair = ordered[low], ordered[min(low + 1, len(values) - 1)]
            return float(torch.lerp(*pair, place - low))
        if self.kind == "std":
            return float(values.std(correction=0))
        return float(values.mean() if self.kind == "mean" else values.max())

    def observe(self, values: Tensor, mask: Tensor) -> None:
        """Take the values (B, T) of a micro-batch where `mask` (B, T) is true, without waiting for a GPU."""
        values, weight = values.detach().double(), mask.double()
        kept = values.masked_fill(~mask, 0.0)
        if self.kind == "max":
            nothing = values.new_full((1,), -math.inf)
            found = torch.cat([values.masked_fill(~mask, -math.inf).flatten(), nothing]).amax().view(1)
        elif self.kind == "quantile":
            weight, kept = torch.where(kept.isnan(), torch.nan, weight), kept.nan_to_num(0.0)  # nan says nothing
            size = (kept.abs().clamp(_LEAST, _MOST).log() - math.log(_LEAST)) / math.log(_MOST / _LEAST) * _BINS
            size = size.long().clamp(max=_BINS - 1)
            place = torch.where(kept < 0, _BINS - 1 - size, _BINS + size)
            found = weight.new_zeros(2 * _BINS)
            found.scatter_add_(0, place.flatten(), weight.flatten())
        else:
            found = torch.stack([weight.sum(), kept.sum(), kept.square().sum()])
        if self._seen is None:
            self._seen = found
        else:
            self._seen = torch.maximum(self._seen, found) if self.kind == "max" else self._seen + found

    def update(self, reduce: Reduce) -> None:
        """After an optimiser step: its value counts from now on. Every process must call it."""
        if self._seen is None:
            return
        seen, self._seen = reduce(self._seen, "max" if self.kind == "max" else "sum").tolist(), None
        value = _VALUES[self.kind](seen, self.q)
        if value is not None and math.isfinite(value):
            self.value = value


def _mean(seen: list[float], q: float | None) -> float | None:
    return seen[1] / seen[0] if seen[0] else None


def _std(seen: list[float], q: float | None) -> float | None:
    return math.sqrt(max(seen[2] / seen[0] - (seen[1] / seen[0]) ** 2, 0.0)) if seen[0] else None


def _max(seen: list[float], q: float | None) -> float | None:
    return seen[0]


def _quantile(seen: list[float], q: float | None) -> float | None:
    left = (q or 0.0) * sum(seen)
    for place, count in enumerate(seen):
        if count and left <= count:
            size = place + left / count - _BINS
            return math.copysign(_LEAST * (_MOST / _LEAST) ** (abs(size) / _BINS), size)
        left -= count
    return None


_VALUES: dict[str, Callable[[list[float], float | None], float | None]] = {
    "mean": _mean, "std": _std, "max": _max, "quantile": _quantile,
}  # fmt: skip


class Lagged:
    """A plug-in whose attributes may be `RoundStatistic`s; the objective reduces, updates and saves them.

    Attributes:
        needs: what it reads of each token beside log p and H
        needs_old: whether it reads `batch.old`
        needs_rewards: whether it reads advantages or adds to rewards, which EM-RL alone has
    """

    needs: Collection[Stat] = ()
    needs_old: bool = False
    needs_rewards: bool = False

    def statistics(self) -> dict[str, RoundStatistic]:
        return {name: value for name, value in vars(self).items() if isinstance(value, RoundStatistic)}

    def go_by(self, over: Over) -> None:
        """Have its statistics be those of the last step, or of each micro-batch."""
        for statistic in self.statistics().values():
            statistic.over = over

    def update(self, reduce: Reduce) -> None:
        """After an optimiser step, on every process; what more a subclass does follows the call to this."""
        for statistic in self.statistics().values():
            statistic.update(reduce)

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps beside the statistics."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take back what `state_dict` gave."""

    def lagged_state(self) -> dict[str, Any]:
        """The statistics' values, for a checkpoint."""
        return {name: statistic.value for name, statistic in self.statistics().items()}

    def load_lagged_state(self, state: dict[str, Any]) -> None:
        for name, statistic in self.statistics().items():
            statistic.value = state.get(name)
