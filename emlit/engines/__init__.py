"""Inference engines behind one interface: transformers, vLLM, or completions of a file."""

from emlit.engines.base import Engine, ModelSource
from emlit.engines.pending import Pending
from emlit.engines.replay import ReplayEngine
from emlit.engines.sampling import push_weights, sample, sample_beside, start_engine, wait_for_round
from emlit.engines.transformers import TransformersEngine
from emlit.engines.vllm import VLLMEngine, installed
from emlit.engines.vllm_server import VLLMServerEngine
from emlit.records import NEXT_TURN, AnswerKey, Completion, FinishReason, Request, Sampling

__all__ = [
    "NEXT_TURN", "AnswerKey", "Completion", "Engine", "FinishReason", "ModelSource", "Pending", "ReplayEngine",
    "Request", "Sampling", "TransformersEngine", "VLLMEngine", "VLLMServerEngine", "default_engine", "push_weights",
    "sample", "sample_beside", "start_engine", "wait_for_round",
]  # fmt: skip


def default_engine() -> Engine:
    """vLLM where it is installed, transformers otherwise."""
    return VLLMEngine() if installed() else TransformersEngine()
