"""Decoding strategies: greedy, sampled, voted, refined, each also with EM-INF or an adaptive temperature."""

from emlit.records import Ask, Reply, Sampler, Turn
from emlit.strategies.base import Strategy, plain_values
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
