"""What a completion is worth: rewards, and advantages inside a group."""

from emlit.rewards.advantage import GRPO, RLOO, Advantage
from emlit.rewards.base import Reward
from emlit.rewards.entropy import SequenceLogProbReward, TokenEntropyReward

__all__ = ["GRPO", "RLOO", "Advantage", "Reward", "SequenceLogProbReward", "TokenEntropyReward"]
