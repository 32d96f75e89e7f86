"""What the preflight measures of one task, each number with its 95 % interval over problems."""

from dataclasses import dataclass

import torch
from torch import Tensor

from emlit.metrics import (
    Answers,
    Interval,
    auroc_interval,
    concordant_pairs,
    equal_bins,
    interval_of_ratio,
    percentile_interval,
    rank_correlation,
    rates,
    resampled_counts,
    share_interval,
)
from emlit.preflight.covariance import covariance

BINS = 10
_PER_BIN = 5  # completions; fewer would be no accuracy


@dataclass(frozen=True)
class EntropyBin:
    """One of up to ten equally full ranges of mean completion entropy.

    Attributes:
        low, high: the least and the greatest entropy in it, nats
        completions: how many
        accuracy: the share of them that is right
    """

    low: float
    high: float
    completions: int
    accuracy: Interval


@dataclass(frozen=True)
class Measurements:
    """Attributes:
    problems: answered
    labelled: problems with a label
    samples: completions of each labelled problem (the fewest), of each problem where there is no label
    completions: in all
    values: by name; what could not be measured is not in it
    deciles: accuracy by entropy, most certain first; empty without labels or entropies
    """

    problems: int
    labelled: int
    samples: int
    completions: int
    values: dict[str, Interval]
    deciles: list[EntropyBin]

    def get(self, name: str) -> Interval | None:
        return self.values.get(name)

    @property
    def pass_at_all(self) -> Interval | None:
        """pass@k with every sample; None where each problem has one."""
        return self.get(f"pass@{self.samples}") if self.samples > 1 else None


def measure(answers: Answers, resamples: int = 1000, seed: int = 0) -> Measurements:
    """Everything that `answers` can tell; the same for the same arguments.

    Beside the `rates`: `auroc`, of minus mean entropy, and `auroc_logprob` tell right from wrong over all completions,
    `auroc_within` among the samples of one problem; `auroc_ended`, of minus mean entropy too, tells what ended from
    what was cut. `spearman` and `spearman_logprob` correlate a problem's mean score with the share of its samples that
    are right. `semantic_entropy` is the mean over problems of several samples, `covariance` that of log-probability and
    advantage over tokens (`emlit.preflight.covariance`).
    """
    labelled = answers.where(~answers.correct.isnan())
    values = rates(answers, resamples, seed)
    both = labelled.where(~labelled.entropy.isnan())
    values |= _confidence(both, resamples, seed) if len(both) else {}
    values |= _votes(answers.where(~answers.alike.isnan()), resamples, seed)
    values |= _ends(answers.where(~answers.entropy.isnan()), resamples, seed)
    values |= covariance(both, resamples, seed)
    counted = labelled if len(labelled) else answers
    return Measurements(
        problems=answers.problems,
        labelled=labelled.problems,
        samples=_samples(counted),
        completions=len(answers),
        values=values,
        deciles=_deciles(both) if len(both) else [],
    )


def _votes(answers: Answers, resamples: int, seed: int) -> dict[str, Interval]:
    """What the answers say of each other, without labels."""
    if _samples(answers) < 2:
        return {}
    ones = torch.ones_like(answers.alike)
    n = answers.per_problem(ones)
    each = n[answers.problem]
    counts = resampled_counts(answers.problems, resamples, seed)
    values = {
        "semantic_entropy": (each / answers.alike).log(),
        "agreement": (answers.alike - 1) / (each - 1),
    }
    found = {
        name: interval_of_ratio(answers.per_problem(value) / n, torch.ones_like(n), counts)
        for name, value in values.items()
    }
    most = torch.zeros_like(n).scatter_reduce(0, answers.problem, answers.alike, "amax")
    voted = ((answers.alike == most[answers.problem]) & (answers.alike > 1)).double()
    if 0 < voted.sum() < len(voted) and not answers.entropy.isnan().any():
        found["auroc_votes"] = auroc_interval(-answers.entropy, voted, answers.problem, counts)
        found["auroc_votes_within"] = _within(answers, voted)
    return found


def _ends(answers: Answers, resamples: int, seed: int) -> dict[str, Interval]:
    """Whether entropy prefers completions that end, without labels."""
    ended = 1 - answers.truncated.double()
    if not 0 < ended.sum() < len(ended):
        return {}
    counts = resampled_counts(answers.problems, resamples, seed)
    return {"auroc_ended": auroc_interval(-answers.entropy, ended, answers.problem, counts)}


def _within(answers: Answers, right: Tensor) -> Interval:
    """How often, of two samples of one problem, the surer one is right."""
    pairs = concordant_pairs(-answers.entropy, right, answers.problem, answers.problems)
    return share_interval(*pairs, len(answers))


def _samples(answers: Answers) -> int:
    return int(torch.bincount(answers.problem).min()) if len(answers) else 0


def _confidence(answers: Answers, resamples: int, seed: int) -> dict[str, Interval]:
    counts = resampled_counts(answers.problems, resamples, seed)
    n = answers.per_problem(torch.ones_like(answers.correct))
    share = answers.per_problem(answers.correct) / n
    values = {}
    for suffix, score in (("", -answers.entropy), ("_logprob", answers.logprob)):
        values[f"auroc{suffix}"] = auroc_interval(score, answers.correct, answers.problem, counts)
        if suffix == "":
            values["auroc_within"] = _within(answers, answers.correct)
        values[f"spearman{suffix}"] = _correlation(answers.per_problem(score) / n, share, counts)
    return {name: value for name, value in values.items() if value.value == value.value}  # nan is not measured


def _correlation(score: Tensor, share: Tensor, counts: Tensor) -> Interval:
    value = rank_correlation(score, share)
    if abs(value) > 1 - 1e-6:  # every resample has it too, which says nothing
        return Interval(value)
    rows = torch.arange(len(score))
    drawn = [rows.repeat_interleave(each) for each in counts.long()]
    replicates = torch.tensor([rank_correlation(score[each], share[each]) for each in drawn], dtype=torch.float64)
    return percentile_interval(value, replicates)


def _deciles(answers: Answers) -> list[EntropyBin]:
    bins = equal_bins(answers.entropy, max(1, min(BINS, len(answers) // _PER_BIN)))
    found = []
    for index in bins.unique().tolist():
        inside = (bins == index).double()
        entropies = answers.entropy[bins == index]
        right, of = answers.per_problem(answers.correct * inside), answers.per_problem(inside)
        accuracy = share_interval(right, of)
        found.append(EntropyBin(entropies.min().item(), entropies.max().item(), len(entropies), accuracy))
    return found
