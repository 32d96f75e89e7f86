"""Rules on what was measured. A threshold called "emlit's own line" has no other source."""

from dataclasses import replace

from emlit.metrics import Interval, truncation_sentence
from emlit.preflight.expectations.finding import (
    EM,
    EVOL_RL,
    NO_FREE_LUNCH,
    OWN,
    Finding,
    Setting,
    percent,
    with_interval,
)
from emlit.preflight.measurements import Measurements
from emlit.preflight.model_facts import ModelFacts

LOW_ENTROPY = 0.5  # nats a token: EM helped at 0.71 and 0.81, little at 0.44 and below
WEAK_AUROC = 0.6  # emlit's own line
LOW_FORMAT = 0.9  # emlit's own line
VOTES_AUROC = 0.76  # parts the cells of docs/real.md where greedy decoding helped from 7 of the other 8
SMALL_ROOM = 0.05  # emlit's own line
MOSTLY_TRUNCATED = 0.5  # emlit's own line: what is left says little of the model
FEW_PROBLEMS = 50  # emlit's own line
FEWEST_PROBLEMS = 10  # emlit's own line: resamples of fewer tell no interval

_ROSE_AND_FELL = (
    "0.71 and 0.81 gained for about 20 steps and then fell below their start (Qwen2.5-3B on MATH-500: 0.524, 0.583 at "
    "step 20, 0.454 at step 80); use the guard (--guard.mode stop)."
)


def confidence(measured: Measurements, model: ModelFacts, setting: Setting) -> Finding | None:
    """EM sharpens what the model is sure of; the paper's stated condition is that this is right more often."""
    return _tracks_correctness("confidence", measured.get("auroc"), "-entropy", "EM", measured)


def log_probability(measured: Measurements, model: ModelFacts, setting: Setting) -> Finding | None:
    """The same of what EM-RL-sequence rewards; a caution at most, as it concerns that method alone."""
    found = _tracks_correctness("log-prob", measured.get("auroc_logprob"), "log-prob", "EM-RL-sequence", measured)
    return replace(found, level="caution") if found is not None and found.level == "warning" else found


def votes(measured: Measurements, model: ModelFacts, setting: Setting) -> Finding | None:
    """Without labels: whether the model is surer of the answers that its samples agree on."""
    auroc = measured.get("auroc_votes")
    if auroc is None or measured.labelled or measured.problems < FEWEST_PROBLEMS:
        return None
    number = f"AUROC of -entropy against the samples' votes is {with_interval(auroc)}"
    if auroc.value < VOTES_AUROC:
        sentence = f"{number}, below {VOTES_AUROC}: such models hardly knew the task, and EM-INF gained nothing."
        return Finding("votes", "warning", sentence, OWN)
    sentence = (
        f"{number}, not below {VOTES_AUROC}, as of models that half-knew their task and gained. So it is of a model "
        "that is sure of one error: label some prompts."
    )
    return Finding("votes", "caution", sentence, OWN)


def misleads(auroc: Interval, measured: Measurements) -> bool:
    """Whether the model is surer when it is wrong, by more than sampling error."""
    return auroc.high < 0.5 and measured.labelled >= FEWEST_PROBLEMS


def _tracks_correctness(
    rule: str, auroc: Interval | None, score: str, method: str, measured: Measurements
) -> Finding | None:
    if auroc is None:
        return None
    number = f"AUROC of {score} against correctness is {with_interval(auroc)}"
    if measured.labelled < FEWEST_PROBLEMS:
        return Finding(rule, "caution", f"{number}, over {measured.labelled} problems: too few to tell.", OWN)
    if misleads(auroc, measured):
        end = f"below 0.5: the model is surer when it is wrong, so {method} will sharpen its errors."
        return Finding(rule, "warning", f"{number}, {end}", EM)
    if auroc.low <= 0.5:
        end = f"{abs(auroc.value - 0.5):.3f} from 0.5, which the interval holds: confidence does not track correctness."
        return Finding(rule, "warning", f"{number}, {end}", EM)
    if auroc.value < WEAK_AUROC:
        return Finding(rule, "caution", f"{number}, below {WEAK_AUROC}: confidence hardly tracks correctness.", EM)
    return Finding(rule, "good", f"{number}: confidence tracks correctness, which {method} needs.", EM)


def starting_entropy(measured: Measurements, model: ModelFacts, setting: Setting) -> Finding | None:
    entropy = measured.get("token_entropy")
    if entropy is None:
        return None
    number = f"Token entropy is {with_interval(entropy)} nats"
    if entropy.value < LOW_ENTROPY:
        sentence = (
            f"{number}, below {LOW_ENTROPY}: models that started at 0.44 nats or less gained little or lost, those at "
            f"{_ROSE_AND_FELL}"
        )
        return Finding("entropy", "caution", sentence, NO_FREE_LUNCH)
    sentence = f"{number}, not below {LOW_ENTROPY}: models that started at {_ROSE_AND_FELL}"
    return Finding("entropy", "good", sentence, NO_FREE_LUNCH)


