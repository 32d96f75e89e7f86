"""Bytes of an engine on the trainer's own GPU."""

from emlit.plan.gpus import GIB, Gpu
from emlit.plan.settings import RunSettings
from emlit.plan.shapes import ModelShape
from emlit.plan.terms import PHASES, TRAINING, Term

# Assumed: what vLLM keeps while it sleeps: graphs and workspaces.
ASLEEP = 1.0 * GIB
# Assumed: what vLLM needs beside its weights before the first block of KV cache: the profiled activations and graphs.
ENGINE_WORKSPACE = 2.0 * GIB


def cache_per_token(shape: ModelShape, settings: RunSettings) -> int:
    """Bytes of KV cache of one token."""
    return 2 * shape.layers * shape.keys * settings.engine.weight_bytes


def engine_terms(shape: ModelShape, settings: RunSettings, gpu: Gpu) -> list[Term]:
    """A colocated engine's memory."""
    engine = settings.engine
    if not engine.colocated:
        return []
    weights = engine.weight_bytes * shape.parameters
    how = f"{engine.weight_bytes} x {shape.parameters:,}"
    if engine.utilization is None:
        return [
            Term("engine's weights", dict.fromkeys(PHASES, weights), how),
            Term("engine's KV cache", {"generate": engine.cache_bytes}, "of the rows sampled together"),
        ]
    share = engine.utilization * gpu.memory
    asleep = {phase: 0.0 for phase in TRAINING} if engine.sleeps else {}
    rest = {phase: ASLEEP for phase in TRAINING} if engine.sleeps else {}
    per_token = cache_per_token(shape, settings)
    cache = max(0.0, share - weights - ENGINE_WORKSPACE)
    fill = f"the rest of {engine.utilization:g} of the GPU: {cache / per_token:,.0f} tokens"
    # Weights come back first, and the cache when they are there.
    woken = {"weight sync": 0.0} if engine.sleeps else {}
    return [
        Term("engine's weights", dict.fromkeys(PHASES, weights) | asleep, how),
        Term("engine's KV cache", dict.fromkeys(PHASES, cache) | asleep | woken, f"{fill} of {per_token:,} bytes"),
        Term("engine's workspace", dict.fromkeys(PHASES, ENGINE_WORKSPACE) | rest, "graphs and activations; assumed"),
    ]


def engine_lacks(shape: ModelShape, settings: RunSettings, gpu: Gpu) -> float:
    """Bytes that its share of the GPU lacks for its weights and one row of KV cache."""
    engine = settings.engine
    if not engine.colocated or engine.utilization is None:
        return 0.0
    row = settings.row_tokens * cache_per_token(shape, settings)
    return engine.weight_bytes * shape.parameters + ENGINE_WORKSPACE + row - engine.utilization * gpu.memory
