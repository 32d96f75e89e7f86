"""Metrics of `validate` that read tokens: each is turned on by its class path in `preflight.metrics`."""

from abc import abstractmethod
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from emlit.functional import TokenStats, grpo_advantage
from emlit.predictions import Prediction
from emlit.records import Completion, ScoredAnswer

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True)
class Scoring:
    """The policy, as a metric may ask it.

    Attributes:
        score: of prompts and completions, each completion's stats at temperature 1, (length,) each, nats
        tokenizer: the model's
    """

    score: Callable[[list[list[int]], list[Completion]], list[TokenStats]]
    tokenizer: "PreTrainedTokenizerBase"


class TokenMetric(Metric):
    """A metric that is given what predictions were made of; `model.score` must be true.

    Attributes:
        asks_policy: whether it scores more than was sampled, which a sharded model cannot
    """

    full_state_update = False
    asks_policy: ClassVar[bool] = False

    @abstractmethod
    def update(self, predictions: list[Prediction], answers: Sequence[ScoredAnswer], scoring: Scoring) -> None:
        """Take predictions of one task, all samples of a problem together, and their answers, in the same order."""

    @abstractmethod
    def compute(self) -> dict[str, Tensor]:
        """By name, numbers; nan for what could not be measured, which is left out."""


class TokenEntropies(TokenMetric):
    """`entropy_q80`, the 0.8 quantile of the tokens' entropies, and `entropy_max`, nats.

    What `EntropyScaledTemperature` takes as `reference` and `highest`; tokens above the first are those that 2506.01939
    trains on.
    """

    entropies: list[Tensor]

    def __init__(self) -> None:
        super().__init__()
        self.add_state("entropies", [], dist_reduce_fx="cat")

    def update(self, predictions: list[Prediction], answers: Sequence[ScoredAnswer], scoring: Scoring) -> None:
        self.entropies += [stats.entropy.to(self.device) for answer in answers for stats in answer.stats or ()]

    def compute(self) -> dict[str, Tensor]:
        found = dim_zero_cat(self.entropies) if len(self.entropies) else torch.zeros(0)
        found = found[~found.isnan()].sort().values  # torch.quantile takes no more than 2^24
        if not len(found):
            return {"entropy_q80": torch.tensor(torch.nan), "entropy_max": torch.tensor(torch.nan)}
        place = 0.8 * (len(found) - 1)
        low, high = found[int(place)], found[min(int(place) + 1, len(found) - 1)]
        return {"entropy_q80": low + (place - int(place)) * (high - low), "entropy_max": found[-1]}


class TokenCovariance(TokenMetric):
    """What Clip-Cov and KL-Cov look at of each token: (A - mean A)(log p - mean log p) (arXiv 2505.22617).

    A is GRPO's advantage of the verdict; both means are over all tokens of the task. `covariance_clipped` is the share
    of tokens between `low` and `high`, among which Clip-Cov drops some; `covariance_top` the mean of the largest
    `top`, which KL-Cov holds back. Problems without labels, or with one completion, are left out.

    Args:
        low: of Clip-Cov's bounds
        high: of Clip-Cov's bounds
        top: share of tokens; 0.002 is KL-Cov's for a model of 7B
    """

    advantages: list[Tensor]
    logprobs: list[Tensor]

    def __init__(self, low: float = 1.0, high: float = 5.0, top: float = 0.002) -> None:
        super().__init__()
        if not low < high:
            raise ValueError(f"low of TokenCovariance is {low} and high {high}; low must be the smaller one")
        if not 0 < top <= 1:
            raise ValueError(f"top of TokenCovariance is {top}; it must be above 0 and at most 1")
        self.low, self.high, self.top = low, high, top
        for name in ("advantages", "logprobs"):
            self.add_state(name, [], dist_reduce_fx="cat")

    def update(self, predictions: list[Prediction], answers: Sequence[ScoredAnswer], scoring: Scoring) -> None:
        groups: dict[str, list[tuple[float, Tensor]]] = defaultdict(list)
        for prediction, answer in zip(predictions, answers, strict=True):
            if prediction.correct is not None and answer.stats:
                logprobs = torch.cat([stats.logprob for stats in answer.stats])
                groups[prediction.id].append((float(prediction.correct), logprobs))
        for group in groups.values():
            if len(group) < 2:
                continue
            advantages = grpo_advantage(torch.tensor([[right for right, _ in group]]))[0]
            for advantage, (_, logprobs) in zip(advantages, group, strict=True):
                self.advantages.append(advantage.expand(len(logprobs)).to(self.device))
                self.logprobs.append(logprobs.to(self.device))

    def compute(self) -> dict[str, Tensor]:
        empty = torch.tensor(torch.nan)
        if not len(self.advantages):
            return {"covariance_clipped": empty, "covariance_top": empty}
        advantages, logprobs = (dim_zero_cat(each).double() for each in (self.advantages, self.logprobs))
        products = (advantages - advantages.mean()) * (logprobs - logprobs.mean())
        inside = (products > self.low) & (products < self.high)
        largest = products.topk(max(1, int(self.top * len(products)))).values
        return {"covariance_clipped": inside.double().mean(), "covariance_top": largest.mean()}
