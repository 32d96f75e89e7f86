"""Entropy minimisation for language models: EM-FT, EM-RL, EM-INF and their relatives (arXiv 2505.15134).

The names below are loaded when they are asked for: `import emlit` alone imports nothing large.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import lightning as L

__version__ = "0.1.0"

_ROOMS = {
    "decoding": ("AdaptiveTemperature", "Decoding", "EntropyMinimization", "adaptive_temperature", "minimize_entropy"),
    "engines": ("Engine", "Sampling", "TransformersEngine", "VLLMEngine", "VLLMServerEngine"),
    "functional": ("linear_token_stats", "token_entropy", "token_logprob"),
    "losses": ("LossTerm", "PolicyUpdate", "TokenWeights"),
    "modules": ("EMFT", "EMRL", "SFT", "CausalLM", "EntropyObjectiveMixin", "LoRA"),
    "rewards": ("Advantage", "Reward"),
    "rollout": ("RolloutBatch", "RolloutDataModule"),
    "strategies": ("Strategy",),
    "tasks": ("Benchmark", "PromptFile", "Task", "extract_answer", "math_equal"),
}
_ROOM_OF = {name: room for room, names in _ROOMS.items() for name in names}

__all__ = ["__version__", "default_callbacks", *_ROOM_OF]  # noqa: PLE0604 (names all)


def __getattr__(name: str) -> Any:
    if name not in _ROOM_OF:
        raise AttributeError(f"module 'emlit' has no attribute {name!r}")
    return getattr(importlib.import_module(f"emlit.{_ROOM_OF[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def default_callbacks() -> "list[L.Callback]":
    """The callbacks that the command line has, for a Trainer of one's own; in this order."""
    from emlit import callbacks
    from emlit.keys import CALLBACKS

    return [getattr(callbacks, name)() for name in CALLBACKS.values()]
