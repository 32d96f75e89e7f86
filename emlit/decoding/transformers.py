"""The decodings inside transformers' `generate`."""

from typing import Any

from torch import Tensor
from transformers import LogitsProcessor

from emlit.decoding import Decoding


class EntropyLogitsProcessor(LogitsProcessor):
    """A decoding for `generate(..., logits_processor=[EntropyLogitsProcessor(decoding)])`.

    `generate` applies it to the raw logits, before temperature and filters. Rows do not depend on each other, so a
    batch, left-padded as ever, gives each prompt what it would get alone.

    Args:
        decoding: any of `emlit.decoding`
    """

    def __init__(self, decoding: Decoding) -> None:
        self.decoding = decoding

    def __call__(self, input_ids: Any, scores: Tensor) -> Tensor:
        """(B, T) token ids, (B, V) -> (B, V), float32."""
        return self.decoding(scores)