def room(measured: Measurements, model: ModelFacts, setting: Setting) -> Finding | None:
    """EM moves probability between answers that the model already gives; pass@k says whether right ones are there."""
    first, all_of_them, gap = measured.get("pass@1"), measured.pass_at_all, measured.get("room")
    if first is None or all_of_them is None or gap is None:
        return None
    number = f"pass@{measured.samples} is {all_of_them.value:.3f} and pass@1 {first.value:.3f}"
    number += f", {with_interval(gap)} apart"
    if mostly_truncated(measured):
        return Finding("room", "caution", f"{number}: of completions that are cut this says nothing.", OWN)
    if all_of_them.value < SMALL_ROOM:
        return Finding("room", "warning", f"{number}: the skill is hardly there, and EM does not teach it.", EM)
    if gap.value < SMALL_ROOM:
        return Finding("room", "warning", f"{number}: there is no mass to move to right answers.", EM)
    sentence = (
        f"{number}: there is mass to move to right answers. Watch pass@k: on AIME24 pass@16 fell from 32.4 to 31.3 % "
        "with EM-RL-token and to 23.2 % with TTRL (majority votes as labels); on MATH EM-RL-token's rose from 89.6 to "
        "90.6 %."
    )
    return Finding("room", "good", sentence, EVOL_RL)


def answer_format(measured: Measurements, model: ModelFacts, setting: Setting) -> Finding | None:
    rate = measured.values["format_rate"]
    number = f"The answer stands where it was asked for in {percent(rate)} of completions"
    if mostly_truncated(measured):
        return Finding("format", "caution", f"{number}: most are cut before it.", OWN)
    if rate.value < LOW_FORMAT:
        sentence = (
            f"{number}: most of a gain may be format; right answers regardless of format went from 291 to 289 at step "
            "20 and to 235 at step 40."
        )
        return Finding("format", "caution", sentence, NO_FREE_LUNCH)
    return Finding("format", "good", f"{number}: a gain will hardly be format.", NO_FREE_LUNCH)


def truncation(measured: Measurements, model: ModelFacts, setting: Setting) -> Finding | None:
    sentence = truncation_sentence(measured.values["truncated"], setting.max_tokens)
    if sentence is None:
        return None
    ended = measured.get("auroc_ended")
    if ended is not None and ended.value < WEAK_AUROC:
        sentence += (
            f" Those that end are hardly more certain (AUROC of -entropy {with_interval(ended)}): EM-RL-token, whose "
            "reward that is, taught such a model to write prose until it is cut."
        )
    return Finding("truncation", "warning" if mostly_truncated(measured) else "caution", sentence, OWN)


def mostly_truncated(measured: Measurements) -> bool:
    """Whether the numbers are of max_tokens rather than of the model."""
    return measured.values["truncated"].value >= MOSTLY_TRUNCATED


def not_measured(measured: Measurements, model: ModelFacts, setting: Setting) -> Finding | None:
    """What is missing, and what would make it measurable."""
    if not measured.labelled:
        sentence = (
            f"None of the {measured.problems} prompts of {setting.task} has a label: pass@1, pass@k, maj@k, AUROC and "
            f"rank correlation could not be measured; label {FEW_PROBLEMS} of them or more."
        )
    elif "token_entropy" not in measured.values:
        sentence = "model.score is false: entropy, log-prob and AUROC could not be measured; set it to true."
    elif "auroc" not in measured.values:
        kind = "right" if measured.values["pass@1"].value else "wrong"
        kind += " (most are cut)" if mostly_truncated(measured) else ""
        sentence = f"Every completion with a label is {kind}: AUROC and rank correlation could not be measured."
    elif measured.samples == 1:
        sentence = (
            "There is 1 completion a problem: maj@k, pass@k and the room between them could not be measured; raise "
            "data.evaluation_samples."
        )
    else:
        return None
    return Finding("not measured", "caution", sentence, OWN)


def few_problems(measured: Measurements, model: ModelFacts, setting: Setting) -> Finding | None:
    if not 0 < measured.labelled < FEW_PROBLEMS:
        return None
    sentence = (
        f"{measured.labelled} problems have a label: intervals over fewer than {FEW_PROBLEMS} are wide, and themselves "
        "rough."
    )
    return Finding("few problems", "caution", sentence, OWN)
