"""The entropy of next-token distributions as a loss, its gradient taken in the forward pass."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from emlit.functional.entropy import TokenStats
from emlit.functional.linear import checked_options, zeros_if
from emlit.functional.running_softmax import RunningSoftmax
from emlit.functional.tiles import HeadOptions, LogitTiles

# Logits held together: some tokens, the whole vocabulary.
_HELD_ELEMENTS_CPU, _HELD_ELEMENTS_GPU = 2**25, 2**29
_COLUMNS = 4096


class _LinearEntropyLoss(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        hidden: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        targets: Tensor,
        options: HeadOptions,
        token_weights: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        held = _HELD_ELEMENTS_GPU if hidden.is_cuda else _HELD_ELEMENTS_CPU
        with torch.autocast(hidden.device.type, enabled=False):
            tiles = LogitTiles(hidden, weight, bias, targets, options, max(1, held // len(weight)), _COLUMNS)
            softmax = RunningSoftmax(tiles)
            g_entropy = token_weights.to(tiles.dtype).unsqueeze(1)
            inputs = hidden, weight, bias
            wanted = zip(ctx.needs_input_grad[:3], inputs, strict=True)
            d_hidden, d_weight, d_bias = (zeros_if(needed, tensor, tiles.dtype) for needed, tensor in wanted)
            for rows in tiles.rows:
                logits = [tiles.logits(rows, columns) for columns in tiles.columns]
                for columns, z in zip(tiles.columns, logits, strict=True):
                    softmax.add(z, rows, columns)
                _, entropy, lse = softmax.results()
                for columns, z in zip(tiles.columns, logits, strict=True):
                    dz = tiles.gradient(z, rows, columns, lse, entropy, None, g_entropy)
                    parts = (d if d is None else d[columns] for d in (d_weight, d_bias))
                    tiles.backpropagate(dz, rows, columns, d_hidden if d_hidden is None else d_hidden[rows], *parts)
                del logits, z, dz  # before the next rows' are made
            logprob, entropy, _ = softmax.results()
        gradients = zip((d_hidden, d_weight, d_bias), inputs, strict=True)
        ctx.gradients = [d if d is None or tensor is None else d.to(tensor.dtype) for d, tensor in gradients]
        logprob, entropy = logprob.squeeze(1), entropy.squeeze(1)
        ctx.mark_non_differentiable(logprob, entropy)
        return (token_weights.to(entropy.dtype) * entropy).sum(), logprob, entropy

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g_loss: Tensor, *_: Any) -> tuple[Tensor | None, ...]:
        if ctx.gradients is None:
            raise RuntimeError("linear_entropy_loss can be back-propagated once: its gradients are not kept")
        gradients = [d if d is None else d.mul_(g_loss) for d in ctx.gradients]
        ctx.gradients = None
        return (*gradients, None, None, None)


def linear_entropy_loss(
    hidden: Tensor,
    weight: Tensor,
    targets: Tensor,
    token_weights: Tensor,
    bias: Tensor | None = None,
    temperature: float | Tensor = 1.0,
    chunk_size: int | None = None,
    softcap: float | None = None,
) -> tuple[Tensor, TokenStats]:
    """sum_i w_i H_i with H as in `linear_token_stats`, for weights that are known before the entropies.

    Its gradient is taken in the forward pass, while the logits are still there, so that they are computed once: three
    matrix products instead of four. In exchange the whole vocabulary of `chunk_size` tokens is held, and the gradients
    of `hidden` and `weight` wait from the forward to the backward pass, summed in float32.

    Args:
        hidden: (M, D), one row a token
        weight: (V, D), as in torch.nn.Linear; without requires_grad no gradient is computed for it
        targets: (M), int64 token ids, of which log p is wanted beside the loss
        token_weights: (M), taken as constants
        bias: (V) or None
        temperature: a positive number, or (M) or (M, 1), one a token; no gradient is taken for it
        chunk_size: tokens worked on together; about 2^25 logits (2^29 on a GPU) unless set
        softcap: logits are softcap * tanh(logits / softcap) before temperature; None is off

    Returns:
        The loss, a scalar differentiable once in `hidden`, `weight` and `bias`; and TokenStats of (M) tensors, nats,
        without a gradient. float64 for float64 hidden states, float32 otherwise.

    Raises:
        ValueError: shapes that do not fit each other, or a chunk_size, softcap or temperature that is not positive
    """
    options = checked_options(hidden, weight, targets, bias, temperature, chunk_size, softcap)
    if token_weights.shape != targets.shape:
        raise ValueError(f"token_weights is {tuple(token_weights.shape)}; one a token is {tuple(targets.shape)}")
    loss, logprob, entropy = _LinearEntropyLoss.apply(hidden, weight, bias, targets, options, token_weights)
    return loss, TokenStats(logprob, entropy)
