"""Rounds sampled beside training, one ahead of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from emlit.engines import Engine, Pending, sample_beside
from emlit.records import Completion, Prompt, Request, Sampling


@dataclass(frozen=True)
class Round:
    """A round's prompts, each with its place in the run, its completions, and whose weights they come from."""

    drawn: Sequence[tuple[int, Prompt]]
    completions: Sequence[Completion]
    weights_version: int


class RoundAhead:
    """At most one round that an engine samples in a thread while an earlier one is trained on.

    What else asks the engine (evaluation, probes), and new weights for it, wait for the round (`Engine.pending`):
    all of it comes from the weights at its beginning, so that a run follows from its seed as it does without.

    Args:
        engine: what samples
        on_waited: told of the seconds that training waited
    """

    def __init__(self, engine: Engine, on_waited: Callable[[float], None]) -> None:
        self.engine, self.on_waited = engine, on_waited
        self._begun: tuple[int, Sequence[tuple[int, Prompt]], int, Pending] | None = None

    def begin(
        self,
        round: int,
        drawn: Sequence[tuple[int, Prompt]],
        requests: Sequence[Request],
        sampling: Sampling,
    ) -> None:
        """Have a round sampled by the newest weights."""
        pending = sample_beside(self.engine, requests, sampling, self.on_waited)
        self._begun = round, drawn, self.engine.weights_version, pending

    def take(self, round: int) -> Round | None:
        """The round, once it is there; None where it is not under way."""
        begun, self._begun = self._begun, None
        if begun is None or begun[0] != round:  # a checkpoint's state came between
            return None
        _, drawn, version, pending = begun
        return Round(drawn, pending.result(), version)
