"""The size of a round, as one process sees it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RoundShape:
    """How many of what a round has.

    Attributes:
        prompts: in the round, over all ranks
        samples: completions of each prompt that are trained on
        micro_batches: into which each rank's share of an optimiser step is cut
        rank: of this process
        ranks: how many processes there are
        updates: optimiser steps of a round, each on a part of its prompts
        apart: further micro-batches of an optimiser step, for completions that are trained on apart from their groups
    """

    prompts: int
    samples: int
    micro_batches: int
    rank: int = 0
    ranks: int = 1
    updates: int = 1
    apart: int = 0

    @property
    def batches(self) -> int:
        """Micro-batches in a rank's share of a round."""
        return (self.micro_batches + self.apart) * self.updates

    def update(self, place: int) -> int:
        """Which optimiser step of its round the prompt at a place of the run belongs to, on any rank."""
        return place % self.prompts * self.updates // self.prompts
