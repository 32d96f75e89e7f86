"""What a plan of memory is made of."""

from dataclasses import dataclass

PHASES = ("generate", "forward", "backward", "optimiser step", "weight sync")
TRAINING = PHASES[1:4]


@dataclass(frozen=True)
class Term:
    """Bytes under one name.

    Attributes:
        name: what it is
        size: phase -> bytes; 0 in phases that are not there
        how: it comes about
    """

    name: str
    size: dict[str, float]
    how: str

    def at(self, phase: str) -> float:
        return self.size.get(phase, 0.0)
