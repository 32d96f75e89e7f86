"""Which signals are past their limits."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Literal

from emlit.collapse.signals import Signals
from emlit.errors import require_not_negative


@dataclass(frozen=True)
class Limits:
    """Past these a signal fires. "of the start" means relative to the probe's value before training.

    Args:
        start_entropy: nats; a model that starts below has nothing to lower (arXiv 2506.17219 saw little or harm at 0.44
            and below; the embedded model still gains at 0.43)
        start_contested: share of contested prompts (`is_contested`); a model that starts above
            holds two answers, and entropy cannot tell which is right
        entropy: of the start; below it the guard warns
        agreement: how far start_agreement (or a labelled probe's accuracy) may fall from its best
        unique_answers: of the start; at most
        distinct_3: of the start; at least
        compression: of the start; at most
        shorter: length, of the start; at least
        longer: length, of the start; at most
        truncated: rise, in shares
        format: fall, in shares
        kl: nats a token; at most
    """

    start_entropy: float = 0.1
    start_contested: float = 0.5
    entropy: float = 0.25
    agreement: float = 0.05
    unique_answers: float = 1.25
    distinct_3: float = 0.7
    compression: float = 3.0
    shorter: float = 0.4
    longer: float = 2.5
    truncated: float = 0.2
    format: float = 0.1
    kl: float = 5.0

    def __post_init__(self) -> None:
        require_not_negative(**{f"limits.{name}": value for name, value in asdict(self).items()})


Level = Literal["warn", "stop"]


@dataclass(frozen=True)
class Finding:
    """A signal past its limit.

    Attributes:
        signal: its name
        value: what it is
        limit: what it may be
        level: "warn" is told, "stop" counts against the step
    """

    signal: str
    value: float
    limit: float
    level: Level = "stop"

    def told_only(self, signals: Collection[str]) -> "Finding":
        """The same, which is no reason to stop where its signal is one of these."""
        return replace(self, level="warn") if self.signal in signals else self

    def __str__(self) -> str:
        return f"{self.signal} {self.value:.3g} (limit {self.limit:.3g})"


def score(signals: Signals) -> float | None:
    """What the kept step is picked by: agreement with the start's votes, or the accuracy of a labelled probe.

    None where the start found no answers to vote on.
    """
    return signals.start_agreement if signals.accuracy is None else signals.accuracy


def judge_start(start: Signals, contested: float, limits: Limits) -> list[Finding]:
    """What speaks against training at all.

    Args:
        start: before training
        contested: share of prompts
        limits: as configured
    """
    findings = []
    if start.entropy < limits.start_entropy:
        findings.append(Finding("entropy at the start", start.entropy, limits.start_entropy))
    if contested > limits.start_contested:
        findings.append(Finding("contested at the start", contested, limits.start_contested))
    return findings


def judge(start: Signals, best: float | None, now: Signals, limits: Limits) -> list[Finding]:
    """Every signal past its limit.

    Args:
        start: before training
        best: the highest `score` so far
        now: at this step
        limits: as configured
    """
    floors: list[tuple[str, float, float, Level]] = [
        ("entropy", now.entropy, limits.entropy * start.entropy, "warn"),
        ("distinct_3", now.distinct_3, limits.distinct_3 * start.distinct_3, "stop"),
        ("length", now.length, limits.shorter * start.length, "stop"),
        ("format", now.format, start.format - limits.format, "stop"),
    ]
    if best is not None and (agreement := score(now)) is not None:
        floors.append(("agreement", agreement, best - limits.agreement, "stop"))
    ceilings: list[tuple[str, float, float, Level]] = [
        ("compression", now.compression, limits.compression * start.compression, "stop"),
        ("length", now.length, limits.longer * start.length, "stop"),
        ("truncated", now.truncated, start.truncated + limits.truncated, "stop"),
        ("kl", now.kl, limits.kl, "stop"),
    ]
    if start.unique_answers > 0:
        limit = limits.unique_answers * start.unique_answers
        ceilings.append(("unique_answers", now.unique_answers, limit, "stop"))
    found = [Finding(name, value, limit, level) for name, value, limit, level in floors if value < limit]
    return found + [Finding(name, value, limit, level) for name, value, limit, level in ceilings if value > limit]


def decide(
    history: Mapping[int, Signals], fired: Mapping[int, Sequence[Finding]], patience: int
) -> tuple[int, int | None]:
    """Which step to keep, and at which to stop (None: at none so far).

    The start is kept where it speaks against training itself. Else the step with the highest score of those at which
    nothing fired, or the last of them where there is no score. What comes after the stop does not count.

    Args:
        history: the probe at each step, the start first
        fired: what was past its limit at each
        patience: steps in a row at which something fired before the run is stopped
    """
    steps = sorted(history)
    stops = {step: any(finding.level == "stop" for finding in fired[step]) for step in steps}
    kept, in_a_row = steps[0], 0
    if stops[kept]:
        return kept, kept
    for step in steps[1:]:
        in_a_row = in_a_row + 1 if stops[step] else 0
        if in_a_row == patience:
            return kept, step
        now, best = score(history[step]), score(history[kept])
        if not stops[step] and (now is None or best is None or now > best):
            kept = step
    return kept, None
