"""Losses as plug-ins: of a token given its advantage, its weight in the round, and what is added to it."""

from emlit.losses.covariance import ClipCov, KLCov
from emlit.losses.entropy_clips import HAPO, EntropyPPO
from emlit.losses.entropy_floor import EntropyFloor
from emlit.losses.entropy_terms import SIREN, CovarianceEntropyBonus, EntropyBonus, EntropyTarget
from emlit.losses.lagged import Lagged, Over, RoundStatistic
from emlit.losses.low_probability import LpReg
from emlit.losses.policy_update import PPO, PolicyUpdate, Reinforce, TruncatedImportanceSampling
from emlit.losses.reference import KLToReference
from emlit.losses.steer import STEER
from emlit.losses.terms import LossInputs, LossOutputs, LossTerm
from emlit.losses.token_weights import (
    EntropyScaledTokens,
    HighEntropyTokens,
    PlanningTokens,
    SurprisingTokens,
    TokenWeights,
)

__all__ = [
    "HAPO", "PPO", "SIREN", "STEER", "ClipCov", "CovarianceEntropyBonus", "EntropyBonus", "EntropyFloor", "EntropyPPO",
    "EntropyScaledTokens", "EntropyTarget", "HighEntropyTokens", "KLCov", "KLToReference", "Lagged", "LossInputs",
    "LossOutputs", "LossTerm", "LpReg", "PlanningTokens", "PolicyUpdate", "Reinforce", "Over", "RoundStatistic",
    "SurprisingTokens", "TokenWeights", "TruncatedImportanceSampling",
]  # fmt: skip
