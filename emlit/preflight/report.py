"""The preflight's report: rows for report.json, and the same as Markdown."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from emlit.metrics import Interval
from emlit.preflight.expectations import Finding
from emlit.preflight.measurements import Measurements
from emlit.printable import as_markdown

UNITS = {
    "mean_length": "tokens",
    **dict.fromkeys(
        ("token_entropy", "mean_entropy", "mean_logprob", "semantic_entropy", "covariance", "covariance_top",
         "entropy_q80", "entropy_max", "answer_entropy_before", "answer_entropy_after", "utility_right",
         "utility_wrong"),
        "nats",
    ),
}  # fmt: skip
MEANINGS = {
    "room": "pass@k of all samples minus pass@1",
    "auroc": "of -mean_entropy against correctness",
    "auroc_within": "the same among the samples of one problem",
    "auroc_logprob": "of mean_logprob against correctness",
    "spearman": "of -mean_entropy and the share right, over problems",
    "spearman_logprob": "of mean_logprob and the share right, over problems",
    "token_entropy": "mean over tokens",
    "mean_entropy": "mean over completions",
    "mean_logprob": "mean over completions",
    "semantic_entropy": "of a problem's answers, mean over problems",
    "agreement": "chance that two samples of a problem give the same answer",
    "auroc_votes": "of -mean_entropy against giving the problem's most frequent answer",
    "auroc_votes_within": "the same among the samples of one problem",
    "auroc_ended": "of -mean_entropy against having ended before max_tokens",
    "covariance": "of log-probability and advantage of the verdicts, over tokens",
    "covariance_clipped": "share of tokens between Clip-Cov's bounds",
    "covariance_top": "mean of the tokens that KL-Cov holds back",
    "entropy_q80": "0.8 quantile over tokens",
    "entropy_max": "largest of a token",
    "answer_entropy_before": "of the label's tokens, without reasoning",
    "answer_entropy_after": "of the label's tokens, after the last step",
    "utility_right": "by how much reasoning lowers it in right completions",
    "utility_wrong": "the same in wrong ones",
}


@dataclass(frozen=True)
class TaskReport:
    """Attributes:
    task: its name
    decoding: how its answers were sampled
    measured: the numbers
    findings: the verdict, then the others
    """

    task: str
    decoding: str
    measured: Measurements
    findings: list[Finding]

    def row(self) -> dict[str, Any]:
        """As predict's report.json has it, and beside it `intervals`, `accuracy_by_entropy` and `findings`."""
        measured = self.measured
        return {
            "task": self.task,
            "decoding": self.decoding,
            "problems": measured.problems,
            "samples": measured.completions,
            "labelled_problems": measured.labelled,
            **{name: each.value for name, each in measured.values.items()},
            "intervals": {name: each.ends for name, each in measured.values.items()},
            "accuracy_by_entropy": [asdict(each) for each in measured.deciles],
            "findings": [asdict(finding) for finding in self.findings],
        }


def described(name: str) -> str:
    """A measurement's name with its unit and what it is of."""
    notes = [note for note in (UNITS.get(name), MEANINGS.get(name)) if note]
    return f"{name} ({', '.join(notes)})" if notes else name


def to_markdown(reports: Sequence[TaskReport], facts: Mapping[str, Any], pictures: Mapping[str, Sequence[str]]) -> str:
    """The whole report.

    Args:
        reports: one a task
        facts: of the run, printed as they are
        pictures: by task, the paths of its figures, from where the report stands
    """
    lines = ["# Before training: does confidence track correctness?", ""]
    lines += [f"- {name}: {as_markdown(value)}" for name, value in facts.items()]
    for report in reports:
        lines += ["", f"## {as_markdown(report.task)}", "", f"**{as_markdown(report.findings[0].sentence)}**", ""]
        lines += ["| | finding | source |", "| --- | --- | --- |"]
        lines += [f"| {f.level} | {as_markdown(f.sentence)} | {_linked(f.source)} |" for f in report.findings[1:]]
        lines += ["", "| measured | value | 95 % interval |", "| --- | ---: | ---: |"]
        lines += [
            f"| {described(as_markdown(name))} | {each.value:.3f} | {ends(each)} |"
            for name, each in report.measured.values.items()
        ]
        lines += _deciles(report.measured)
        for path in pictures.get(report.task, ()):
            lines += ["", f"![{path.rpartition('/')[2].removesuffix('.png').replace('_', ' ')}](<{path}>)"]
    return "\n".join(lines) + "\n"


def ends(value: Interval) -> str:
    return "not known" if value.ends is None else f"{value.low:.3f} to {value.high:.3f}"


def _deciles(measured: Measurements) -> list[str]:
    if not measured.deciles:
        return []
    lines = ["", "| entropy of the completion, nats | completions | right | 95 % interval |", "| --- |" + " ---: |" * 3]
    for each in measured.deciles:
        right = each.accuracy
        lines += [f"| {each.low:.3f} to {each.high:.3f} | {each.completions} | {right.value:.3f} | {ends(right)} |"]
    return lines


def _linked(source: str) -> str:
    return re.sub(r"arXiv (\d{4}\.\d{5})", r"[arXiv \1](https://arxiv.org/abs/\1)", source)
