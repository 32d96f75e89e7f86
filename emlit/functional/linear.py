"""Log-probability and entropy of next-token distributions, from hidden states, without holding their logits.

The logits of M tokens are M x V numbers, several times over under autograd: at V = 151,936 most of a training step's
memory. Here they exist one tile (some tokens x some of the vocabulary) at a time and are computed once in each pass.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from emlit.functional.entropy import TokenStats
from emlit.functional.running_softmax import RunningSoftmax
from emlit.functional.tiles import HeadOptions, LogitTiles, operand_dtype


class _LinearTokenStats(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        hidden: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        targets: Tensor,
        options: HeadOptions,
    ) -> tuple[Tensor, Tensor]:
        ctx.set_materialize_grads(False)
        ctx.options = options
        with torch.autocast(hidden.device.type, enabled=False):
            tiles = LogitTiles(hidden, weight, bias, targets, options)
            softmax = RunningSoftmax(tiles)
            for columns in tiles.columns:
                for rows in tiles.rows:
                    softmax.add(tiles.logits(rows, columns), rows, columns)
            logprob, entropy, lse = softmax.results()
        ctx.save_for_backward(hidden, weight, bias, targets, entropy, lse)
        return logprob.flatten().clone(), entropy.flatten().clone()  # no views: FSDP2 hangs its hooks on them

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g_logprob: Tensor | None, g_entropy: Tensor | None) -> tuple[Tensor | None, ...]:
        hidden = ctx.saved_tensors[0]
        if g_logprob is None and g_entropy is None:
            return (None,) * 5
        with torch.autocast(hidden.device.type, enabled=False):
            return _LinearTokenStats._gradients(ctx, g_logprob, g_entropy)

    @staticmethod
    def _gradients(ctx: Any, g_logprob: Tensor | None, g_entropy: Tensor | None) -> tuple[Tensor | None, ...]:
        hidden, weight, bias, targets, entropy, lse = ctx.saved_tensors
        for_hidden, for_weight, for_bias = ctx.needs_input_grad[:3]
        tiles = LogitTiles(hidden, weight, bias, targets, ctx.options)
        g_logprob, g_entropy = (
            g if g is None else g.to(tiles.dtype).unsqueeze(1).contiguous() for g in (g_logprob, g_entropy)
        )
        d_hidden = zeros_if(for_hidden, hidden, tiles.dtype)
        d_weight, d_bias = zeros_if(for_weight, weight), zeros_if(for_bias, bias)
        # With the vocabulary outside, a tile's rows of dW are summed in float32 and written once, whatever their dtype.
        for columns in tiles.columns:
            sums = [d if d is None else d[columns].to(tiles.dtype) for d in (d_weight, d_bias)]
            for rows in tiles.rows:
                z = tiles.logits(rows, columns)
                dz = tiles.gradient(z, rows, columns, lse, entropy, g_logprob, g_entropy)
                tiles.backpropagate(dz, rows, columns, d_hidden if d_hidden is None else d_hidden[rows], *sums)
            for total, part in zip((d_weight, d_bias), sums, strict=True):
                if total is not None and part is not None and total.dtype != part.dtype:
                    total[columns] = part
        return d_hidden if d_hidden is None else d_hidden.to(hidden.dtype), d_weight, d_bias, None, None


def zeros_if(wanted: bool, like: Tensor | None, dtype: torch.dtype | None = None) -> Tensor | None:
    """Zeros in the shape of a tensor whose gradient is wanted."""
    return torch.zeros_like(like, dtype=dtype) if wanted and like is not None else None


def linear_token_stats(
    hidden: Tensor,
    weight: Tensor,
    targets: Tensor,
    bias: Tensor | None = None,
    temperature: float | Tensor = 1.0,
    chunk_size: int | None = None,
    softcap: float | None = None,
) -> TokenStats:
    """`token_stats` of the logits z = softcap(hidden @ weight.T + bias), without ever holding them.

    Equal to `token_stats(hidden @ weight.T + bias, targets, temperature)` in values and gradients; it costs one matrix
    product more (the logits, again, in the backward pass) and, beside the gradients themselves, memory for a few tiles
    of the logits. Under autocast on a GPU the products take operands of autocast's dtype, as a linear layer would.
    A token whose hidden states are not finite has nan for both and leaves the others alone.

    Args:
        hidden: (M, D), one row a token
        weight: (V, D), as in torch.nn.Linear; without requires_grad no gradient is computed for it
        targets: (M), int64 token ids; on a GPU, where looking would mean waiting, ids past V have log p = -inf
        bias: (V) or None; -inf marks an impossible token
        temperature: a positive number, or (M) or (M, 1), one a token; no gradient is taken for it
        chunk_size: tokens worked on together; 2,048 unless set. It changes memory and time, not the result.
        softcap: logits are softcap * tanh(logits / softcap) before temperature; None is off

    Returns:
        TokenStats of (M) tensors, nats; float64 for float64 hidden states, float32 otherwise. Differentiable in
        `hidden`, `weight` and `bias`, once.

    Raises:
        ValueError: shapes that do not fit each other, or a chunk_size, softcap or temperature that is not positive
    """
    options = checked_options(hidden, weight, targets, bias, temperature, chunk_size, softcap)
    return TokenStats(*_LinearTokenStats.apply(hidden, weight, bias, targets, options))


def checked_options(
    hidden: Tensor,
    weight: Tensor,
    targets: Tensor,
    bias: Tensor | None,
    temperature: float | Tensor,
    chunk_size: int | None,
    softcap: float | None,
) -> HeadOptions:
    """The options of both functions; ValueError for arguments that do not fit each other."""
    if hidden.ndim != 2 or weight.ndim != 2 or hidden.shape[1] != weight.shape[1]:
        raise ValueError(f"hidden is {tuple(hidden.shape)} and weight {tuple(weight.shape)}; (M, D) and (V, D) fit")
    if targets.shape != hidden.shape[:1]:
        raise ValueError(
            f"targets is {tuple(targets.shape)}; one token id a row of hidden is {tuple(hidden.shape[:1])}"
        )
    if bias is not None and bias.shape != weight.shape[:1]:
        raise ValueError(f"bias is {tuple(bias.shape)}; one number a row of weight is {tuple(weight.shape[:1])}")
    if not targets.is_cuda and len(targets) and not 0 <= int(targets.min()) <= int(targets.max()) < len(weight):
        raise ValueError(
            f"targets go from {int(targets.min())} to {int(targets.max())}; there are {len(weight)} tokens"
        )
    if isinstance(temperature, Tensor):
        if temperature.numel() not in (1, len(hidden)):
            raise ValueError(f"temperature has {temperature.numel()} values; it is one number, or one for each token")
    elif not temperature > 0:
        raise ValueError(f"temperature is {temperature}; it must be positive")
    if chunk_size is not None and chunk_size < 1:
        raise ValueError(f"chunk_size is {chunk_size}; it must be at least 1")
    if softcap is not None and not softcap > 0:
        raise ValueError(f"softcap is {softcap}; it must be positive, or None")
    return HeadOptions(temperature, softcap, chunk_size, operand_dtype(hidden, weight))
