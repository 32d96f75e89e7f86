"""Locally typical sampling: keep the tokens whose surprise is near the entropy (Meister et al., arXiv 2202.00666)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from emlit.decoding.base import Decoding
from emlit.functional.entropy import token_entropy


def locally_typical(logits: Tensor, mass: float = 0.9) -> Tensor:
    """Logits with -inf at all but the locally typical tokens.

    Tokens are taken in the order of |-log p - H|, H = -sum p log p, until their probabilities add up to `mass` (arXiv
    2202.00666); the one that reaches it is kept, so that one always is, and so are those at the same distance.
    The most likely token may be left out: where H is large it is less surprising than a typical token.

    Args:
        logits: (B, V); -inf marks an impossible token
        mass: probability to keep, above 0 and below 1

    Returns:
        (B, V), a new tensor; float64 for float64 logits, float32 otherwise. A row that is no distribution (a nan or
        +inf, or nothing but -inf) comes back as it is. No row depends on another row.

    Raises:
        ValueError: logits that are not (B, V)
    """
    if logits.ndim != 2:
        raise ValueError(f"locally_typical needs logits of shape (rows, vocabulary), got {tuple(logits.shape)}")
    z = logits.detach().to(torch.float64 if logits.dtype == torch.float64 else torch.float32)
    logprobs = torch.log_softmax(z, dim=1)
    distance = (logprobs + token_entropy(z).unsqueeze(1)).abs()
    nearest, order = distance.sort(dim=1)
    reached = logprobs.exp().gather(1, order).cumsum(dim=1)
    last = (reached < mass).sum(dim=1, keepdim=True).clamp(max=z.shape[1] - 1)
    return z.masked_fill(distance > nearest.gather(1, last), -torch.inf)  # never true of nan


@dataclass(frozen=True)
class LocallyTypical(Decoding):
    """Locally typical sampling as a decoding; raw logits, so the typical set is that of temperature 1.

    Args:
        mass: probability to keep, above 0 and below 1
    """

    mass: float = 0.9

    def __post_init__(self) -> None:
        if not 0 < self.mass < 1:
            raise ValueError(f"mass is {self.mass}; it must be above 0 and below 1 (leave the decoding out for all)")

    def __call__(self, logits: Tensor) -> Tensor:
        """(B, V) -> (B, V)."""
        return locally_typical(logits, self.mass)

    def describe(self) -> str:
        return f"locally typical {self.mass:g}"
