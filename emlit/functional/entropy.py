"""Log-probability and entropy of next-token distributions, from logits.

A row that is no distribution (a nan or +inf in logits / temperature, or nothing but -inf) has nan for both and leaves
the other rows alone: what broke it is then seen where it is used, by `callbacks.SkipNonFinite` in training.
"""

from typing import NamedTuple

import torch
from torch import Tensor

# An impossible token (z = -inf) has p = 0 and p log p = nan; with this in place of -inf, p log p = 0.
LOWEST = -1e30


class TokenStats(NamedTuple):
    """What an objective needs to know of each token.

    Attributes:
        logprob: log p of the token that was sampled, nats
        entropy: entropy of the distribution that it was sampled from, nats
    """

    logprob: Tensor
    entropy: Tensor


def _log_softmax(logits: Tensor, temperature: float | Tensor) -> Tensor:
    dtype = torch.float64 if logits.dtype == torch.float64 else torch.float32
    return torch.log_softmax(logits.to(dtype) / temperature, dim=-1)


def _entropy(logprobs: Tensor) -> Tensor:
    # p log p -> 0 as p -> 0, but 0 * -inf is nan, and so is its gradient.
    return -(logprobs.exp() * logprobs.masked_fill(logprobs == -torch.inf, 0.0)).sum(dim=-1)


def token_entropy(logits: Tensor, temperature: float | Tensor = 1.0) -> Tensor:
    """Entropy of softmax(logits / temperature): H(p) = -sum_j p_j log p_j (arXiv 2505.15134, Eq. 2, one token).

    Args:
        logits: (..., V); -inf marks an impossible token
        temperature: a positive number, or a tensor that broadcasts against `logits`

    Returns:
        (...), nats; float64 for float64 logits, float32 otherwise. Differentiable.
    """
    return _entropy(_log_softmax(logits, temperature))


def token_logprob(logits: Tensor, targets: Tensor, temperature: float | Tensor = 1.0) -> Tensor:
    """log softmax(logits / temperature) at `targets`.

    Args:
        logits: (..., V)
        targets: (...), int64 token ids
        temperature: a positive number, or a tensor that broadcasts against `logits`

    Returns:
        (...), nats; float64 for float64 logits, float32 otherwise. Differentiable.
    """
    return _log_softmax(logits, temperature).gather(-1, targets.unsqueeze(-1)).squeeze(-1)


def token_stats(logits: Tensor, targets: Tensor, temperature: float | Tensor = 1.0) -> TokenStats:
    """Both of the above from one softmax.

    Args:
        logits: (..., V)
        targets: (...), int64 token ids
        temperature: a positive number, or a tensor that broadcasts against `logits`

    Returns:
        TokenStats of (...) tensors, nats; float64 for float64 logits, float32 otherwise. Differentiable.
    """
    logprobs = _log_softmax(logits, temperature)
    return TokenStats(logprobs.gather(-1, targets.unsqueeze(-1)).squeeze(-1), _entropy(logprobs))
