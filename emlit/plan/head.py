"""Bytes of the head: from the hidden states of M scored tokens to their entropies and back."""

from dataclasses import dataclass

from emlit.functional.linear_loss import _COLUMNS, _HELD_ELEMENTS_CPU, _HELD_ELEMENTS_GPU
from emlit.functional.tiles import _CHUNK_SIZE, _TILE_ELEMENTS_CPU, _TILE_ELEMENTS_GPU
from emlit.plan.gpus import Gpu
from emlit.plan.settings import RunSettings
from emlit.plan.shapes import ModelShape


@dataclass(frozen=True)
class HeadBytes:
    """Attributes:
    forward: held in the forward pass beside `kept`, and let go
    kept: from the forward pass on, the scored hidden states included
    backward: held at the start of the backward pass
    waits: held from there to its end
    reference: held while a reference model's tokens are scored
    """

    forward: int
    kept: int
    backward: int
    waits: int
    reference: int


def head_bytes(shape: ModelShape, settings: RunSettings, gpu: Gpu) -> HeadBytes:
    """What the head of `settings` takes; V, D and M as in `linear_token_stats`."""
    if settings.head == "logits":
        return _logits(shape, settings)
    m, v, d, on_cpu = settings.scored, shape.vocabulary, shape.hidden, gpu.on_cpu
    state = 2 if settings.compute == "bfloat16" else 4
    # On a CPU operands are float32; elsewhere what the body computes in.
    operand = 4 if on_cpu else settings.compute_bytes
    cast = m * d * operand if operand != state else 0
    rows = min(m, _CHUNK_SIZE)
    columns = min(v, max(256, _tile(gpu) // rows))
    # What W is multiplied in: a GPU casts all of it once a call, a CPU the rows of each tile.
    w_cast = (0 if on_cpu else operand * v * d) if operand != _weight(settings) else 0
    # A GPU's compiled kernels write one tile; on a CPU z, z - max and its exponential are three.
    stats = (3 if on_cpu else 1) * 4 * rows * columns + cast + w_cast
    d_weight = v * d * _weight(settings) if not settings.adapter_rank else 0
    # The gradient of a tied weight waits for that of the embeddings, and one of a sharded weight for the root's others.
    waits = d_weight if shape.tied or settings.sharded else 0
    if settings.head == "tiles":
        sums = 0 if _weight(settings) == 4 or not d_weight else 4 * columns * d
        tiles = (2 if on_cpu else 1) * 4 * rows * columns
        in_tile = operand * columns * d if on_cpu and operand != _weight(settings) else 0
        back = d_weight + sums + 4 * m * d + tiles + cast + w_cast + in_tile
        return HeadBytes(stats, m * d * state, m * d * state + back, waits, reference=stats)
    rows = min(m, max(1, (_HELD_ELEMENTS_CPU if gpu.small_tiles else _HELD_ELEMENTS_GPU) // v))
    columns = min(v, max(_COLUMNS, _tile(gpu) // rows))
    sums = 4 * m * d + (4 * v * d if d_weight else 0)
    logits = 4 * rows * v + (2 if on_cpu else 1) * 4 * rows * columns
    kept = m * d * state + d_weight
    # Converting the sums to the dtypes of their tensors comes after the last logits are gone.
    converting = (d_weight if _weight(settings) != 4 else 0) + (m * d * state if state != 4 else 0)
    forward = m * d * state + cast + w_cast + sums + max(logits, converting) - kept
    return HeadBytes(forward, kept, kept, waits, reference=stats)


def _logits(shape: ModelShape, settings: RunSettings) -> HeadBytes:
    """Logits of all tokens and of the scored ones; then in float32 log p, p, log p without -inf (and a mask), p log p.

    In the backward pass the gradients of the factors of p log p; or, where log p alone is differentiated, its gradient
    before and after the softmax and then that of all tokens' logits.
    """
    size, v = settings.compute_bytes, shape.vocabulary
    scored, whole = settings.scored * v, settings.tokens * v
    forward = max((whole + scored) * size, (size + 17) * scored)
    back = 21 * scored if settings.entropy_gradient else max(12 * scored, 8 * scored + size * whole)
    waits = (
        v * shape.hidden * _weight(settings) if (shape.tied or settings.sharded) and not settings.adapter_rank else 0
    )
    return HeadBytes(forward - 13 * scored, 13 * scored, back, waits, reference=forward)


def _tile(gpu: Gpu) -> int:
    return _TILE_ELEMENTS_CPU if gpu.small_tiles else _TILE_ELEMENTS_GPU


def _weight(settings: RunSettings) -> int:
    """Bytes of a number of the head's weight as the head sees it."""
    return settings.compute_bytes if settings.sharded else settings.weight_bytes
