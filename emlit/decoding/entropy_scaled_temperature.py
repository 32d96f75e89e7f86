"""Temperature by entropy: warmer where a distribution is uncertain, cooler where it is certain (arXiv 2509.16591)."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from emlit.decoding.base import Decoding
from emlit.functional.entropy import token_entropy


@dataclass(frozen=True)
class EntropyScaledTemperature(Decoding):
    """HAPO's adaptive rollout temperature: logits are divided by 1 + strength * h, -1 <= h <= 1.

    h = ln(H / reference) / ln(highest / reference) from the reference on, ln(H / reference) / ln(reference / lowest)
    below it, cut at -1 and 1: HAPO's (ln H - q) over its largest value above q, and over its largest below. There q,
    the 0.8 quantile of ln H, and both ends are those of the step before; a decoding knows no step: they are settings.
    `validate` measures them: `--preflight.metrics+=emlit.preflight.TokenEntropies` (docs/preflight.md).

    Args:
        reference: nats, the 0.8 quantile of the tokens' entropies (`entropy_q80`); there nothing changes
        highest: nats, the entropy at which h is 1 (`entropy_max`)
        lowest: nats, the entropy at which h is -1; HAPO counts smaller ones as 1e-8
        strength: largest relative change of the temperature, above 0 and below 1
    """

    reference: float
    highest: float
    lowest: float = 1e-8
    strength: float = 0.05

    def __post_init__(self) -> None:
        if not 0 < self.lowest < self.reference < self.highest < math.inf:
            raise ValueError(
                f"lowest, reference and highest are {self.lowest:g}, {self.reference:g} and {self.highest:g}; they must"
                " be entropies in this order, above 0 (validate measures them: emlit.preflight.TokenEntropies)"
            )
        if not 0 < self.strength < 1:
            raise ValueError(f"strength is {self.strength}; it must be above 0 and below 1")

    def temperature(self, entropy: Tensor) -> Tensor:
        """What logits are divided by at these entropies (B), nats: (B); 1 where an entropy is nan."""
        distance = (entropy.clamp(min=self.lowest) / self.reference).log()
        above, below = math.log(self.highest / self.reference), math.log(self.reference / self.lowest)
        h = torch.where(distance >= 0, distance / above, distance / below).clamp(-1, 1)
        return (1 + self.strength * h).nan_to_num(nan=1.0)

    def __call__(self, logits: Tensor) -> Tensor:
        """(B, V) -> (B, V)."""
        z = logits.detach().to(torch.float64 if logits.dtype == torch.float64 else torch.float32)
        return z / self.temperature(token_entropy(z)).unsqueeze(1)

    def describe(self) -> str:
        return f"entropy-scaled temperature {self.strength:g} around {self.reference:g}"
