"""A completion's tokens as strings."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_LONGEST_CHARACTER = 4  # bytes in UTF-8, and so tokens


def token_texts(tokenizer: "PreTrainedTokenizerBase", tokens: Sequence[int]) -> list[str | None]:
    """The text of each token; joined, they are the text of all.

    The bytes of one character may be spread over several tokens: its text stands at the first of them, and None at the
    others. Bytes that are no UTF-8 become U+FFFD. Each token is decoded behind the one before it, since some tokenizers
    drop a space at the beginning of what they decode. Special tokens are text too.
    """
    texts: list[str | None] = []
    before: list[int] = []
    piece: list[int] = []
    for place, token in enumerate(tokens):
        piece.append(token)
        text = _decode(tokenizer, before + piece)[len(_decode(tokenizer, before)) :]
        if text.endswith("\ufffd") and len(piece) < _LONGEST_CHARACTER and place + 1 < len(tokens):
            continue
        texts += [text] + [None] * (len(piece) - 1)
        before, piece = piece, []
    return texts


def _decode(tokenizer: "PreTrainedTokenizerBase", tokens: list[int]) -> str:
    if not tokens:
        return ""
    return str(tokenizer.decode(tokens, skip_special_tokens=False, clean_up_tokenization_spaces=False))
