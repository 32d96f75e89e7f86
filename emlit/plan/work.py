"""Floating-point operations, bytes on the wire and seconds of one optimiser step."""

from dataclasses import dataclass
from math import ceil

from emlit.plan.engine import ENGINE_WORKSPACE, cache_per_token
from emlit.plan.gpus import Gpu
from emlit.plan.settings import RunSettings
from emlit.plan.shapes import ModelShape


@dataclass(frozen=True)
class Assumptions:
    """What no config says.

    Attributes:
        mfu: share of a GPU's dense bfloat16 rate that training reaches
        prefill: that reading prompts reaches
        memory: share of its memory's bandwidth that decoding reaches
        network: share of links' bandwidth that collectives reach
    """

    mfu: float = 0.4
    prefill: float = 0.5
    memory: float = 0.6
    network: float = 0.7


@dataclass(frozen=True)
class Part:
    """One part of a step on one rank.

    Attributes:
        name: what is done
        flops: of one rank
        wire: bytes that one rank sends in collectives
        seconds: of one rank
        how: what its time follows from
    """

    name: str
    flops: float
    wire: float
    seconds: float
    how: str


def plan_work(shape: ModelShape, settings: RunSettings, gpu: Gpu, assumed: Assumptions, trained: int) -> list[Part]:
    """The parts of one optimiser step, one after the other; rows of a micro-batch are taken as equally long.

    Args:
        shape: of the model
        settings: of the run
        gpu: of each rank
        assumed: what no config says
        trained: parameters that train
    """
    training = _training(shape, settings, gpu, assumed)
    return [*_generation(shape, settings, gpu, assumed), *training, *_ends(shape, settings, gpu, assumed, trained)]


def hours(parts: list[Part], settings: RunSettings) -> float | None:
    """Of the whole run; None where it has no end."""
    return sum(part.seconds for part in parts) * settings.steps / 3600 if settings.steps else None


def completions(settings: RunSettings) -> float:
    """Of one rank, in one optimiser step."""
    return settings.prompts * settings.samples / settings.ranks / settings.updates


def attention_flops(shape: ModelShape, length: float) -> float:
    """Of one row of a forward pass, causal: q k and p v, 2 Q each a pair of tokens, length^2 / 2 pairs."""
    return 2 * shape.layers * shape.queries * length**2


def _generation(shape: ModelShape, settings: RunSettings, gpu: Gpu, assumed: Assumptions) -> list[Part]:
    engine = settings.engine
    if not engine.samples:
        return []
    rows, prompt, completion = completions(settings), settings.prompt_mean, settings.completion_mean
    # A prompt is read once for all of its samples.
    prefill = rows / settings.samples * (2 * shape.multiplied * prompt + attention_flops(shape, prompt))
    each = 4 * shape.layers * shape.queries
    decode = rows * (2 * shape.multiplied * completion + each * completion * (prompt + completion / 2))
    per_token = cache_per_token(shape, settings)
    weights = engine.weight_bytes * shape.parameters
    room = engine.cache_bytes
    if engine.utilization is not None and not gpu.on_cpu:
        room = max(0.0, engine.utilization * gpu.memory - weights - ENGINE_WORKSPACE)
    fitting = int(room // (per_token * (prompt + completion))) if engine.colocated else engine.sequences
    together = max(1, min(engine.sequences, fitting, ceil(rows)))
    # Every step reads the weights once and the cache of each row.
    steps = rows * completion / together
    read = weights + together * per_token * (prompt + completion / 2)
    bound = read / (assumed.memory * gpu.bandwidth)
    seconds = steps * max(bound, decode / (rows * completion) * together / (assumed.prefill * gpu.flops))
    how = f"{steps:,.0f} steps of {together} rows, each reading {read / 1e9:.1f} GB"
    return [
        Part("prefill", prefill, 0, prefill / (assumed.prefill * gpu.flops), f"{rows / settings.samples:,.0f} prompts"),
        Part("decode", decode, 0, seconds, how),
    ]


def _training(shape: ModelShape, settings: RunSettings, gpu: Gpu, assumed: Assumptions) -> list[Part]:
    rows, length = completions(settings), settings.prompt_mean + settings.completion_mean
    body = 2 * shape.layers * shape.active_parameters * length + attention_flops(shape, length)
    head = 2 * shape.vocabulary * shape.hidden * settings.completion_mean
    # Frozen weights have no gradients, whose products are half of a backward pass.
    share = 1 if settings.adapters else 2
    passes = {
        "forward": body + head,
        "recomputed": (body if settings.checkpointing else 0) + (head if settings.recomputes_head else 0),
        "backward": share * (body + head),
        "reference": body + head if settings.reference != "none" else 0,
    }
    wire = _wire(shape, settings)
    found = []
    for name, flops in passes.items():
        if not flops and name not in wire:
            continue
        computing = rows * flops / (assumed.mfu * gpu.flops)
        sent = wire.get(name, 0.0)
        waiting = sent / (assumed.network * _link(settings, gpu))
        how = "computing" if computing >= waiting else "waiting for collectives"
        found.append(Part(name, rows * flops, sent, max(computing, waiting), how))
    return found


def _link(settings: RunSettings, gpu: Gpu) -> float:
    """Of the slowest link that a shard's collectives cross."""
    within = settings.nodes == 1 or settings.shards <= settings.ranks // settings.nodes
    return gpu.within_node if within else gpu.between_nodes


def _wire(shape: ModelShape, settings: RunSettings) -> dict[str, float]:
    """Bytes that each rank sends during the micro-batches of a step: (s - 1) / s of what is gathered or reduced."""
    if not settings.sharded:
        return {}
    body, root = shape.layers * shape.layer_parameters, shape.root_parameters
    part = (settings.shards - 1) / settings.shards * settings.micro_batches
    gathered = part * settings.compute_bytes * (body + root)
    reduced = 0 if settings.adapters else part * 4 * (body + root)
    found = {"forward": gathered, "backward": part * settings.compute_bytes * body + reduced}
    if settings.reference == "copy":
        found["reference"] = gathered
    return found


def _ends(shape: ModelShape, settings: RunSettings, gpu: Gpu, assumed: Assumptions, trained: int) -> list[Part]:
    s = settings.shards
    found = []
    copies = settings.ranks // s
    if copies > 1:
        sent = 2 * (copies - 1) / copies * 4 * trained / s
        link = gpu.between_nodes if settings.nodes > 1 else gpu.within_node
        found.append(
            Part("gradients between copies", 0, sent, sent / (assumed.network * link), "all-reduce of float32")
        )
    # AdamW reads weight, gradient and both moments, and writes all but the gradient.
    moved = 28 * trained / s
    found.append(Part("optimiser step", 12 * trained / s, 0, moved / (assumed.memory * gpu.bandwidth), "7 x 4 bytes"))
    if settings.engine.colocated:
        sent = settings.pushed_bytes * shape.parameters * (s - 1) / s
        seconds = max(
            sent / (assumed.network * _link(settings, gpu)),
            (settings.weight_bytes + settings.engine.weight_bytes)
            * shape.parameters
            / (assumed.memory * gpu.bandwidth),
        )
        found.append(Part("weight sync", 0, sent / settings.updates, seconds / settings.updates, "tensor by tensor"))
    return found
