"""What goes by the covariance of log p and advantage: Clip-Cov and KL-Cov (arXiv 2505.22617)."""

from hashlib import blake2b

import torch
from torch import Tensor

from emlit.errors import ConfigError, require_fraction, require_not_negative
from emlit.functional import AnyStats, importance_ratio
from emlit.losses.lagged import RoundStatistic
from emlit.losses.policy_update import PolicyUpdate
from emlit.losses.terms import LossInputs
from emlit.losses.token_weights import TokenWeights, require_advantage
from emlit.records import RolloutBatch, sent


class StepCovariance:
    """(log p - mean) (A - mean), with the means of the last step."""

    needs_rewards = True
    logprob: RoundStatistic
    advantage: RoundStatistic

    def covariance(self, logprob: Tensor, advantage: Tensor, mask: Tensor) -> Tensor | None:
        """(B, T), nats; None in the first step."""
        logprob, advantage = logprob.detach(), advantage.expand_as(logprob)
        of_logprob, of_advantage = self.logprob.of(logprob, mask), self.advantage.of(advantage, mask)
        if of_logprob is None or of_advantage is None:
            return None
        return (logprob - of_logprob) * (advantage - of_advantage)


class ClipCov(StepCovariance, TokenWeights):
    """Clip-Cov: a few of the tokens whose log p and advantage go together most are left out (arXiv 2505.22617).

    Candidates have (log p - mean) (A - mean) between two bounds, with the means of the last step; each is dropped with
    the probability that drops `share` of all tokens, by a draw that its round, completion and place decide. The
    released code draws without a seed, and counts no token as a candidate that PPO has clipped. The first two steps
    drop none.

    Args:
        share: of all tokens that is dropped
        low: covariance above which a token is a candidate, nats
        high: covariance below which it is
    """

    def __init__(self, share: float = 2e-4, low: float = 1.0, high: float = 5.0) -> None:
        require_fraction("ClipCov", share=share)
        if not low < high:
            raise ConfigError(f"low of ClipCov is {low} and high {high}; low must be below high")
        self.share, self.low, self.high = share, low, high
        self.logprob, self.advantage = RoundStatistic("mean"), RoundStatistic("mean")
        self.candidates = RoundStatistic("mean")

    def __call__(self, inputs: LossInputs, loss: Tensor) -> Tensor:
        mask, advantage = inputs.batch.loss_mask, require_advantage(inputs, "ClipCov")
        covariance = self.covariance(inputs.stats.logprob, advantage, mask)
        if covariance is None:
            return torch.ones_like(loss)
        is_candidate = (covariance > self.low) & (covariance < self.high)
        share = self.candidates.of(is_candidate.double().masked_fill(covariance.isnan(), torch.nan), mask)
        if not share:
            return torch.ones_like(loss)
        dropped = is_candidate & (sent(_draws(inputs), loss.device) < self.share / share)
        return torch.where(dropped, 0.0, 1.0).to(loss.dtype)


class KLCov(StepCovariance, PolicyUpdate):
    """KL-Cov: -A w, w = p / p_old unclipped, and a penalty |log w| on the tokens of the highest covariance.

    p_old is the policy before the round's first update; there |log w| has no gradient, so that a round needs several
    updates. Picked are the tokens above the last step's quantile; in the first two steps none.

    Args:
        share: of the tokens that is picked; released are 0.002 for 7B and 0.0002 for 32B
        weight: of the penalty
    """

    off_policy = needs_old = own_round = True
    min_updates = 2

    def __init__(self, share: float = 0.002, weight: float = 1.0) -> None:
        require_fraction("KLCov", share=share)
        require_not_negative("KLCov", weight=weight)
        self.share, self.weight = share, weight
        self.logprob, self.advantage = RoundStatistic("mean"), RoundStatistic("mean")
        self.threshold = RoundStatistic("quantile", 1 - share)

    def __call__(self, stats: AnyStats, advantage: Tensor, batch: RolloutBatch) -> tuple[Tensor, dict[str, Tensor]]:
        assert batch.old is not None
        ratio = importance_ratio(stats.logprob, batch.old.logprob)
        loss = -advantage * ratio
        picked = torch.zeros_like(batch.loss_mask)
        covariance = self.covariance(stats.logprob, advantage, batch.loss_mask)
        if covariance is not None and (threshold := self.threshold.of(covariance, batch.loss_mask)) is not None:
            picked = covariance >= threshold
        loss = loss + self.weight * picked * (stats.logprob - batch.old.logprob).clamp(-20.0, 20.0).abs()
        return loss, {"importance/ratio": ratio.detach(), "policy/picked": picked.float()}


def _draws(inputs: LossInputs) -> Tensor:
    """A number between 0 and 1 for each token (B, T), whatever micro-batch or process it is in.

    By the completion's tokens, too: a round may have a prompt twice.
    """
    batch, rows = inputs.batch, []
    for group in batch.groups:
        for number, completion in enumerate(group.completions):
            key = f"{batch.round} {group.prompt.task.name} {group.prompt.row.id} {number} {completion.tokens}".encode()
            seed = int.from_bytes(blake2b(key, digest_size=8).digest()) & (2**63 - 1)
            start, length = len(group.prompt.tokens), len(completion.tokens)
            row = torch.ones(batch.tokens.shape[1])
            row[start : start + length] = torch.rand(length, generator=torch.Generator().manual_seed(seed))
            rows.append(row)
    return torch.stack(rows) if rows else torch.ones(batch.tokens.shape)
