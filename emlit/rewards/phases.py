"""Rewards that tell thinking and answer apart."""

import torch
from torch import Tensor

from emlit.errors import ConfigError
from emlit.functional import AnyStats, sequence_mean
from emlit.records import RolloutBatch, sent
from emlit.rewards.base import Reward


class PEARReward(Reward):
    """Right answers are worth less the more uncertain the thinking was beside the answer (PEAR, arXiv 2510.08026).

    1 - P for a right answer, 0 for a wrong one, with P = max(0, H_thinking - alpha H_answer), mean entropies under the
    policy before the round's first update. Without the marker all is thinking and H_answer is 0. P may exceed 1, and a
    right answer then is worth less than a wrong one, as published. Needs labels; the code was not found.

    Args:
        marker: ends the thinking
        alpha: of the answer's entropy
    """

    needs_old = labelled = True

    def __init__(self, marker: str = "</think>", alpha: float = 1.0) -> None:
        if not marker:
            raise ConfigError("marker of PEARReward is empty; name the text that ends the thinking")
        self.marker, self.alpha = marker, alpha

    def __call__(self, batch: RolloutBatch, stats: AnyStats) -> Tensor:
        assert batch.old is not None
        entropy, sampled = batch.old.entropy, batch.completion_mask
        thinking = sampled & sent(self._thinking(batch), sampled.device)
        gap = sequence_mean(entropy, thinking) - self.alpha * sequence_mean(entropy, sampled & ~thinking)
        right = [float(bool(grade.correct)) for group in batch.groups for grade in group.grades]
        return sent(torch.tensor(right, dtype=entropy.dtype), sampled.device) * (1 - gap.clamp(min=0))

    def _thinking(self, batch: RolloutBatch) -> Tensor:
        """(B, T), bool, on the host: true before the end of each completion's marker."""
        mask = torch.ones(batch.tokens.shape, dtype=torch.bool)
        row = 0
        for group in batch.groups:
            for number in range(len(group.completions)):
                end = group.boundary(self.marker, number)
                if end is not None:
                    mask[row, len(group.prompt.tokens) + end :] = False
                row += 1
        return mask
