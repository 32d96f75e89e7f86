"""From advantages to the loss of each token: plug-ins of `EMRL`."""

from abc import ABC, abstractmethod

from torch import Tensor

from emlit.errors import ConfigError, require_at_least, require_positive
from emlit.functional import AnyStats, PolicyLoss, policy_gradient_loss
from emlit.losses.lagged import Lagged
from emlit.records import RolloutBatch


class PolicyUpdate(Lagged, ABC):
    """The loss of sampled tokens, given their advantages.

    Attributes:
        off_policy: whether it stays right once the weights have moved on from those that sampled, as they have in the
            later updates of a round
        own_round: whether that holds in its own round alone: its ratio is to the policy before the round's first
            update, not to the weights that sampled
        min_updates: updates of a round below which it does nothing of its own
    """

    off_policy: bool = False
    own_round: bool = False
    min_updates: int = 1

    @property
    def takes_earlier_rounds(self) -> bool:
        """Whether it stays right for completions of an earlier round's weights."""
        return self.off_policy and not self.own_round

    @property
    def right_for(self) -> str:
        """Whose completions it is right for, where it does not take all."""
        return "their own round" if self.own_round else "the weights that it updates"

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
        require_at_least(1, "TruncatedImportanceSampling", cap=cap)
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
        clip_high: how far above 1 the interval reaches, where that is not `clip`; DAPO has 0.28 (arXiv 2503.14476)
        dual_clip: bounds the loss of a token of negative advantage by so many times the advantage (arXiv 1912.09729);
            verl has 3
    """

    off_policy = True

    def __init__(
        self,
        clip: float = 0.2,
        cap: float | None = 2.0,
        clip_high: float | None = None,
        dual_clip: float | None = None,
    ) -> None:
        require_clips(type(self).__name__, clip, clip_high, dual_clip)
        widest = clip if clip_high is None else clip_high
        if cap is not None and not cap >= 1 + widest:
            raise ConfigError(
                f"cap of PPO is {cap}; it must be at least 1 + {'clip' if clip_high is None else 'clip_high'}, "
                f"{1 + widest:g}, or null"
            )
        self.clip, self.cap, self.clip_high, self.dual_clip = clip, cap, clip_high, dual_clip

    def __call__(self, stats: AnyStats, advantage: Tensor, batch: RolloutBatch) -> tuple[Tensor, dict[str, Tensor]]:
        found = policy_gradient_loss(
            stats.logprob, advantage, batch.sampler_logprobs, self.clip, self.cap, self.clip_high, self.dual_clip
        )
        return found.loss, curves(found)


def require_clips(name: str, clip: float, clip_high: float | None, dual_clip: float | None) -> None:
    """Raise ConfigError for bounds that no ratio can have."""
    require_positive(name, clip=clip, clip_high=clip_high)
    if dual_clip is not None and not dual_clip > 1:
        raise ConfigError(f"dual_clip of {name} is {dual_clip}; it must be above 1, or null for none")


def curves(found: PolicyLoss) -> dict[str, Tensor]:
    """What a clipped loss shows of its ratios."""
    return {**_weights(found), "policy/clipped": found.clipped.float()}


def _weights(found: PolicyLoss) -> dict[str, Tensor]:
    return {
        "importance/ratio": found.ratio,
        "importance/ratio_max": found.ratio,
        "importance/capped": found.capped.float(),
    }
