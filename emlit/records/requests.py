"""What an engine is asked for, and what it gives."""

import hashlib
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from emlit.functional import TokenStats

# Between the replies of a problem of several turns, in its completion. A form feed is in no prompt and in no program.
NEXT_TURN = "\n\f\n"


class AnswerKey(NamedTuple):
    """A task's name, a problem's id, which of its answers, and which turn of that."""

    task: str
    id: str
    sample: int = 0
    turn: int = 0


@dataclass(frozen=True)
class Request:
    """One completion to sample.

    Attributes:
        prompt: token ids
        seed: what it is sampled with, whatever else is in the batch
        key: what it is an answer to, for an engine that looks answers up
    """

    prompt: list[int]
    seed: int
    key: AnswerKey | None = None


FinishReason = Literal["stop", "length"]


@dataclass(frozen=True)
class Completion:
    """One completion.

    Attributes:
        tokens: token ids, the end-of-sequence token included where it was sampled
        logprobs: log-probability of each token under the distribution that it was drawn from, nats; an engine always
            gives them, and None marks a completion that nobody sampled
        finish_reason: "stop" at an end token or stop string, "length" at max_tokens
        text: where it is not what the tokens decode to
        given: how many of the first tokens it was sampled after (a rollout's prefix): part of its text and of what is
            attended to, but neither scored nor trained on; their log-probabilities are 0
        temperature: that it was drawn at, where it is not the run's; None where it is
        advantage: given before training; None where the objective computes it
        weights_version: of the weights that sampled it, where they are not the round's; None where they are
        stats: log p and H of each token by the engine's model itself, at temperature 1 and before a decoding and
            filters: (length,) float32, nats; None where the engine cannot say
    """

    tokens: list[int]
    logprobs: list[float] | None
    finish_reason: FinishReason
    text: str | None = None
    given: int = 0
    temperature: float | None = None
    advantage: float | None = None
    weights_version: int | None = None
    stats: TokenStats | None = field(default=None, compare=False, repr=False)

    @property
    def sampled(self) -> int:
        """How many of its tokens were sampled."""
        return len(self.tokens) - self.given


def request_seed(*parts: int | str) -> int:
    """A 63-bit seed that depends on its parts alone: not on the batch, the rank or what was sampled before."""
    digest = hashlib.blake2b("/".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1
