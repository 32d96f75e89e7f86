"""What a plan of memory is made of."""

from collections.abc import Sequence
from dataclasses import dataclass

# In the order of a round. The end of the backward pass is where the gradients of the root's weights are.
PHASES = ("generate", "forward", "backward", "end of backward", "optimiser step", "weight sync")
TRAINING = PHASES[1:5]


@dataclass(frozen=True)
class Term:
    """Bytes under one name.

    Attributes:
        name: what it is
        size: phase -> bytes; 0 in phases that are not there
        formula: how it comes about, with the numbers
    """

    name: str
    size: dict[str, float]
    formula: str

    def at(self, phase: str) -> float:
        return self.size.get(phase, 0.0)


def during(phases: Sequence[str], size: float) -> dict[str, float]:
    """The same in each of `phases`."""
    return dict.fromkeys(phases, size)
