"""Rates and means of answered prompts, right under any number of processes."""

from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torchmetrics import Metric

from emlit.metrics.votes import majority_share

if TYPE_CHECKING:
    from emlit.predictions import Prediction

_SUMS = (
    "samples", "format_ok", "tokens", "truncated", "scored", "scored_tokens", "entropy", "entropy_of_tokens", "logprob",
    "labelled", "correct",
)  # fmt: skip
_GROUPS = ("labelled_groups", "any_correct", "voting_groups", "majority_correct")


class CompletionMetrics(Metric):
    """pass@1, pass@k, maj@k, format rate, mean entropy, token entropy, mean log-prob, mean length, truncation.

    `mean_entropy` and `mean_logprob` are means over completions of means over tokens; `token_entropy` is the mean over
    all tokens, as training plots it. Completions of one prompt must come in one update. k is the number of completions
    of the largest group. Accuracies are left out where no row has a label, entropies where nothing was scored.
    """

    full_state_update = False
    k: Tensor

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        for name in _SUMS + _GROUPS:
            self.add_state(name, torch.tensor(0.0, dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("k", torch.tensor(0.0, dtype=torch.float64), dist_reduce_fx="max")

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Tensor: ...  # of the states

    def update(self, predictions: "Iterable[Prediction]") -> None:
        groups: dict[tuple[str, str], list[Prediction]] = defaultdict(list)
        for prediction in predictions:
            groups[prediction.task, prediction.id].append(prediction)
            self.samples += 1
            self.format_ok += prediction.format_ok
            self.tokens += prediction.tokens
            self.truncated += prediction.finish_reason == "length"
            if prediction.mean_entropy is not None and prediction.mean_logprob is not None:
                self.scored += 1
                self.scored_tokens += prediction.tokens
                self.entropy += prediction.mean_entropy
                self.entropy_of_tokens += prediction.mean_entropy * prediction.tokens
                self.logprob += prediction.mean_logprob
            if prediction.correct is not None:
                self.labelled += 1
                self.correct += prediction.correct
        for group in groups.values():
            self.k = torch.maximum(self.k, torch.tensor(float(len(group)), dtype=self.k.dtype, device=self.k.device))
            if group[0].correct is not None:
                self.labelled_groups += 1
                self.any_correct += any(prediction.correct for prediction in group)
                votes = [(p.vote, bool(p.correct)) for p in group if p.vote is not None]
                if votes:
                    self.voting_groups += 1
                    self.majority_correct += majority_share(votes)

    def compute(self) -> dict[str, Tensor]:
        if not self.samples:
            return {}
        values = {
            "format_rate": self.format_ok / self.samples,
            "mean_length": self.tokens / self.samples,
            "truncated": self.truncated / self.samples,
        }
        if self.scored:
            values |= {"mean_entropy": self.entropy / self.scored, "mean_logprob": self.logprob / self.scored}
            values["token_entropy"] = self.entropy_of_tokens / self.scored_tokens
        if self.labelled:
            values["pass@1"] = self.correct / self.labelled
        k = int(self.k)
        if self.labelled_groups and k > 1:
            values[f"pass@{k}"] = self.any_correct / self.labelled_groups
            if self.voting_groups:
                values[f"maj@{k}"] = self.majority_correct / self.voting_groups
        return {name: value.float() for name, value in values.items()}
