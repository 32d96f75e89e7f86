"""Every answered sample as numbers, gathered from all processes: for what is no plain sum."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from emlit.metrics.votes import majority_share
from emlit.records import request_seed

if TYPE_CHECKING:
    from emlit.predictions import Prediction

_UNKNOWN = float("nan")
_COLUMNS = (
    "sample", "correct", "vote", "format_ok", "tokens", "truncated", "entropy", "logprob", "alike",
)  # fmt: skip


@dataclass(frozen=True)
class Answers:
    """M completions of P problems, in an order that does not depend on how many processes answered.

    Attributes:
        problem: (M,), int64, 0 to P - 1
        sample: (M,), number of the completion within its problem
        correct: (M,), 1 or 0; nan without a label
        vote: (M,), how right the vote of the completion's problem is (`majority_share`); nan without a label,
            and where the task's answers cannot vote
        format_ok: (M,), 1 or 0
        tokens: (M,), sampled tokens
        truncated: (M,), 1 where cut at max_tokens
        entropy: (M,), mean token entropy, nats; nan where the module does not score
        logprob: (M,), mean token log-probability, nats
        alike: (M,), how many completions of its problem give the same answer, itself among them, 1 where it gives
            none; nan where the task's answers cannot vote
    """

    problem: Tensor
    sample: Tensor
    correct: Tensor
    vote: Tensor
    format_ok: Tensor
    tokens: Tensor
    truncated: Tensor
    entropy: Tensor
    logprob: Tensor
    alike: Tensor

    @property
    def problems(self) -> int:
        return int(self.problem.max()) + 1 if len(self.problem) else 0

    def __len__(self) -> int:
        return len(self.problem)

    def where(self, kept: Tensor) -> "Answers":
        """The completions with a true value in `kept` (M,); problems are numbered anew."""
        columns = {name: column[kept] for name, column in vars(self).items()}
        columns["problem"] = torch.unique(columns["problem"], return_inverse=True)[1]
        return Answers(**columns)

    def per_problem(self, values: Tensor) -> Tensor:
        """The sums (P,) over each problem of `values` (M,)."""
        return torch.zeros(self.problems, dtype=values.dtype).scatter_add_(0, self.problem, values)


class AnswerTable(Metric):
    """Collects predictions; `answers()` is what `compute` gathered, on the CPU and in float64.

    Completions of one prompt must come in one update.
    """

    full_state_update = False
    keys: list[Tensor]

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.add_state("keys", [], dist_reduce_fx="cat")
        for name in _COLUMNS:
            self.add_state(name, [], dist_reduce_fx="cat")

    def update(self, predictions: "Iterable[Prediction]") -> None:
        groups: dict[tuple[str, str], list[Prediction]] = defaultdict(list)
        for prediction in predictions:
            groups[prediction.task, prediction.id].append(prediction)
        keys: list[int] = []
        rows: list[tuple[float, ...]] = []
        for (task, id), group in groups.items():
            votes = [(p.vote, bool(p.correct)) for p in group if p.vote is not None and p.correct is not None]
            vote = majority_share(votes) if votes else _UNKNOWN
            for p, alike in zip(group, _alike(group), strict=True):
                keys.append(request_seed(task, id))  # 63 bits that every process agrees on
                rows.append(
                    (
                        p.sample,
                        _UNKNOWN if p.correct is None else p.correct,
                        vote,
                        p.format_ok,
                        p.tokens,
                        p.finish_reason == "length",
                        _UNKNOWN if p.mean_entropy is None else p.mean_entropy,
                        _UNKNOWN if p.mean_logprob is None else p.mean_logprob,
                        alike,
                    )
                )
        self._append(keys, rows)

    def _append(self, keys: list[int], rows: list[tuple[float, ...]]) -> None:
        self.keys.append(torch.tensor(keys, dtype=torch.int64, device=self.device))
        columns = torch.tensor(rows, dtype=torch.float64, device=self.device).view(len(rows), len(_COLUMNS))
        for name, column in zip(_COLUMNS, columns.unbind(1), strict=True):
            getattr(self, name).append(column)

    def sync(self, *args: Any, **options: Any) -> None:
        if not self.keys:  # torchmetrics would send an empty float32 tensor beside the others' int64
            self._append([], [])
        super().sync(*args, **options)

    def compute(self) -> dict[str, Tensor]:
        """One column a name, each (M,), with `problem` for the problem's number."""
        if not isinstance(self.keys, Tensor) and not self.keys:
            self._append([], [])
        keys = dim_zero_cat(self.keys)
        columns = {name: dim_zero_cat(getattr(self, name)) for name in _COLUMNS}
        order = torch.argsort(columns["sample"], stable=True)
        order = order[torch.argsort(keys[order], stable=True)]
        problem = torch.unique(keys, return_inverse=True)[1]
        return {name: column[order] for name, column in {"problem": problem, **columns}.items()}

    def answers(self) -> Answers:
        """Every process must call it."""
        return Answers(**{name: column.reshape(-1).cpu() for name, column in self.compute().items()})


def _alike(group: "list[Prediction]") -> list[float]:
    counts = Counter(p.vote for p in group)
    if None in counts:
        return [_UNKNOWN] * len(group)
    return [1 if p.vote == -1 else counts[p.vote] for p in group]
