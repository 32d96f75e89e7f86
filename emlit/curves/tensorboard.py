"""What TensorBoard alone draws."""

from typing import Any

import lightning as L
import torch
from lightning.pytorch.loggers import TensorBoardLogger
from torch import Tensor


def writers(trainer: L.Trainer) -> list[Any]:
    """The TensorBoard writers of a run; none on processes but the first."""
    loggers = trainer.loggers if trainer.is_global_zero else []
    return [logger.experiment for logger in loggers if isinstance(logger, TensorBoardLogger)]


def add_profile(writer: Any, tag: str, means: Tensor, step: int) -> None:
    """A curve over the position in a completion (%, from 10 means) for the Histograms tab, step behind step.

    The tab draws counts over values; here positions stand for values, and the height is a mean where a count would be.
    """
    heights = means.nan_to_num()
    right = torch.arange(1, len(means) + 1) * 100.0 / len(means)
    centres = right - right[0] / 2
    writer.add_histogram_raw(
        tag,
        min=0.0,
        max=100.0,
        num=heights.sum().item(),
        sum=(heights * centres).sum().item(),
        sum_squares=(heights * centres**2).sum().item(),
        bucket_limits=right.tolist(),
        bucket_counts=heights.tolist(),
        global_step=step,
    )
