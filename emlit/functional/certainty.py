"""Self-certainty: how far a next-token distribution is from knowing nothing (arXiv 2502.18581, 2505.19590)."""

import math

import torch
from torch import Tensor

from emlit.functional.linear import checked_options
from emlit.functional.tiles import LogitTiles


def self_certainty(logits: Tensor, temperature: float | Tensor = 1.0) -> Tensor:
    """KL(U || p) for p = softmax(z), z = logits / temperature, and U uniform over the vocabulary.

    KL(U || p) = -1/V sum_j log(V p_j) = logsumexp(z) - mean(z) - log V

    Args:
        logits: (..., V); an impossible token (-inf) makes it infinite
        temperature: a positive number, or a tensor that broadcasts against `logits`

    Returns:
        (...), nats, never negative but for rounding; float64 for float64 logits, float32 otherwise. Differentiable.
    """
    dtype = torch.promote_types(logits.dtype, torch.float32)
    z = logits.to(dtype) / temperature
    return torch.logsumexp(z, dim=-1) - z.mean(dim=-1) - math.log(z.shape[-1])


@torch.no_grad()
def linear_self_certainty(
    hidden: Tensor,
    weight: Tensor,
    targets: Tensor,
    logprob: Tensor,
    bias: Tensor | None = None,
    temperature: float | Tensor = 1.0,
    softcap: float | None = None,
) -> Tensor:
    """`self_certainty` of the logits softcap(hidden @ weight.T + bias), once log p of one token each is known.

    Then logsumexp(z) = z_y - log p_y, and the mean logit is hidden . mean_j(W_j) + mean_j(b_j): no pass over the
    vocabulary but one to average W. A softcap does not commute with the mean; with one, logits are made in tiles.

    Args:
        hidden: (M, D), one row a token
        weight: (V, D), as in torch.nn.Linear
        targets: (M), int64, the tokens y
        logprob: (M), their log p at the same temperature, nats, as from `linear_token_stats`
        bias: (V) or None
        temperature: a positive number, or (M) or (M, 1), one a token
        softcap: logits are softcap * tanh(logits / softcap) before temperature; None is off

    Returns:
        (M), nats, not differentiable; float64 for float64 hidden states, float32 otherwise

    Raises:
        ValueError: shapes that do not fit each other, or a softcap or temperature that is not positive
    """
    options = checked_options(hidden, weight, targets, bias, temperature, None, softcap)
    if logprob.shape != targets.shape:
        raise ValueError(f"logprob is {tuple(logprob.shape)}; one number a token is {tuple(targets.shape)}")
    with torch.autocast(hidden.device.type, enabled=False):
        tiles = LogitTiles(hidden, weight, bias, targets, options)
        operands, dtype, scale = tiles.hidden, tiles.dtype, tiles.scale.squeeze(1)
        # In the operands' dtype, as the matrix product takes them, and summed as it sums.
        target = (operands.to(dtype) * weight[targets].to(operands.dtype).to(dtype)).sum(dim=1)
        if bias is not None:
            target = target + bias[targets].to(dtype)
        if softcap is not None:
            target = softcap * torch.tanh(target / softcap)
            total = torch.zeros_like(tiles.scale)
            for columns in tiles.columns:
                for rows in tiles.rows:
                    total[rows] += tiles.logits(rows, columns).sum(dim=1, keepdim=True)
            mean = total.squeeze(1) / len(weight)
        else:
            mean = operands.to(dtype) @ weight.mean(dim=0, dtype=dtype)
            if bias is not None:
                mean = mean + bias.to(dtype).mean()
            mean = mean * scale
        return target * scale - logprob.to(dtype) - mean - math.log(len(weight))
