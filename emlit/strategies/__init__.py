"""Decoding strategies: greedy, sampled, voted, refined, each also with EM-INF or an adaptive temperature."""

from emlit.strategies.base import Ask, Reply, Sampler, Strategy, Turn, plain_values
from emlit.strategies.refinement import IterativeRefinement
from emlit.strategies.sampled import Sampled, TemperatureSweep
from emlit.strategies.self_consistency import SelfConsistency

__all__ = [
    "Ask",
    "IterativeRefinement",
    "Reply",
    "Sampled",
    "Sampler",
    "SelfConsistency",
    "Strategy",
    "TemperatureSweep",
    "Turn",
    "plain_values",
]
