"""What a guard's probes have shown so far, and what follows from it."""

from dataclasses import asdict, dataclass, field
from typing import Any

from emlit.collapse.judgement import Finding, Limits, decide, judge, judge_start, score
from emlit.collapse.signals import Signals

# To give fewer, other or shorter answers than the start is what labels and solutions may teach.
_TAUGHT = ("unique_answers", "length", "kl")


@dataclass
class History:
    """The signals of each probe, the start first, and what was past its limit.

    Attributes:
        signals: by step
        fired: by step
        kept_step: whose weights are worth keeping
        stop_step: at which training should have stopped; None so far
    """

    signals: dict[int, Signals] = field(default_factory=dict)
    fired: dict[int, list[Finding]] = field(default_factory=dict)
    kept_step: int = 0
    stop_step: int | None = None

    def __bool__(self) -> bool:
        return bool(self.signals)

    @property
    def last(self) -> int:
        return max(self.signals)

    @property
    def voteless(self) -> bool:
        """Whether no probe has found an answer to vote on."""
        return all(score(signals) is None for signals in self.signals.values())

    def add(self, step: int, now: Signals, contested: float | None, limits: Limits, patience: int) -> list[Finding]:
        """Judge a step's probe; what had not fired at an earlier step.

        Args:
            step: of the run
            now: its signals
            contested: share of prompts to which the start held two answers; None where labels or solutions teach, as
                nothing at the start then speaks against training, and to leave it is no collapse
            limits: as configured
            patience: as of `decide`
        """
        scores = [found for earlier in self.signals.values() if (found := score(earlier)) is not None]
        told = {each.signal for found in self.fired.values() for each in found}
        if self.signals:
            past = judge(self.signals[min(self.signals)], max(scores, default=None), now, limits)
            self.fired[step] = past if contested is not None else [each.told_only(_TAUGHT) for each in past]
        else:
            self.fired[step] = [] if contested is None else judge_start(now, contested, limits)
        self.signals[step] = now
        self.kept_step, self.stop_step = decide(self.signals, self.fired, patience)
        return [each for each in self.fired[step] if each.signal not in told]

    def stops(self, step: int) -> list[Finding]:
        """What counts against a step."""
        return [finding for finding in self.fired[step] if finding.level == "stop"]

    def sentence(self, stops: bool) -> str:
        """What is kept of the run, and why; `stops` where the guard acts on it."""
        keeps = f"{'keeps' if stops else 'would keep'} step {self.kept_step} of {self.last}"
        if self.stop_step is None:
            return f"{keeps}, nothing fired in a row"
        why = "; ".join(map(str, self.stops(self.stop_step)))
        return f"{keeps} ({'stopped' if stops else 'fired'} at step {self.stop_step}: {why})"

    def rows(self) -> dict[str, Any]:
        """For a report: the kept step and that of the stop, then a row a finding and a row a probe."""
        return {
            "kept_step": self.kept_step,
            "stop_step": self.stop_step,
            "fired": [{"step": step, **asdict(each)} for step, found in self.fired.items() for each in found],
            "signals": [{"step": step, **asdict(signals)} for step, signals in self.signals.items()],
        }

    def state_dict(self) -> dict[str, Any]:
        return {
            "history": {step: asdict(signals) for step, signals in self.signals.items()},
            "fired": {step: [asdict(finding) for finding in found] for step, found in self.fired.items()},
            "kept_step": self.kept_step,
            "stop_step": self.stop_step,
        }

    @classmethod
    def of(cls, state: dict[str, Any]) -> "History":
        """That of a `state_dict`."""
        signals = {step: Signals(**values) for step, values in state["history"].items()}
        fired = {step: [Finding(**each) for each in found] for step, found in state["fired"].items()}
        return cls(signals, fired, state["kept_step"], state["stop_step"])
