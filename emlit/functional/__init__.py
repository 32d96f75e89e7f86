"""The mathematics: tensors in, tensors out. Imports torch alone."""

from emlit.functional.advantage import grpo_advantage, rloo_advantage
from emlit.functional.certainty import linear_self_certainty, self_certainty
from emlit.functional.concentration import decile_means, relative_deciles, top_share
from emlit.functional.entropy import TokenStats, token_entropy, token_logprob, token_stats
from emlit.functional.kl import KLEstimator, KLPenalty, approx_kl
from emlit.functional.linear import linear_token_stats
from emlit.functional.linear_loss import linear_entropy_loss
from emlit.functional.policy import PolicyLoss, importance_ratio, policy_gradient_loss
from emlit.functional.reduction import Normaliser, Reduction, reduce_tokens, sequence_mean, token_weights
from emlit.functional.resampling import annealed_weights, effective_sample_size, systematic_resampling
from emlit.functional.scored_tokens import (
    AnyStats,
    FusedStats,
    KeptLogprob,
    LogprobAt,
    MoreStats,
    NucleusEntropy,
    ScoredTokens,
    SelfCertainty,
    Stat,
    mapped,
)

__all__ = [
    "AnyStats", "FusedStats", "KeptLogprob", "LogprobAt", "MoreStats", "NucleusEntropy", "ScoredTokens",
    "SelfCertainty", "Stat", "KLEstimator", "KLPenalty", "Normaliser", "PolicyLoss", "Reduction", "TokenStats",
    "annealed_weights", "approx_kl", "decile_means", "effective_sample_size", "grpo_advantage", "importance_ratio",
    "linear_entropy_loss", "linear_self_certainty", "linear_token_stats", "mapped", "policy_gradient_loss",
    "reduce_tokens", "relative_deciles", "rloo_advantage", "self_certainty", "sequence_mean", "systematic_resampling",
    "token_entropy", "token_logprob", "token_stats", "token_weights", "top_share",
]  # fmt: skip
