"""A finding: one sentence with its level and its source."""

from dataclasses import dataclass
from typing import Literal

from emlit.metrics import Interval

Level = Literal["good", "caution", "warning"]

EM = "Unreasonable Effectiveness, arXiv 2505.15134"
NO_FREE_LUNCH = "No Free Lunch, arXiv 2506.17219"
EVOL_RL = "EVOL-RL, arXiv 2509.15194"
CONTAMINATION = "Reasoning or Memorization, arXiv 2507.10532"
OWN = "emlit"


@dataclass(frozen=True)
class Finding:
    """One sentence.

    Attributes:
        rule: which rule said it
        level: "good", "caution" or "warning"
        sentence: with the measured number
        source: who found the rule
    """

    rule: str
    level: Level
    sentence: str
    source: str


@dataclass(frozen=True)
class Setting:
    """How the answers were made.

    Attributes:
        task: its name
        max_tokens: of `data.sampling`
        departs: what sampled other text than the model's own at temperature 1; None for nothing
    """

    task: str
    max_tokens: int
    departs: str | None = None


def with_interval(value: Interval) -> str:
    return f"{value.value:.3f}" + ("" if value.ends is None else f" ({value.low:.3f} to {value.high:.3f})")


def percent(value: Interval) -> str:
    return f"{100 * value.value:.0f} % ({100 * value.low:.0f} to {100 * value.high:.0f})"
