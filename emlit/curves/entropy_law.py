"""The law R = -a exp(H) + b of a run's accuracy and entropy (arXiv 2505.22617), fitted to its curves."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from emlit.errors import DataError

# Entropy and accuracy by their curves' names: of the evaluations, and of the rounds that were trained on.
CURVES = (("evaluation/token_entropy", "evaluation/pass@1"), ("entropy/token_mean", "accuracy/pass@1"))
_FEWEST = 3  # points; a line through two says nothing


class EntropyLaw(NamedTuple):
    """R = -a exp(H) + b, H in nats.

    Attributes:
        a: how much accuracy a unit of exp(H) is traded for
        b: R where exp(H) were 0; b - a is what the law foresees for an entropy of 0
        r2: share of R's variance that it explains; nan where R does not vary
        points: that it was fitted to
    """

    a: float
    b: float
    r2: float
    points: int


def entropy_law(entropy: Tensor, accuracy: Tensor) -> EntropyLaw:
    """The least-squares fit.

    Args:
        entropy: (M,), nats
        accuracy: (M,); points at which either is not finite are left out

    Raises:
        DataError: fewer than 3 points, or all at one entropy
    """
    known = entropy.isfinite() & accuracy.isfinite()
    x, r = entropy[known].double().exp(), accuracy[known].double()
    if len(x) < _FEWEST:
        raise DataError(f"there are {len(x)} points of entropy and accuracy, and R = -a exp(H) + b needs {_FEWEST}")
    if x.min() == x.max():
        raise DataError("entropy is the same at all points, so that R = -a exp(H) + b cannot be fitted")
    spread = x - x.mean()
    slope = (spread @ (r - r.mean())) / spread.square().sum()
    b = r.mean() - slope * x.mean()
    left, total = (r - slope * x - b).square().sum(), (r - r.mean()).square().sum()
    r2 = 1 - left / total if r.min() < r.max() else torch.tensor(torch.nan)
    return EntropyLaw(-slope.item(), b.item(), r2.item(), len(x))


def read_scalars(run_dir: Path) -> dict[str, dict[int, float]]:
    """The curves of a fit, value by step; the last value of a step that was repeated counts.

    Raises:
        DataError: there are none
    """
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    folder = run_dir / "tensorboard"
    if not any(folder.glob("events.out.tfevents.*")):
        raise DataError(f"{run_dir} has no curves in tensorboard/; give the --run_dir of a fit")
    found = EventAccumulator(str(folder), size_guidance={"scalars": 0}).Reload()
    return {tag: {each.step: each.value for each in found.Scalars(tag)} for tag in found.Tags()["scalars"]}


def paired(curves: Mapping[str, Mapping[int, float]], entropy: str, accuracy: str) -> tuple[Tensor, Tensor]:
    """The values of two curves at the steps that both have: (M,), (M,)."""
    one, other = curves.get(entropy, {}), curves.get(accuracy, {})
    steps = sorted(one.keys() & other.keys())
    return torch.tensor([one[step] for step in steps]), torch.tensor([other[step] for step in steps])
