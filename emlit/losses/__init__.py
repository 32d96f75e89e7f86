"""Losses as plug-ins: of a token given its advantage, its weight in the round, and what is added to it."""

from emlit.losses.entropy_floor import EntropyFloor
from emlit.losses.lagged import Lagged, RoundStatistic
from emlit.losses.policy_update import PPO, PolicyUpdate, Reinforce, TruncatedImportanceSampling
from emlit.losses.reference import KLToReference
from emlit.losses.terms import LossInputs, LossOutputs, LossTerm
from emlit.losses.token_weights import ClipCov, HighEntropyTokens, TokenWeights

__all__ = [
    "PPO",
    "ClipCov",
    "EntropyFloor",
    "HighEntropyTokens",
    "KLToReference",
    "Lagged",
    "LossInputs",
    "LossOutputs",
    "LossTerm",
    "PolicyUpdate",
    "Reinforce",
    "RoundStatistic",
    "TokenWeights",
    "TruncatedImportanceSampling",
]
