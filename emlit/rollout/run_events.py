"""What happens in a run between Lightning's own hooks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from emlit.records import RolloutBatch


@dataclass(frozen=True)
class RunEvents:
    """Who takes part adds a function, at the earliest in `on_fit_start`; each fit has its own.

    Attributes:
        before_round: called before a round is sampled; may raise, as the run can be left between rounds
        before_updates: given all micro-batches of a round, on the CPU, before the first update; what it returns in
            their places is trained on
    """

    before_round: list[Callable[[], None]] = field(default_factory=list)
    before_updates: list[Callable[[Sequence[RolloutBatch]], Sequence[RolloutBatch]]] = field(default_factory=list)
