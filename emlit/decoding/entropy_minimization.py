"""EM-INF: lower a next-token distribution's entropy by a few Adam steps on its logits (arXiv 2505.15134, Sec. 4)."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from emlit.functional import token_entropy

_BETA1, _BETA2, _EPS = 0.9, 0.999, 1e-8  # torch.optim.Adam's defaults

# Rows are worked on in pieces of about this many logits, so that the half-dozen temporaries stay in the cache.
_CHUNK_ELEMENTS = 2**19


def _column(value: float | Tensor, rows: Tensor, like: Tensor) -> Tensor:
    """A per-row parameter as (R, 1); a number serves every row."""
    column = torch.as_tensor(value, dtype=like.dtype, device=like.device).reshape(-1, 1)
    return column.expand(len(like), 1)[rows]


def _descend(z: Tensor, threshold: Tensor, kl_weight: Tensor, learning_rate: Tensor, steps: Tensor) -> Tensor:
    """Adam on every row of z (R, V) at once, each row with its own parameters (R, 1) and its own stop."""
    impossible = z == -torch.inf
    m, v = torch.zeros_like(z), torch.zeros_like(z)
    start = torch.softmax(z, dim=-1)
    for step in range(1, int(steps.max()) + 1):
        logp = torch.log_softmax(z, dim=-1)
        p = logp.exp()
        logp = logp.masked_fill(impossible, 0.0)
        # Pairwise summation: a dot product costs 1e-4 nats at V = 150,000.
        entropy = -(p * logp).sum(dim=-1, keepdim=True)
        gradient = kl_weight * (p - start) - p * (logp + entropy)
        m.lerp_(gradient, 1 - _BETA1)
        v.mul_(_BETA2).addcmul_(gradient, gradient, value=1 - _BETA2)
        update = (m / (1 - _BETA1**step)) / ((v / (1 - _BETA2**step)).sqrt() + _EPS)
        # A row that stops never starts again: its logits, and so its entropy, no longer change.
        active = (entropy >= threshold) & (step <= steps)
        z = torch.where(active & ~impossible, z - learning_rate * update, z)
    return z


def minimize_entropy(
    logits: Tensor,
    threshold: float | Tensor = 0.3,
    kl_weight: float | Tensor = 0.05,
    learning_rate: float | Tensor = 0.1,
    steps: int | Tensor = 3,
) -> Tensor:
    """Lower the entropy of each row of logits, the model untouched.

    Row by row, this is what a fresh torch.optim.Adam on that row's logits z does in at most `steps` steps on

        L = H(softmax z) + kl_weight * KL(p0 || softmax z)

    where p0 is the distribution that it began with; it stops as soon as H < threshold. The gradient is taken in closed
    form, dL/dz = -p (log p + H) + kl_weight (p - p0), so nothing is recorded by autograd. Sec. 4 of the paper has no KL
    term; the released code adds it. No row depends on another row, and the most likely token stays the most likely.

    Args:
        logits: (B, V); -inf marks an impossible token and stays
        threshold: nats; rows below it come back bit-identical
        kl_weight: weight of the pull towards p0
        learning_rate: Adam's; its first steps move each logit by nearly this much
        steps: at most so many. Each of the four may be a number or a (B,) tensor, one value a row.

    Returns:
        (B, V), a new tensor; float64 for float64 logits, float32 otherwise

    Raises:
        ValueError: logits that are not (B, V)
    """
    if logits.ndim != 2:
        raise ValueError(f"minimize_entropy needs logits of shape (rows, vocabulary), got {tuple(logits.shape)}")
    out = logits.detach().to(torch.float64 if logits.dtype == torch.float64 else torch.float32, copy=True)
    entropy = token_entropy(out)
    every = torch.arange(len(out), device=out.device)
    active = every[entropy >= _column(threshold, every, out).squeeze(1)]
    if not len(active):
        return out
    for rows in active.split(max(1, _CHUNK_ELEMENTS // max(1, out.shape[1]))):
        parameters = (_column(value, rows, out) for value in (threshold, kl_weight, learning_rate, steps))
        out[rows] = _descend(out[rows], *parameters)
    return out


@dataclass(frozen=True)
class EntropyMinimization:
    """EM-INF as a decoding: what an engine does to its logits before temperature and filters.

    Args:
        threshold: leave a distribution alone once its entropy is below so many nats
        kl_weight: weight of the pull towards the model's own distribution
        learning_rate: Adam's, on the logits
        steps: at most so many optimisation steps for each token
    """

    threshold: float = 0.3
    kl_weight: float = 0.05
    learning_rate: float = 0.1
    steps: int = 3

    def __post_init__(self) -> None:
        for name in ("threshold", "kl_weight"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} is {getattr(self, name)}; it must not be negative")
        if not self.learning_rate > 0:
            raise ValueError(f"learning_rate is {self.learning_rate}; it must be positive")
        if self.steps < 1:
            raise ValueError(f"steps is {self.steps}; it must be at least 1")

    def __call__(self, logits: Tensor) -> Tensor:
        """(B, V) -> (B, V)."""
        return minimize_entropy(logits, self.threshold, self.kl_weight, self.learning_rate, self.steps)


Preset = Literal["released", "paper"]

PRESETS: dict[str, EntropyMinimization] = {
    # scripts/em_inf_eval.sh of the released code
    "released": EntropyMinimization(threshold=0.3, kl_weight=0.05, learning_rate=0.1, steps=3),
    # Sec. 4: 0.1 < threshold < 0.5, 5 to 15 steps, no KL term; the learning rate is the released one
    "paper": EntropyMinimization(threshold=0.3, kl_weight=0.0, learning_rate=0.1, steps=10),
}
