"""How much of a run its probes may cost."""

from collections.abc import Sequence
from dataclasses import dataclass

SHARE = 0.1  # of a run's completions, at most

# Prompts, and samples of each before training; less of either sees less. More prompts with fewer samples see more than
# the reverse, but a vote needs a few. Less than the last one judges nothing.
_SIZES = ((64, 16), (48, 16), (32, 16), (32, 8), (24, 8), (16, 8), (16, 4))


@dataclass(frozen=True)
class ProbeSize:
    """How many completions a guard samples.

    Attributes:
        prompts: in the probe
        samples: of each, at every probe
        start_samples: of each before training, for the votes
        later: probes after the one before training; None in a run of unknown length
        run: completions that the run itself samples; None likewise
    """

    prompts: int
    samples: int
    start_samples: int
    later: int | None = None
    run: int | None = None

    @property
    def at_start(self) -> int:
        """Completions before training."""
        return self.prompts * self.start_samples

    @property
    def whole(self) -> int | None:
        """Completions of all probes of the run."""
        return None if self.later is None else self.at_start + self.later * self.prompts * self.samples

    @property
    def share(self) -> float | None:
        """Of the run's completions."""
        return None if self.whole is None or not self.run else self.whole / self.run

    @property
    def affordable(self) -> bool:
        """Whether it keeps within a tenth of the run, as far as anybody knows."""
        return self.share is None or self.share <= SHARE

    def __str__(self) -> str:
        text = f"{self.prompts} prompts x {self.start_samples} samples, {self.at_start:,} completions"
        if self.share is None:
            return text
        text += f"; with {self.later} later probe{'s' * (self.later != 1)} {self.whole:,}, "
        return text + f"{self.share:.0%} of the run's {self.run:,}"


def probe_size(
    available: int,
    run: int | None,
    later: int | None,
    prompts: int | None = None,
    samples: int = 4,
    start_samples: int | None = None,
) -> ProbeSize:
    """The largest probe that costs at most a tenth of the run's completions, or the smallest one that still judges.

    Args:
        available: prompts that it can be drawn from
        run: completions of the run; the largest probe where nobody knows
        later: probes after the one before training; likewise
        prompts: as they were set; chosen unless set
        samples: of each prompt, at every probe
        start_samples: as they were set; chosen unless set
    """
    sizes: Sequence[ProbeSize] = [
        ProbeSize(
            min(available, prompts or some),
            samples,
            start_samples or max(samples, votes),
            later,
            run,
        )
        for some, votes in _SIZES
    ]
    return next((size for size in sizes if size.affordable), sizes[-1])
