"""Decodings: what is done to next-token logits before a token is drawn. Every one works row by row on (B, V)."""

from emlit.decoding.adaptive_temperature import AdaptiveTemperature, adaptive_temperature
from emlit.decoding.base import Decoding
from emlit.decoding.entropy_minimization import PRESETS, EntropyMinimization, Preset, minimize_entropy

__all__ = [
    "PRESETS",
    "AdaptiveTemperature",
    "Decoding",
    "EntropyMinimization",
    "Preset",
    "adaptive_temperature",
    "minimize_entropy",
]
