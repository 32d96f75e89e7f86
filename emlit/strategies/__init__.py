"""Decoding strategies: greedy, sampled, voted, refined, filtered, budgeted, each also with a decoding."""

from emlit.records import Ask, Reply, Sampler, Turn
from emlit.strategies.base import Strategy, plain_values
from emlit.strategies.diff_adapt import DiffAdapt
from emlit.strategies.particle_filtering import ParticleFiltering
from emlit.strategies.refinement import IterativeRefinement
from emlit.strategies.sampled import Sampled, TemperatureSweep
from emlit.strategies.self_consistency import SelfConsistency

__all__ = [
    "Ask", "DiffAdapt", "IterativeRefinement", "ParticleFiltering", "Reply", "Sampled", "Sampler", "SelfConsistency",
    "Strategy", "TemperatureSweep", "Turn", "plain_values",
]  # fmt: skip
