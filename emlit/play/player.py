"""Two answers to one prompt, a token at a time: one drawn from the model's own distributions, one after EM-INF."""

import inspect
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from emlit import pretrained
from emlit.context import context_length
from emlit.decoding import EntropyMinimization
from emlit.errors import ConfigError
from emlit.functional import token_entropy
from emlit.grading import extract_answer, math_equal
from emlit.rollout.chat import Chat
from emlit.samples.token_texts import TextStream

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

LIKELIEST = 5
MOST_TOKENS = 4096
COLUMNS = ("plain", "EM-INF")


@dataclass(frozen=True)
class Asked:
    """One question to the player.

    Attributes:
        prompt: what the user says
        answer: what is compared with; empty for none
        temperature: of both columns; 0 takes the likeliest token
        max_tokens: of each answer, at most
        seed: of both columns: as long as their distributions agree they draw the same tokens
        threshold, kl_weight, learning_rate, steps: of `EntropyMinimization`

    Raises:
        ConfigError: a value that cannot be
    """

    prompt: str
    answer: str = ""
    temperature: float = 1.0
    max_tokens: int = 256
    seed: int = 0
    threshold: float = 0.3
    kl_weight: float = 0.05
    learning_rate: float = 0.1
    steps: int = 3

    def __post_init__(self) -> None:
        for field in fields(self):
            value, kind = getattr(self, field.name), type(field.default) if field.name != "prompt" else str
            if isinstance(value, bool) or not isinstance(value, (int, float) if kind is float else kind):
                raise ConfigError(f"{field.name} is {value!r}; it must be of type {kind.__name__}")
        if not self.prompt.strip():
            raise ConfigError("the prompt is empty; ask something")
        if not 0 <= self.temperature <= 10:
            raise ConfigError(f"temperature is {self.temperature}; it must be from 0 to 10")
        if not 1 <= self.max_tokens <= MOST_TOKENS:
            raise ConfigError(f"max_tokens is {self.max_tokens}; it must be from 1 to {MOST_TOKENS}")
        if not 0 <= self.seed < 2**63:
            raise ConfigError(f"seed is {self.seed}; it must be at least 0")
        try:
            self.decoding()
        except ValueError as error:
            raise ConfigError(str(error)) from None

    @classmethod
    def of(cls, content: Any) -> "Asked":
        """From what a page sent.

        Raises:
            ConfigError: it is no question
        """
        known = [field.name for field in fields(cls)]
        if not isinstance(content, dict) or "prompt" not in content:
            raise ConfigError("a question is a JSON object with a prompt")
        if unknown := sorted(map(str, {*content} - {*known})):
            raise ConfigError(f"{unknown[0]} is no setting; there are {', '.join(known)}")
        return cls(**content)

    def decoding(self) -> EntropyMinimization:
        return EntropyMinimization(self.threshold, self.kl_weight, self.learning_rate, self.steps)

    def room(self, prompt: int, context: int) -> int:
        """Tokens that an answer may have behind a prompt of so many.

        Raises:
            ConfigError: there is none
        """
        room = min(self.max_tokens, context - prompt)
        if room < 1:
            raise ConfigError(f"the prompt has {prompt} tokens, and the model takes {context}; shorten it")
        return room


class Player:
    """A model in this process, on the GPU where there is one.

    Args:
        name: "tiny", a hub id, a directory or a GGUF file

    Raises:
        ConfigError, DataError: it cannot be loaded
    """

    def __init__(self, name: str) -> None:
        path = pretrained.resolve(name)
        pretrained.check_weights(path)
        self.name = name
        self.tokenizer: PreTrainedTokenizerBase = pretrained.load_tokenizer(path)
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        dtype = torch.bfloat16 if self._device.type == "cuda" else torch.float32
        model: Any = pretrained.load_model(path, dtype)
        self._model = model.to(self._device).eval()
        self._stop = set(pretrained.stop_token_ids(path, self.tokenizer))
        takes = inspect.signature(self._model.forward).parameters
        if "past_key_values" not in takes:
            raise ConfigError(
                f"{name} has no cache of keys and values, which is what is played with; give another model"
            )
        self._last_alone = {"logits_to_keep": 1} if "logits_to_keep" in takes else {}
        self._chat = Chat(self.tokenizer)
        self._context = context_length(path) or MOST_TOKENS

    @torch.inference_mode()
    def play(self, asked: Asked) -> Iterator[dict[str, Any]]:
        """Events: a token of a column as it is drawn, and at the end what each column comes to.

        Yields:
            {"column", "text", "entropy", "after", "likeliest"}: the token's text, the entropy of the model's own
            distribution and of the one that it was drawn from (temperature aside), nats, and [text, probability
            before, probability after] of its likeliest tokens; then {"column", "tokens", "mean_entropy", "answer",
            "right"}, the last two null where there is none

        Raises:
            ConfigError: the prompt is longer than the model's context
            DataError: the model's chat template refuses it
        """
        prompt = self._chat.encode([{"role": "user", "content": asked.prompt}])
        room = asked.room(len(prompt), self._context)
        tokens = torch.tensor([prompt] * len(COLUMNS), device=self._device)
        drawn: list[list[int]] = [[] for _ in COLUMNS]
        entropies, texts = [0.0] * len(COLUMNS), [TextStream(self.tokenizer) for _ in COLUMNS]
        decoding, noise = asked.decoding(), torch.Generator().manual_seed(asked.seed)
        cache, alive = None, set(range(len(COLUMNS)))
        for step in range(room):
            output = self._model(input_ids=tokens, past_key_values=cache, use_cache=True, **self._last_alone)
            cache, own = output.past_key_values, output.logits[:, -1].float()
            adjusted = torch.cat([own[:1], decoding(own[1:])])
            before, after = token_entropy(own), token_entropy(adjusted)
            gumbel = -torch.empty(own.shape[-1]).exponential_(generator=noise).log().to(self._device)
            scaled = adjusted / asked.temperature + gumbel if asked.temperature else adjusted
            chosen = scaled.argmax(dim=-1)
            for row in sorted(alive):
                token = int(chosen[row])
                drawn[row].append(token)
                entropies[row] += float(before[row])
                ends = token in self._stop or step + 1 == room
                yield {
                    "column": row, "text": texts[row].push(token, ends), "entropy": float(before[row]),
                    "after": float(after[row]), "likeliest": self._likeliest(own[row], adjusted[row]),
                }  # fmt: skip
                if ends:
                    alive.discard(row)
                    text = str(self.tokenizer.decode(drawn[row], skip_special_tokens=True))
                    yield told(row, text, len(drawn[row]), entropies[row], asked)
            if not alive:
                return
            tokens = chosen.unsqueeze(1)

    def _likeliest(self, own: Tensor, adjusted: Tensor) -> list[list[Any]]:
        before, after = own.softmax(-1), adjusted.softmax(-1)
        found = before.topk(LIKELIEST).indices.tolist()
        return [[self.tokenizer.decode([t]), float(before[t]), float(after[t])] for t in found]


def told(column: int, text: str, tokens: int, entropies: float, asked: Asked) -> dict[str, Any]:
    """What a column comes to."""
    answer = extract_answer(text)
    right = math_equal(answer, asked.answer) if asked.answer.strip() else None
    return {
        "column": column, "tokens": tokens, "mean_entropy": entropies / tokens, "answer": answer, "right": right
    }  # fmt: skip
