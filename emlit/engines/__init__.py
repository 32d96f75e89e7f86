"""Who samples: transformers or vLLM, behind one small protocol."""

from emlit.engines.base import AnswerKey, Completion, Engine, FinishReason, ModelSource, Request, Sampling
from emlit.engines.restarting import RestartingEngine
from emlit.engines.transformers import TransformersEngine
from emlit.engines.vllm import VLLMEngine, installed

__all__ = [
    "AnswerKey",
    "Completion",
    "Engine",
    "FinishReason",
    "ModelSource",
    "Request",
    "RestartingEngine",
    "Sampling",
    "TransformersEngine",
    "VLLMEngine",
    "default_engine",
]


def default_engine() -> Engine:
    """vLLM where it is installed, transformers otherwise."""
    return VLLMEngine() if installed() else TransformersEngine()
