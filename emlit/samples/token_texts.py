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
    stream, waiting = TextStream(tokenizer), 0
    for place, token in enumerate(tokens):
        text = stream.push(token, place + 1 == len(tokens))
        if stream.piece:
            waiting += 1
        else:
            texts += [text] + [None] * waiting
            waiting = 0
    return texts


class TextStream:
    """The text of tokens as they come; that of a character's bytes comes with the last of them."""

    def __init__(self, tokenizer: "PreTrainedTokenizerBase") -> None:
        self._tokenizer = tokenizer
        self._before: list[int] = []
        self.piece: list[int] = []  # of a character that is not whole yet

    def push(self, token: int, last: bool) -> str:
        """The text that a token completes; the last one completes whatever there is."""
        self.piece.append(token)
        text = _decode(self._tokenizer, self._before + self.piece)[len(_decode(self._tokenizer, self._before)) :]
        if text.endswith("\ufffd") and len(self.piece) < _LONGEST_CHARACTER and not last:
            return ""
        self._before, self.piece = self.piece, []
        return text


def _decode(tokenizer: "PreTrainedTokenizerBase", tokens: list[int]) -> str:
    if not tokens:
        return ""
    return str(tokenizer.decode(tokens, skip_special_tokens=False, clean_up_tokenization_spaces=False))
