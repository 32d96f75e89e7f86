"""STEER: tokens that would move the entropy most weigh less (arXiv 2510.10150)."""

import math
from typing import Literal

import torch
from torch import Tensor

from emlit.errors import ConfigError, require_fraction
from emlit.losses.lagged import RoundStatistic
from emlit.losses.terms import LossInputs
from emlit.losses.token_weights import TokenWeights, require_advantage

_LEAST_LARGEST = 0.02  # of |omega|, as released


class STEER(TokenWeights):
    """Weighs a token by how much its update changes the entropy, by omega = A / p_old * p (1 - p) (log p + H_old).

    exponential: w = exp(-k |omega|), k such that the largest |omega| of the last step gets `least`; at most 1.
    linear: from `most` at the smallest |omega| of the last step down to `least` at its largest.
    The first step weighs all tokens 1.

    Args:
        shape: "exponential", the paper's run, or "linear"
        least: weight of the token that moves the entropy most
        most: weight of the one that moves it least; of "linear" alone
    """

    needs_old = needs_rewards = True

    def __init__(
        self, shape: Literal["exponential", "linear"] = "exponential", least: float = 0.8, most: float = 1.2
    ) -> None:
        require_fraction("STEER", least=least)
        if not most >= least:
            raise ConfigError(f"most of STEER is {most}; it must be at least `least`, {least}")
        self.shape, self.least, self.most = shape, least, most
        self.largest, self.smallest = RoundStatistic("max"), RoundStatistic("max")  # of |omega|, and of -|omega|

    def __call__(self, inputs: LossInputs, loss: Tensor) -> Tensor:
        advantage, old, mask = require_advantage(inputs, "STEER"), inputs.batch.old, inputs.batch.loss_mask
        assert old is not None
        p = inputs.stats.logprob.detach().exp().clamp(1e-8, 1 - 1e-8)
        omega = advantage / old.logprob.exp().clamp(1e-8, 1.0) * p * (1 - p) * (p.log() + old.entropy)
        omega = omega.abs().masked_fill(omega.isinf(), 0.0)
        largest, smallest = self.largest.of(omega, mask), self.smallest.of(-omega, mask)
        if largest is None or smallest is None:
            return torch.ones_like(loss)
        if self.shape == "exponential":
            k = -math.log(self.least) / max(largest, _LEAST_LARGEST)
            return (-k * omega).exp().clamp(self.least, 1.0)
        if largest + smallest <= 0:  # all were equal
            return torch.full_like(loss, (self.least + self.most) / 2)
        share = (omega + smallest) / (largest + smallest)
        return (self.most - share * (self.most - self.least)).clamp(self.least, self.most)
