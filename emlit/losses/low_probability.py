"""Lp-Reg: low-probability tokens that a min-p filter keeps are held up (arXiv 2510.03222)."""

import math

import torch
from torch import Tensor

from emlit.errors import require_fraction, require_not_negative, require_positive
from emlit.functional import AnyStats, KeptLogprob, MoreStats, importance_ratio, policy_gradient_loss
from emlit.losses.lagged import RoundStatistic
from emlit.losses.policy_update import PolicyUpdate, curves
from emlit.records import RolloutBatch


class LpReg(PolicyUpdate):
    """PPO with wide bounds, and a KL penalty that holds up the least likely tokens of negative advantage.

    The proxy p' is the policy before the round's first update behind a min-p filter, renormalised. Of the tokens with
    A < 0, those with the lowest log p (by the last step's quantile) that are below log p' have the loss
    -A w + weight (e^d - d - 1), d = log p' - log p, w = p / p_old unclipped. A token that the filter drops is not
    picked.

    Args:
        share: of the tokens of negative advantage; released are 0.01, and 0.005 for 32B
        min_p: of the filter
        weight: of the penalty
        clip: how far below 1 the interval of the other tokens' ratios reaches; 1 is no bound
        clip_high: how far above 1
    """

    off_policy = needs_old = own_round = True

    def __init__(
        self, share: float = 0.01, min_p: float = 0.02, weight: float = 1.0, clip: float = 1.0, clip_high: float = 9.0
    ) -> None:
        require_fraction("LpReg", share=share, min_p=min_p)
        require_not_negative("LpReg", weight=weight)
        require_positive("LpReg", clip=clip, clip_high=clip_high)
        self.share, self.weight, self.clip, self.clip_high = share, weight, clip, clip_high
        self.proxy = KeptLogprob(min_p)
        self.needs = (self.proxy,)
        self.surprise = RoundStatistic("quantile", 1 - share)  # -log p of the tokens with A < 0

    def __call__(self, stats: AnyStats, advantage: Tensor, batch: RolloutBatch) -> tuple[Tensor, dict[str, Tensor]]:
        assert isinstance(batch.old, MoreStats)
        proxy, logprob = batch.old.extra[self.proxy], stats.logprob
        found = policy_gradient_loss(logprob, advantage, batch.old.logprob, self.clip, clip_high=self.clip_high)
        negative = (advantage < 0) & batch.loss_mask
        threshold = self.surprise.of(-logprob, negative)
        least = math.inf if threshold is None else threshold
        picked = negative & (-logprob.detach() >= least) & (logprob.detach() < proxy)
        distance = (torch.where(picked, proxy, logprob.detach()) - logprob).clamp(-20.0, 20.0)
        held_up = -advantage * importance_ratio(logprob, batch.old.logprob)
        held_up = held_up + self.weight * (distance.exp() - distance - 1).clamp(max=10.0)
        loss = torch.where(picked, held_up, found.loss)
        return loss, {**curves(found), "policy/picked": picked.float()}
