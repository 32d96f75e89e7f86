"""EM-INF: lower a next-token distribution's entropy by a few Adam steps on its logits (arXiv 2505.15134, Sec. 4)."""

from dataclasses import dataclass
from math import inf
from typing import Literal

import torch
from torch import Tensor

from emlit.decoding.adam import RowParameters, descend
from emlit.decoding.base import Decoding
from emlit.decoding.rows import column


def minimize_entropy(
    logits: Tensor,
    threshold: float | Tensor = 0.3,
    kl_weight: float | Tensor = 0.05,
    learning_rate: float | Tensor = 0.1,
    steps: int | Tensor = 3,
    inplace: bool = False,
) -> Tensor:
    """Lower the entropy of each row of logits, the model untouched.

    Row by row, this is what a fresh torch.optim.Adam on that row's logits z does in at most `steps` steps on

        L = H(softmax z) + kl_weight * KL(p0 || softmax z)

    where p0 is the distribution that it began with; it stops as soon as H < threshold. The gradient is taken in closed
    form, dL/dz = -p (log p + H) + kl_weight (p - p0), so nothing is recorded by autograd. Sec. 4 of the paper has no KL
    term; the released code adds it. No row depends on another row, and the most likely token stays the most likely.

    On a CPU, large vocabularies in float32 are for a C function (`adam.c`, compiled when first needed) that leaves the
    least likely tokens' logits alone, as far as that moves the distribution by less than 1e-4 in total variation.

    Args:
        logits: (B, V); -inf marks an impossible token and stays
        threshold: nats; rows below it come back bit-identical
        kl_weight: weight of the pull towards p0
        learning_rate: Adam's; its first steps move each logit by nearly this much
        steps: at most so many. Each of the four may be a number or a (B,) tensor, one value a row.
        inplace: change `logits`, which must be float32 or float64, and return them

    Returns:
        (B, V), a new tensor unless `inplace`; float64 for float64 logits, float32 otherwise

    Raises:
        ValueError: logits that are not (B, V), or to be changed in place in another dtype
    """
    if logits.ndim != 2:
        raise ValueError(f"minimize_entropy needs logits of shape (rows, vocabulary), got {tuple(logits.shape)}")
    dtype = torch.float64 if logits.dtype == torch.float64 else torch.float32
    if inplace and logits.dtype != dtype:
        raise ValueError(f"logits are {logits.dtype}; only float32 and float64 can be changed in place")
    out = logits.detach() if inplace else logits.detach().to(dtype, copy=True)
    if not out.numel():
        return out
    parameters = RowParameters(*(column(each, out) for each in (threshold, kl_weight, learning_rate, steps)))
    descend(out, parameters, int(steps.max()) if isinstance(steps, Tensor) else steps)
    return out


@dataclass(frozen=True)
class EntropyMinimization(Decoding):
    """EM-INF as a decoding: what an engine does to its logits before temperature and filters.

    Args:
        threshold: leave a distribution alone once its entropy is below so many nats
        kl_weight: weight of the pull towards the model's own distribution, at most 1
        learning_rate: Adam's, on the logits, at most 1
        steps: at most so many optimisation steps for each token, 100 at most
    """

    threshold: float = 0.3
    kl_weight: float = 0.05
    learning_rate: float = 0.1
    steps: int = 3

    def __post_init__(self) -> None:
        # Up to these bounds the most likely token stays so, and one request cannot hold up a server.
        if not 0 <= self.threshold < inf:
            raise ValueError(f"threshold is {self.threshold}; it must be at least 0")
        if not 0 <= self.kl_weight <= 1:
            raise ValueError(f"kl_weight is {self.kl_weight}; it must be at least 0 and at most 1")
        if not 0 < self.learning_rate <= 1:
            raise ValueError(f"learning_rate is {self.learning_rate}; it must be above 0 and at most 1")
        if not 1 <= self.steps <= 100:
            raise ValueError(f"steps is {self.steps}; it must be at least 1 and at most 100")

    def __call__(self, logits: Tensor) -> Tensor:
        """(B, V) -> (B, V)."""
        return minimize_entropy(logits, self.threshold, self.kl_weight, self.learning_rate, self.steps)

    def describe(self) -> str:
        preset = next((name for name, values in PRESETS.items() if values == self), None)
        if preset is not None:
            return f"EM-INF ({preset})"
        kl = f", KL {self.kl_weight:g}" if self.kl_weight else ""
        return f"EM-INF ({self.steps} x {self.learning_rate:g} to {self.threshold:g}{kl})"


Preset = Literal["released", "paper"]

PRESETS: dict[str, EntropyMinimization] = {
    # scripts/em_inf_eval.sh of the released code
    "released": EntropyMinimization(threshold=0.3, kl_weight=0.05, learning_rate=0.1, steps=3),
    # Sec. 4: 0.1 < threshold < 0.5, 5 to 15 steps, no KL term; the learning rate is the released one
    "paper": EntropyMinimization(threshold=0.3, kl_weight=0.0, learning_rate=0.1, steps=10),
}
