"""Adam on the entropy of rows of logits, its gradient in closed form: what EM-INF does at every token."""

from typing import NamedTuple

import torch
from torch import Tensor

from emlit.decoding import native
from emlit.functional.compilation import run_on_gpu
from emlit.functional.entropy import LOWEST

_BETA1, _BETA2, _EPS = 0.9, 0.999, 1e-8  # torch.optim.Adam's defaults

# So many rows are worked on at once: enough to fill a GPU, and little to hold, which is four numbers for each logit.
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


def _measure(z: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The largest logit of each row, its log sum exp z and the entropy, (R, 1) each."""
    largest = z.amax(dim=1, keepdim=True)
    _, s, entropy = _sums(z, largest)
    return largest, largest + s.log(), entropy


def measure(z: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The largest logit of each row of z (R, V), its log sum exp and the entropy of softmax(z), nats: (R, 1) each."""
    if native.serves(z):
        return native.measure(z).split(1, dim=1)  # type: ignore[return-value]
    return run_on_gpu(_measure, z)  # type: ignore[no-any-return]


def _first_step(z: Tensor, m: Tensor, v: Tensor, start: Tensor, lse: Tensor, entropy: Tensor, rate: Tensor) -> None:
    """Adam's first step: changes z, and leaves the moments in m and v and p in start, whatever these held before.

    The moments begin at 0, and so does the KL term's gradient.
    """
    logp = (z - lse).clamp(min=LOWEST)
    p = logp.exp()
    gradient = -p * (logp + entropy)
    m.copy_(gradient * (1 - _BETA1))
    v.copy_(gradient * gradient * (1 - _BETA2))
    start.copy_(p)
    # Bias-corrected moments of a single gradient are itself and its square.
    z.sub_(rate * (gradient / (gradient.abs() + _EPS)))


def _measure_again(z: Tensor, e: Tensor, largest: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """After a step: leaves e^(z - largest) in e.

    Returns:
        1 over its sum, log p of a token whose logit is `largest`, and the entropy, (R, 1) each
    """
    # The most likely token stays so and loses little, so that `largest` still serves.
    exponential, s, entropy = _sums(z, largest)
    e.copy_(exponential)
    return 1 / s, -s.log(), entropy


def _next_step(
    z: Tensor,
    m: Tensor,
    v: Tensor,
    start: Tensor,
    e: Tensor,
    inverse_sum: Tensor,
    offset: Tensor,
    kl_weight: Tensor,
    rate: Tensor,
    inverse_correction: Tensor,
) -> None:
    """A later step: changes z, m and v.

    Args:
        z: (R, V)
        m: (R, V), the gradients' running mean
        v: (R, V), their squares'
        start: (R, V), the p that it began with
        e: (R, V), p but for its normaliser
        inverse_sum: (R, 1), which is this
        offset: (R, 1), H - log sum exp z: log p + H = z + offset
        kl_weight: (R, 1)
        rate: (R, 1), the learning rate over m's bias correction; 0 where a row stays as it is
        inverse_correction: 1 over v's bias correction
    """
    p = e * inverse_sum
    gradient = kl_weight * (p - start) - p * (z + offset).clamp(min=LOWEST)
    m.mul_(_BETA1).add_(gradient * (1 - _BETA1))
    v.mul_(_BETA2).add_(gradient * gradient * (1 - _BETA2))
    z.sub_(rate * (m / ((v * inverse_correction).sqrt() + _EPS)))


class _Plan(NamedTuple):
    """What every step needs of every row, made once.

    Attributes:
        threshold: (R, 1)
        kl_weight: (R, 1)
        rates: for each step (R, 1): the learning rate over the bias correction of m, 0 for rows that have had theirs
        inverse_corrections: for each step, 1 over the bias correction of v
        scratch: (B, V) four times, for B rows at a time
    """

    threshold: Tensor
    kl_weight: Tensor
    rates: list[Tensor]
    inverse_corrections: list[Tensor]
    scratch: list[Tensor]

    @classmethod
    def of(cls, parameters: RowParameters, max_steps: int, z: Tensor, scratch: list[Tensor]) -> "_Plan":
        every = range(1, max_steps + 1)
        return cls(
            parameters.threshold,
            parameters.kl_weight,
            [torch.where(parameters.steps >= k, parameters.learning_rate / (1 - _BETA1**k), 0.0) for k in every],
            [torch.full((), 1 / (1 - _BETA2**k), dtype=z.dtype, device=z.device) for k in every],
            scratch,
        )


def scratch_for(z: Tensor, rows: int) -> list[Tensor]:
    """What `descend` needs beside z to work on so many rows at once."""
    return [z.new_empty(rows, z.shape[1]) for _ in range(4)]


def _descend(z: Tensor, plan: _Plan, largest: Tensor, lse: Tensor, entropy: Tensor) -> None:
    """All steps of the rows z (B, V), which are changed."""
    threshold, kl_weight = plan.threshold, plan.kl_weight
    m, v, start, e = (buffer[: len(z)] for buffer in plan.scratch)
    above = entropy >= threshold
    # The first rate is undone of its correction: m / (1 - beta) is the gradient.
    rate = torch.where(above, plan.rates[0] * (1 - _BETA1), 0.0)
    run_on_gpu(_first_step, z, m, v, start, lse, entropy, rate)
    for rates, inverse_correction in zip(plan.rates[1:], plan.inverse_corrections[1:], strict=True):
        inverse_sum, top, entropy = run_on_gpu(_measure_again, z, e, largest)
        # A row that stops never starts again: its logits, and so its entropy, no longer change.
        above = above & (entropy >= threshold)
        if not z.is_cuda and not above.any():
            break
        rate, offset = torch.where(above, rates, 0.0), entropy + top - largest
        run_on_gpu(_next_step, z, m, v, start, e, inverse_sum, offset, kl_weight, rate, inverse_correction)


@torch.no_grad()
def descend(z: Tensor, parameters: RowParameters, max_steps: int, scratch: list[Tensor] | None = None) -> None:
    """Take each row of z (R, V), in place, below its threshold or through its steps.

    On a GPU all rows are worked on, those below their threshold too, and the host never waits. On a CPU those are left
    out, and large vocabularies in float32 are for `adam.c`, which lets the tail of a distribution lie.

    Args:
        z: (R, V), float32 or float64
        parameters: (R, 1) each, on z's device
        max_steps: the largest of `parameters.steps`, known without asking the device
        scratch: of `scratch_for`, on a GPU; made anew unless given
    """
    if native.serves(z):
        native.descend(z, torch.cat(parameters, dim=1))
        return
    if z.is_cuda:
        scratch = scratch or scratch_for(z, min(len(z), ROWS_AT_ONCE))
        for start in range(0, len(z), len(scratch[0])):
            here = slice(start, start + len(scratch[0]))
            _descend(z[here], _Plan.of(parameters.rows(here), max_steps, z, scratch), *measure(z[here]))
        return
    measured = measure(z)
    above = ((measured[2] >= parameters.threshold) & (parameters.steps >= 1)).flatten().nonzero().flatten()
    for rows in above.split(ROWS_AT_ONCE) if len(above) else ():
        block = z[rows]
        plan = _Plan.of(parameters.rows(rows), max_steps, z, scratch_for(z, len(rows)))
        _descend(block, plan, *(value[rows] for value in measured))
        z[rows] = block
