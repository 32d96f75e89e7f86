"""A decoding of a user's own."""

from dataclasses import dataclass

from torch import Tensor

from emlit.decoding import Decoding


@dataclass(frozen=True)
class Typical(Decoding):
    """Cools each row by the share `keep` of its largest logit: no use, but its own."""

    keep: float = 0.9

    def __call__(self, logits: Tensor) -> Tensor:
        return logits - (1 - self.keep) * logits.amax(dim=1, keepdim=True) * (logits < 0)
