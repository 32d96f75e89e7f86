"""From advantages to the loss of each token: plug-ins of `EMRL`."""

from abc import ABC, abstractmethod
from collections.abc import Collection

from torch import Tensor

from emlit.errors import ConfigError
from emlit.functional import AnyStats, PolicyLoss, Stat, policy_gradient_loss
from emlit.records import RolloutBatch


class PolicyUpdate(ABC):
    """The loss of sampled tokens, given what they are worth.

    Attributes:
        off_policy: whether it stays right once the weights have moved on from those that sampled, as they have in the
            later updates of a round
        needs: what it reads of each token beside log p and H
        needs_old: whether it reads `batch.old`
    """

    off_policy: bool = False
    needs: Collection[Stat] = ()
    needs_old: bool = False

    @abstractmethod
    def __call__(self, stats: AnyStats, advantage: Tensor, batch: RolloutBatch) -> tuple[Tensor, dict[str, Tensor]]:
        """Per-token loss (B, T), and per-token values (B, T) under the names of their curves.

        Args:
            stats: log-probability and entropy (B, T) under the policy, differentiable
            advantage: (B, 1) or (B, T), a constant
            batch: the completions; `batch.sampler_logprobs` are those of the policy that sampled them
        """


class Reinforce(PolicyUpdate):
    """-A log p: right where the weights that sampled are those that are trained."""

    def __call__(self, stats: AnyStats, advantage: Tensor, batch: RolloutBatch) -> tuple[Tensor, dict[str, Tensor]]:
        return policy_gradient_loss(stats.logprob, advantage).loss, {}


class TruncatedImportanceSampling(PolicyUpdate):
    """-A min(w, cap) log p with w = p / p_sampler, the weight a constant (arXiv 1802.01561, Eq. 1).

    Corrects for older weights in a round's later updates, and for a sampler that computes in other kernels or a coarser
    dtype than the trainer; the cap bounds what a single token can weigh.

    Args:
        cap: largest weight
    """

    off_policy = True

    def __init__(self, cap: float = 2.0) -> None:
        if not cap >= 1:
            raise ConfigError(f"cap of TruncatedImportanceSampling is {cap}; it must be at least 1")
        self.cap = cap

    def __call__(self, stats: AnyStats, advantage: Tensor, batch: RolloutBatch) -> tuple[Tensor, dict[str, Tensor]]:
        found = policy_gradient_loss(stats.logprob, advantage, batch.sampler_logprobs, cap=self.cap)
        return found.loss, _weights(found)


class PPO(PolicyUpdate):
    """The clipped surrogate, with the sampler's log-probabilities as the old ones (arXiv 1707.06347, Eq. 7).

    No second scoring of the round before its first update: the difference between sampler and trainer is part of the
    ratio, and `cap` bounds it.

    Args:
        clip: half-width of the interval for the ratio; the released code has 0.2
        cap: largest importance weight, which clipping alone does not bound where an advantage is negative; None for no
            cap
    """

    off_policy = True

    def __init__(self, clip: float = 0.2, cap: float | None = 2.0) -> None:
        if not clip > 0:
            raise ConfigError(f"clip of PPO is {clip}; it must be positive")
        if cap is not None and not cap >= 1 + clip:
            raise ConfigError(f"cap of PPO is {cap}; it must be at least 1 + clip, {1 + clip:g}, or null")
        self.clip, self.cap = clip, cap

    def __call__(self, stats: AnyStats, advantage: Tensor, batch: RolloutBatch) -> tuple[Tensor, dict[str, Tensor]]:
        found = policy_gradient_loss(stats.logprob, advantage, batch.sampler_logprobs, self.clip, self.cap)
        return found.loss, {**_weights(found), "policy/clipped": found.clipped.float()}


def _weights(found: PolicyLoss) -> dict[str, Tensor]:
    return {
        "importance/ratio": found.ratio,
        "importance/ratio_max": found.ratio,
        "importance/capped": found.capped.float(),
    }
