"""Stop strings in transformers' `generate`."""

from typing import Any

from torch import Tensor


class StopStrings:
    """A stopping criterion: a row ends where what was sampled has a stop string.

    transformers' own also ends a row whose string began in the prompt: vLLM and OpenAI's API do not, and the padding
    that follows would be taken for an end token that the model drew.

    Args:
        tokenizer: the model's
        stop: the strings
        prompt_width: of the batch, padding included
    """

    def __init__(self, tokenizer: Any, stop: list[str], prompt_width: int) -> None:
        from transformers import StopStringCriteria

        self._criterion, self._width = StopStringCriteria(tokenizer, stop), prompt_width

    def __call__(self, input_ids: Any, scores: Any, **options: Any) -> Tensor:
        """(B, prompt_width + T) token ids -> (B), bool."""
        return self._criterion(input_ids[:, self._width :], scores, **options)
