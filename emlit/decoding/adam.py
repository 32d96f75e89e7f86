"""Adam on the entropy of rows of logits, its gradient in closed form: what EM-INF does at every token."""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from emlit.decoding.rows import run
from emlit.functional.entropy import LOWEST

_BETA1, _BETA2, _EPS = 0.9, 0.999, 1e-8  # torch.optim.Adam's defaults

# A GPU works on so many rows at once: enough to fill it, and little to hold, which is four numbers for each logit.
ROWS_ON_GPU = 64
# On a CPU so many rows are worked on together: they and what Adam remembers of them are read again in every step.
_ROWS_PER_THREAD = 2


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
    if z.is_cuda:
        return run(_measure, z)  # type: ignore[no-any-return]
    size = _rows_at_once(z)
    found = [[value[:real] for value in run(_measure, z[rows])] for rows, real in _blocks(list(range(len(z))), size)]
    largest, lse, entropy = (torch.cat(values) for values in zip(*found, strict=True))
    return largest, lse, entropy


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


def _descend(z: Tensor, plan: _Plan, rows: slice | Tensor, largest: Tensor, lse: Tensor, entropy: Tensor) -> None:
    """All steps of some rows: z (B, V) holds them and is changed, the rest is of all rows."""
    threshold, kl_weight, largest = plan.threshold[rows], plan.kl_weight[rows], largest[rows]
    m, v, start, e = (buffer[: len(z)] for buffer in plan.scratch)
    above = entropy[rows] >= threshold
    # The first rate is undone of its correction: m / (1 - beta) is the gradient.
    rate = torch.where(above, plan.rates[0][rows] * (1 - _BETA1), 0.0)
    run(_first_step, z, m, v, start, lse[rows], entropy[rows], rate)
    for rates, inverse_correction in zip(plan.rates[1:], plan.inverse_corrections[1:], strict=True):
        inverse_sum, top, entropy = run(_measure_again, z, e, largest)
        # A row that stops never starts again: its logits, and so its entropy, no longer change.
        above = above & (entropy >= threshold)
        if not z.is_cuda and not above.any():
            break
        rate, offset = torch.where(above, rates[rows], 0.0), entropy + top - largest
        run(_next_step, z, m, v, start, e, inverse_sum, offset, kl_weight, rate, inverse_correction)


def _rows_at_once(z: Tensor) -> int:
    return 1 if len(z) == 1 else max(2, _ROWS_PER_THREAD * torch.get_num_threads())


def _blocks(rows: list[int], size: int) -> Iterator[tuple[slice | Tensor, int]]:
    """Rows, `size` at a time, and how many of these are meant: a slice where they are neighbours.

    The last block is filled up with its own first row, so that compiled code sees one shape.
    """
    for start in range(0, len(rows), size):
        block = rows[start : start + size]
        if len(block) == size and block[-1] - block[0] == size - 1:
            yield slice(block[0], block[-1] + 1), size
        else:
            yield torch.tensor(block + block[:1] * (size - len(block))), len(block)


@torch.no_grad()
def descend(z: Tensor, parameters: RowParameters, max_steps: int, scratch: list[Tensor] | None = None) -> None:
    """Take each row of z (R, V), in place, below its threshold or through its steps.

    On a GPU all rows are worked on at once, those below their threshold too, and the host never waits. On a CPU, rows
    below it are left out, and the others go a few at a time, so that they stay in the cache from step to step.

    Args:
        z: (R, V), float32 or float64
        parameters: (R, 1) each, on z's device
        max_steps: the largest of `parameters.steps`, known without asking the device
        scratch: of `scratch_for`, on a GPU; made anew unless given
    """
    if z.is_cuda:
        scratch = scratch or scratch_for(z, min(len(z), ROWS_ON_GPU))
        for start in range(0, len(z), len(scratch[0])):
            part = z[start : start + len(scratch[0])]
            plan = _Plan.of(parameters.rows(slice(start, start + len(part))), max_steps, part, scratch)
            _descend(part, plan, slice(None), *measure(part))
        return
    size = _rows_at_once(z)
    plan = _Plan.of(parameters, max_steps, z, scratch_for(z, size))
    largest, lse, entropy = measure(z)
    above = ((entropy >= parameters.threshold) & (parameters.steps >= 1)).squeeze(1)
    for rows, real in _blocks(above.nonzero().squeeze(1).tolist(), size):
        block = z[rows]
        _descend(block, plan, rows, largest, lse, entropy)
        if isinstance(rows, Tensor):
            z[rows[:real]] = block[:real]
