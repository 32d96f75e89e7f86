"""Reward functions, and group-relative advantage estimators."""

from emlit.rewards.advantage import GRPO, RLOO, Advantage
from emlit.rewards.answers import EMPOReward, MajorityReward, VerifiedAnswerReward, VoteFractionReward
from emlit.rewards.base import Reward
from emlit.rewards.entropy import SequenceLogProbReward, TokenEntropyReward
from emlit.rewards.entropy_advantages import DCPO, EMPG, CertainResponses, UncertainTokens
from emlit.rewards.group_advantages import CANON, SEEDGRPO, HardPrompts, TokenLevelGRPO
from emlit.rewards.phases import PEARReward
from emlit.rewards.self_certainty import SelfCertaintyReward
from emlit.rewards.weighted import WeightedRewards

__all__ = [
    "PEARReward", "TokenLevelGRPO", "HardPrompts", "UncertainTokens", "CertainResponses", "SEEDGRPO", "EMPG", "DCPO",
    "CANON", "GRPO", "RLOO", "Advantage", "EMPOReward", "MajorityReward", "Reward", "SelfCertaintyReward",
    "SequenceLogProbReward", "TokenEntropyReward", "VerifiedAnswerReward", "VoteFractionReward", "WeightedRewards",
]  # fmt: skip
