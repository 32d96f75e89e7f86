"""Adam on the entropy of rows of logits, its gradient in closed form: what EM-INF does at every token."""

import logging
from typing import NamedTuple

import torch
from torch import Tensor

from emlit.decoding import native
from emlit.functional.entropy import LOWEST

log = logging.getLogger(__name__)

_BETA1, _BETA2, _EPS = 0.9, 0.999, 1e-8  # torch.optim.Adam's defaults

# So many rows are worked on at once, as this takes memory.
ROWS_AT_ONCE = 64


class RowParameters(NamedTuple):
    """EM-INF's parameters, (R, 1) each: rows of one batch may differ.

    Attributes:
        threshold: nats
        kl_weight: of the pull towards the distribution that it began with
        learning_rate: Adam's
        steps: how many at most; 0 leaves a row alone
    """

    threshold: Tensor
    kl_weight: Tensor
    learning_rate: Tensor
    steps: Tensor

    def rows(self, rows: Tensor | slice) -> "RowParameters":
        return RowParameters(*(value[rows] for value in self))


def _sums(z: Tensor, largest: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """e^(z - largest), its sum and the entropy of softmax(z), the last two (R, 1)."""
    shifted = (z - largest).clamp(min=LOWEST)
    e = shifted.exp()
    s, t = e.sum(dim=1, keepdim=True), (e * shifted).sum(dim=1, keepdim=True)
    return e, s, s.log() - t / s


def measure(z: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The largest logit of each row of z (R, V), its log sum exp and the entropy of softmax(z), nats: (R, 1) each."""
    if native.serves(z):
        return native.measure(z).split(1, dim=1)  # type: ignore[return-value]
    largest = z.amax(dim=1, keepdim=True)
    _, s, entropy = _sums(z, largest)
    return largest, largest + s.log(), entropy


def _descend(z: Tensor, parameters: RowParameters, max_steps: int) -> None:
    """All steps of the rows z (B, V), which are changed."""
    m, v, above = torch.zeros_like(z), torch.zeros_like(z), parameters.steps > 0
    largest, start = z.amax(dim=1, keepdim=True), None
    for k in range(1, max_steps + 1):
        # The most likely token stays so and loses little, so that `largest` still serves.
        e, s, entropy = _sums(z, largest)
        # A row that stops never starts again: its logits, and so its entropy, no longer change.
        above = above & (entropy >= parameters.threshold) & (parameters.steps >= k)
        if not above.any():
            break
        p = e / s
        start = p if start is None else start
        gradient = parameters.kl_weight * (p - start) - p * (z - largest - s.log() + entropy).clamp(min=LOWEST)
        m.lerp_(gradient, 1 - _BETA1)
        v.mul_(_BETA2).addcmul_(gradient, gradient, value=1 - _BETA2)
        rate = torch.where(above, parameters.learning_rate / (1 - _BETA1**k), 0.0)
        z.sub_(rate * m / (v.div(1 - _BETA2**k).sqrt_() + _EPS))


_unbuilt: list[str] = []


def _on_gpu(z: Tensor, parameters: Tensor, max_steps: int) -> bool:
    """Whether the kernel for GPUs did it; PyTorch for Windows comes without Triton, and Triton wants a C compiler."""
    if _unbuilt:
        return False
    try:
        from emlit.decoding import adam_gpu

        adam_gpu.descend(z, parameters, max_steps)
        return True
    except Exception as error:  # the logits are as they were: only the last launch writes
        _unbuilt.append(str(error))
        log.warning("EM-INF on this GPU takes several times longer and waits for it: %s", error)
        return False


@torch.no_grad()
def descend(z: Tensor, parameters: RowParameters, max_steps: int) -> None:
    """Take each row of z (R, V), in place, below its threshold or through its steps.

    In float32 a GPU has a kernel of its own (`adam_gpu`), for which the host never waits, and a CPU for large
    vocabularies a function in C (`adam.c`), which lets the tail of a distribution lie. What follows is for all else.

    Args:
        z: (R, V), float32 or float64
        parameters: (R, 1) each, on z's device
        max_steps: the largest of `parameters.steps`, known without asking the device
    """
    suits = z.is_cuda and z.dtype == torch.float32 and z.stride(1) == 1
    if suits and _on_gpu(z, torch.cat(parameters, dim=1), max_steps):
        return
    if native.serves(z):
        native.descend(z, torch.cat(parameters, dim=1))
        return
    above = ((measure(z)[2] >= parameters.threshold) & (parameters.steps >= 1)).flatten().nonzero().flatten()
    for rows in above.split(ROWS_AT_ONCE) if len(above) else ():
        block = z[rows]
        _descend(block, parameters.rows(rows), max_steps)
        z[rows] = block
