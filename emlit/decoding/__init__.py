"""Decodings: what is done to next-token logits before a token is drawn. Every one works row by row on (B, V)."""

from emlit.decoding.adaptive_temperature import AdaptiveTemperature, adaptive_temperature
from emlit.decoding.base import Decoding
from emlit.decoding.entropy_minimization import PRESETS, EntropyMinimization, Preset, minimize_entropy
from emlit.decoding.entropy_scaled_temperature import EntropyScaledTemperature
from emlit.decoding.locally_typical import LocallyTypical, locally_typical

__all__ = [
    "PRESETS",
    "AdaptiveTemperature",
    "Decoding",
    "EntropyMinimization",
    "EntropyScaledTemperature",
    "LocallyTypical",
    "Preset",
    "adaptive_temperature",
    "locally_typical",
    "minimize_entropy",
]
