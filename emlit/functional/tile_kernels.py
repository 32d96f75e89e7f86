"""What is done to each number of a tile of logits; on a GPU each function is compiled into one kernel."""

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import torch
from torch import Tensor

from emlit.functional.compilation import run_on_gpu
from emlit.functional.entropy import LOWEST

F = TypeVar("F", bound=Callable[..., Any])


def _compiled_on_gpu(function: F) -> F:
    """Eager on a CPU, where a tile stays in the cache between operations; one kernel on a GPU, where it does not."""

    @functools.wraps(function)
    def call(z: Tensor, *args: Any) -> Any:
        return run_on_gpu(function, z, *args)

    return call  # type: ignore[return-value]


def at_targets(targets: Tensor, start: int, stop: int) -> tuple[Tensor, Tensor]:
    """Where the targets (R) are in columns start to stop: the column (R, 1), clamped, and whether it is inside."""
    index = (targets - start).unsqueeze(1)
    return index.clamp(0, stop - start - 1), (index >= 0) & (index < stop - start)


@_compiled_on_gpu
def running_sums(z: Tensor, largest: Tensor, s: Tensor, t: Tensor, impossible: bool) -> tuple[Tensor, Tensor, Tensor]:
    """`RunningSoftmax`'s sums with one more tile.

    Args:
        z: (R, C)
        largest: (R, 1), the largest logit m so far
        s: (R, 1), sum of e^(z - m)
        t: (R, 1), sum of e^(z - m) (z - m)
        impossible: whether z may be -inf
    """
    new = torch.maximum(largest, z.amax(dim=1, keepdim=True))
    z = z - new
    if impossible:
        z = z.clamp_(min=LOWEST)
    e = z.exp()
    fall = largest - new
    decay = fall.exp()
    return (
        new,
        s * decay + e.sum(dim=1, keepdim=True),
        (t + fall * s) * decay + e.mul_(z).sum(dim=1, keepdim=True),
    )


@_compiled_on_gpu
def tile_gradient(
    z: Tensor,
    index: Tensor,
    inside: Tensor,
    lse: Tensor,
    entropy: Tensor,
    g_logprob: Tensor | None,
    g_entropy: Tensor | None,
    scale: Tensor,
    softcap: float | None,
    impossible: bool,
) -> Tensor:
    """The gradient of sum(g_l log p_y + g_H H), in z's memory.

    With respect to z it is g_l (onehot_y - p) - g_H p (log p + H); it is returned with respect to the logits before
    softcap and temperature.

    Args:
        z: (R, C), after softcap and temperature
        index: (R, 1), each token's target in this tile, clamped
        inside: (R, 1), whether it is there
        lse: (R, 1)
        entropy: (R, 1)
        g_logprob: (R, 1), or None for 0
        g_entropy: (R, 1), or None for 0
        scale: (R, 1), 1 / T
        softcap: as in `HeadOptions`
        impossible: whether z may be -inf
    """
    # d softcap(x) / dx = 1 - (softcap(x) / softcap)^2
    slope = 1 - (z / (scale * softcap)).square() if softcap else None
    logp = z.sub_(lse)
    if impossible:
        logp.clamp_(min=LOWEST)
    p = logp.exp()
    constant = 0.0 if g_logprob is None else g_logprob
    if g_entropy is None:
        dz = p.mul_(-constant * scale)
    else:
        dz = logp.mul_(-g_entropy * scale).sub_((constant + g_entropy * entropy) * scale).mul_(p)
    if g_logprob is not None:
        dz.scatter_add_(1, index, torch.where(inside, g_logprob * scale, 0.0))
    return dz if slope is None else dz.mul_(slope)
