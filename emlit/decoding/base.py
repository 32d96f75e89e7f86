"""What is done to next-token logits before a token is drawn."""

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass, fields

from torch import Tensor


@dataclass(frozen=True)
class Decoding(ABC):
    """A decoding of one's own is a frozen dataclass below this: its fields are its settings, and all that it knows.

    Engines apply it to raw logits, before temperature and filters; greedy requests skip it.
    """

    @abstractmethod
    def __call__(self, logits: Tensor) -> Tensor:
        """(B, V) -> (B, V), row by row: no value of one row depends on another. The argument is left as it is."""

    def describe(self) -> str:
        """A few words that tell it from others, for names in predictions and reports."""
        words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", type(self).__name__).lower()
        values = [f"{field.name} {getattr(self, field.name)}" for field in fields(self)]
        return f"{words} ({', '.join(values)})" if values else words
