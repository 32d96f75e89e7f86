"""What a guard's probes cost beside the run that they watch."""

from dataclasses import dataclass

from emlit.collapse import ProbeSize
from emlit.rollout.trainer import Trainer


@dataclass(frozen=True)
class GuardCost:
    """What was sampled for probes, as it stands in summary.json.

    Attributes:
        prompts: in the probe
        samples: of each, after the start
        start_samples: of each, before training
        completions: of all probes so far
        share_of_run: of the completions that were trained on; None before the first step
        seconds: that the probes took, grading and scoring included
    """

    prompts: int
    samples: int
    start_samples: int
    completions: int
    share_of_run: float | None
    seconds: float

    @classmethod
    def of(cls, size: ProbeSize, probes: int, seconds: float, trainer: Trainer) -> "GuardCost":
        """Of so many probes, that before training among them."""
        completions = size.at_start + (probes - 1) * size.prompts * size.samples
        run = _completions(trainer, trainer.global_step)
        share = round(completions / run, 3) if run else None
        return cls(size.prompts, size.samples, size.start_samples, completions, share, round(seconds, 1))

    def __str__(self) -> str:
        share = "" if self.share_of_run is None else f", {self.share_of_run:.0%} of the run's"
        return f"its probes: {self.completions:,} completions{share}, {self.seconds:.0f} s"


def planned(trainer: Trainer) -> tuple[int | None, int | None]:
    """Optimiser steps of the run, and completions that it trains on; None where nothing says so.

    Before there is a loader, from which Lightning would tell.
    """
    data = trainer.datamodule
    limits = [trainer.max_steps] if trainer.max_steps >= 0 else []
    if trainer.max_epochs is not None and trainer.max_epochs >= 0:
        rounds = max(1, len(data.train_prompts) // data.prompts_per_round)
        limits.append(trainer.max_epochs * rounds * data.updates_per_round)
    return (min(limits), _completions(trainer, min(limits))) if limits else (None, None)


def _completions(trainer: Trainer, steps: int) -> int:
    data = trainer.datamodule
    rounds = -(-steps // data.updates_per_round)
    return rounds * data.prompts_per_round * data.samples_per_prompt
