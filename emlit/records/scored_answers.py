"""An answer, and what the policy makes of its tokens."""

from collections.abc import Sequence
from dataclasses import dataclass

from emlit.functional import TokenStats
from emlit.records.prompts import Prompt
from emlit.records.turns import Turn


@dataclass(frozen=True)
class ScoredAnswer:
    """One answer of a problem.

    Attributes:
        prompt: the problem
        turns: one, or several of a task of several
        stats: of each turn's reply, (length,) each, nats, at temperature 1; None where the module does not score
    """

    prompt: Prompt
    turns: Sequence[Turn]
    stats: Sequence[TokenStats] | None
