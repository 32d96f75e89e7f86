"""How much each sampled token of a loss counts: plug-ins that multiply any policy loss, or SFT's."""

from abc import ABC, abstractmethod
from hashlib import blake2b

import torch
from torch import Tensor

from emlit.errors import ConfigError
from emlit.losses.lagged import Lagged, RoundStatistic
from emlit.losses.terms import LossInputs
from emlit.records import sent


class TokenWeights(Lagged, ABC):
    """Constant factors (B, T), at least 0, of the loss of each sampled token; 1 leaves it as it is, 0 drops it.

    Dropped tokens stay in the reduction's denominator. A weight depends on its own token, or on a `RoundStatistic`.
    """

    @abstractmethod
    def __call__(self, inputs: LossInputs, loss: Tensor) -> Tensor:
        """The weights of a micro-batch's tokens.

        Args:
            inputs: the tokens' stats, their completions and, in EM-RL, their advantages
            loss: (B, T), what they multiply
        """


class HighEntropyTokens(TokenWeights):
    """The 80/20 rule: only the tokens of highest entropy are trained on (arXiv 2506.01939).

    Kept are tokens at or above the entropy of the last step's quantile; they weigh 1 / share, so that the mean is over
    what is kept. The released code takes the quantile of each micro-batch; the first step here trains on all tokens.

    Args:
        share: of the tokens that is kept; the paper has 0.2
    """

    def __init__(self, share: float = 0.2) -> None:
        if not 0 < share < 1:
            raise ConfigError(f"share of HighEntropyTokens is {share}; it must be above 0 and below 1")
        self.share = share
        self.threshold = RoundStatistic("quantile", 1 - share)

    def __call__(self, inputs: LossInputs, loss: Tensor) -> Tensor:
        entropy = inputs.stats.entropy.detach()
        self.threshold.observe(entropy, inputs.batch.loss_mask)
        if self.threshold.value is None:
            return torch.ones_like(loss)
        return (entropy >= self.threshold.value).to(loss.dtype) / self.share


class ClipCov(TokenWeights):
    """Clip-Cov: a few of the tokens whose log p and advantage go together most are left out (arXiv 2505.22617).

    Candidates have (log p - mean) (A - mean) between two bounds, with the means of the last step; each is dropped with
    the probability that drops `share` of all tokens, by a draw that its round, row and place decide. The released code
    takes the means of each micro-batch and draws without a seed. The first step drops none.

    Args:
        share: of all tokens that is dropped
        low: covariance above which a token is a candidate, nats
        high: covariance below which it is
    """

    def __init__(self, share: float = 2e-4, low: float = 1.0, high: float = 5.0) -> None:
        if not 0 < share < 1:
            raise ConfigError(f"share of ClipCov is {share}; it must be above 0 and below 1")
        if not low < high:
            raise ConfigError(f"low of ClipCov is {low} and high {high}; low must be below high")
        self.share, self.low, self.high = share, low, high
        self.logprob, self.advantage = RoundStatistic("mean"), RoundStatistic("mean")
        self.candidates = RoundStatistic("mean")

    def __call__(self, inputs: LossInputs, loss: Tensor) -> Tensor:
        if inputs.advantage is None:
            raise ConfigError("ClipCov weighs tokens by their advantage; use it with EMRL")
        mask, logprob = inputs.batch.loss_mask, inputs.stats.logprob.detach()
        advantage = inputs.advantage.expand_as(logprob)
        means = self.logprob.value, self.advantage.value
        self.logprob.observe(logprob, mask)
        self.advantage.observe(advantage, mask)
        if means[0] is None or means[1] is None:
            return torch.ones_like(loss)
        covariance = (logprob - means[0]) * (advantage - means[1])
        is_candidate = (covariance > self.low) & (covariance < self.high)
        share = self.candidates.value
        self.candidates.observe(is_candidate, mask)
        if not share:
            return torch.ones_like(loss)
        dropped = is_candidate & (sent(_draws(inputs), loss.device) < self.share / share)
        return torch.where(dropped, 0.0, 1.0).to(loss.dtype)


def _draws(inputs: LossInputs) -> Tensor:
    """A number between 0 and 1 for each token (B, T), whatever micro-batch or process it is in."""
    batch, rows = inputs.batch, []
    for group in batch.groups:
        for number in range(len(group.completions)):
            key = f"{batch.round} {group.prompt.task.name} {group.prompt.row.id} {number}".encode()
            seed = int.from_bytes(blake2b(key, digest_size=8).digest()) & (2**63 - 1)
            start, length = len(group.prompt.tokens), len(group.completions[number].tokens)
            row = torch.ones(batch.tokens.shape[1])
            row[start : start + length] = torch.rand(length, generator=torch.Generator().manual_seed(seed))
            rows.append(row)
    return torch.stack(rows) if rows else torch.ones(batch.tokens.shape)
