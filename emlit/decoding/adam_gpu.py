"""Adam's steps on a GPU, where memory is what they cost.

Where a logit is after some steps follows from where it began and from two numbers a row and step, log sum exp and the
entropy. So nothing is kept between the steps: each launch goes every logit's way anew, as far as these numbers are
known, and measures what the next one needs. A row below its threshold is read once; another is read once more for each
step that it takes, and written once. Arithmetic grows with the square of the steps, which should cost less than memory
up to some thirty of them (reckoned, not measured).
"""

import torch
import triton
import triton.language as tl
from torch import Tensor

_BLOCK = 2048  # logits of a program
_BETA1, _BETA2 = tl.constexpr(0.9), tl.constexpr(0.999)  # torch.optim.Adam's defaults, and its epsilon
_EPS = tl.constexpr(1e-8)
_LOWEST = tl.constexpr(-1e30)


def descend(z: Tensor, parameters: Tensor, max_steps: int) -> None:
    """As `emlit.decoding.adam.descend`, in place; the host does not wait.

    Args:
        z: (R, V) float32 on a GPU, its rows contiguous
        parameters: (R, 4) float32: threshold, KL weight, learning rate, steps
        max_steps: the largest of these steps
    """
    rows, vocabulary = z.shape
    chunks = triton.cdiv(vocabulary, _BLOCK)
    # Of each block the largest logit, the sum of exponentials and of their moments, by one launch for the next; of each
    # row at each step log sum exp and the entropy, and how many steps it has made.
    parts, known = z.new_empty(2, rows, chunks, 3), z.new_empty(rows, max_steps, 2)
    moved = torch.zeros(rows, dtype=torch.int32, device=z.device)
    blocks = {"BLOCK": _BLOCK, "CHUNKS": triton.next_power_of_2(chunks), "num_warps": 8}
    with torch.cuda.device_of(z):  # Triton launches on the current one
        for taken in range(max_steps + 1):
            _launch[(rows, chunks)](
                z, parts, known, moved, parameters, z.stride(0), vocabulary, chunks, rows, max_steps, taken,
                FIRST=taken == 0, LAST=taken == max_steps, **blocks,
            )  # fmt: skip


@triton.jit
def _step(x, m, v, start, lse, entropy, kl_weight, learning_rate, left1, left2):  # type: ignore[no-untyped-def]
    """One step of Adam: x, m, v and the bias corrections."""
    logp = tl.maximum(x - lse, _LOWEST)
    p = tl.exp(logp)
    gradient = kl_weight * (p - start) - p * (logp + entropy)
    m = _BETA1 * m + (1 - _BETA1) * gradient
    v = _BETA2 * v + (1 - _BETA2) * gradient * gradient
    # 1 - beta^k, by a recurrence that loses no digits.
    left1, left2 = left1 * _BETA1 + (1 - _BETA1), left2 * _BETA2 + (1 - _BETA2)
    x -= learning_rate / left1 * (m / (tl.sqrt(v / left2) + _EPS))
    return x, m, v, left1, left2


@triton.jit(do_not_specialize=["chunks", "rows", "max_steps", "taken"])  # one compilation for all batches
def _launch(  # type: ignore[no-untyped-def]
    z, parts, known, moved, parameters, stride, vocabulary, chunks, rows, max_steps, taken,
    FIRST: tl.constexpr, LAST: tl.constexpr, BLOCK: tl.constexpr, CHUNKS: tl.constexpr,
):  # fmt: skip
    """Go `taken` steps from where the logits are, then measure them or, the last time, write them."""
    row, chunk = tl.program_id(0), tl.program_id(1)
    columns = chunk * BLOCK + tl.arange(0, BLOCK)
    inside = columns < vocabulary
    place = z + row.to(tl.int64) * stride + columns
    known += row * max_steps * 2
    if FIRST:
        x = tl.load(place, mask=inside, other=float("-inf"))
    else:
        # One that has not stopped has made all steps but this one, or this one too: another block may have said so.
        made = tl.load(moved + row)
        going = made >= taken - 1
        if (not LAST) and (not going):
            return
        each = tl.arange(0, CHUNKS)
        found, there = parts + (((taken - 1) % 2) * rows + row) * chunks * 3 + each * 3, each < chunks
        top = tl.load(found, mask=there, other=_LOWEST)
        largest = tl.max(top, axis=0)
        shift = top - largest
        scale = tl.exp(shift)
        s = tl.load(found + 1, mask=there, other=0.0)
        total = tl.sum(s * scale, axis=0)
        moment = tl.sum((tl.load(found + 2, mask=there, other=0.0) + s * shift) * scale, axis=0)
        lse, entropy = largest + tl.log(total), tl.log(total) - moment / total
        threshold, steps = tl.load(parameters + row * 4), tl.load(parameters + row * 4 + 3)
        takes = going & (entropy >= threshold) & (steps >= taken)
        earlier = tl.minimum(made, taken - 1)
        if takes:
            if chunk == 0:
                tl.store(known + (taken - 1) * 2, lse)
                tl.store(known + (taken - 1) * 2 + 1, entropy)
                tl.store(moved + row, taken)
        elif (not LAST) or earlier == 0:
            return
        x = tl.load(place, mask=inside, other=float("-inf"))
        kl_weight, learning_rate = tl.load(parameters + row * 4 + 1), tl.load(parameters + row * 4 + 2)
        start = tl.exp(tl.maximum(x - tl.load(known, mask=earlier > 0, other=lse), _LOWEST))
        m, v = tl.zeros_like(x), tl.zeros_like(x)
        left1, left2 = 0.0, 0.0
        for k in range(earlier):
            x, m, v, left1, left2 = _step(
                x,
                m,
                v,
                start,
                tl.load(known + k * 2),
                tl.load(known + k * 2 + 1),
                kl_weight,
                learning_rate,
                left1,
                left2,
            )
        if takes:
            x, m, v, left1, left2 = _step(x, m, v, start, lse, entropy, kl_weight, learning_rate, left1, left2)
    if LAST:
        tl.store(place, x, mask=inside)
    else:
        top = tl.maximum(tl.max(x, axis=0), _LOWEST)
        shifted = tl.maximum(x - top, _LOWEST)
        e = tl.exp(shifted)
        found = parts + (((taken % 2) * rows + row) * chunks + chunk) * 3
        tl.store(found, top)
        tl.store(found + 1, tl.sum(e, axis=0))
        tl.store(found + 2, tl.sum(e * shifted, axis=0))
