"""From measured numbers to sentences: what the literature expects of entropy minimisation (EM) here.

Each rule is a function of what was measured and what is known. It returns at most one finding, with the number that it
rests on and who found the rule.
"""

from collections.abc import Callable

from emlit.preflight.expectations import known, measured
from emlit.preflight.expectations.finding import Finding, Setting
from emlit.preflight.measurements import Measurements
from emlit.preflight.model_facts import ModelFacts

__all__ = ["RULES", "Finding", "Rule", "Setting", "expectations", "verdict"]

Rule = Callable[[Measurements, ModelFacts, Setting], Finding | None]

RULES: tuple[Rule, ...] = (
    measured.confidence,
    measured.log_probability,
    measured.votes,
    measured.starting_entropy,
    known.instruction_tuned,
    measured.room,
    measured.answer_format,
    measured.truncation,
    known.llama,
    known.contamination,
    known.sampled_otherwise,
    measured.not_measured,
    measured.few_problems,
)


def expectations(measurements: Measurements, model: ModelFacts, setting: Setting) -> list[Finding]:
    """The verdict first, then one finding for each rule that has something to say."""
    found = [finding for rule in RULES if (finding := rule(measurements, model, setting)) is not None]
    auroc = measurements.get("auroc")
    misled = auroc is not None and measured.misleads(auroc, measurements)
    return [verdict(found, misled, measured.mostly_truncated(measurements)), *found]


def verdict(findings: list[Finding], misled: bool, cut: bool = False) -> Finding:
    """All of them in one sentence, as bad as the worst.

    Args:
        misled: whether the model is surer when it is wrong
        cut: whether most completions are cut, so that nothing can be said of the model
    """
    warned = [finding.rule for finding in findings if finding.level == "warning"]
    careful = [finding.rule for finding in findings if finding.level == "caution"]
    if cut:
        sentence = "Whether EM helps here cannot be told: most completions are cut before their answer (truncation)."
    elif misled:
        sentence = "EM is expected to hurt here: the model is surer when it is wrong."
    elif warned:
        who = "EM is not expected" if "votes" in warned else "The literature does not expect EM"
        sentence = f"{who} to help here ({', '.join(warned)})."
    elif any(finding.rule == "votes" for finding in findings):
        sentence = f"EM may help here if what the samples agree on is right ({', '.join(careful)})."
    elif all(finding.rule != "confidence" for finding in findings):
        sentence = "Whether EM helps here cannot be told: confidence could not be compared with correctness."
    elif careful:
        sentence = f"EM may help here, with reservations ({', '.join(careful)})."
    else:
        sentence = (
            "The literature expects EM to help here for some steps and then to hurt: the run must be stopped in time "
            "(--guard.mode stop)."
        )
    return Finding("verdict", "warning" if warned else "caution" if careful else "good", sentence, "the findings below")
