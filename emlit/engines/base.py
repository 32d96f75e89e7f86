"""The seam between emlit and whoever samples."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from emlit.decoding import Decoding
from emlit.errors import ConfigError


@dataclass(frozen=True)
class Sampling:
    """How tokens are drawn.

    Args:
        temperature: 1 samples the model as it is, 0 takes the most likely token; at least 0.01 otherwise, below which
            vLLM would sample at 0.01
        max_tokens: the longest completion, in tokens
        top_p: keep the smallest set of tokens with this much probability; 1 is off
        top_k: keep so many tokens; 0 is off
        min_p: keep tokens with this share of the most likely one's probability; 0 is off
        stop: strings that end a completion; their tokens are kept
        decoding: what is done to the logits before all this, such as EM-INF; greedy sampling skips it
    """

    temperature: float = 1.0
    max_tokens: int = 256
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    stop: list[str] = field(default_factory=list)
    decoding: Decoding | None = None

    def __post_init__(self) -> None:
        if not self.temperature >= 0:
            raise ConfigError(f"temperature is {self.temperature}; it must not be negative")
        if not (self.temperature == 0 or 0.01 <= self.temperature < inf):
            raise ConfigError(
                f"temperature is {self.temperature}; it must be finite and at least 0.01, or 0 for the likeliest token"
            )
        if self.max_tokens < 1:
            raise ConfigError(f"max_tokens is {self.max_tokens}; it must be at least 1")
        if not 0 < self.top_p <= 1:
            raise ConfigError(f"top_p is {self.top_p}; it must be above 0 and at most 1 (1 is off)")
        if self.top_k < 0:
            raise ConfigError(f"top_k is {self.top_k}; it must not be negative (0 is off)")
        if not 0 <= self.min_p <= 1:
            raise ConfigError(f"min_p is {self.min_p}; it must be between 0 and 1 (0 is off)")
        if "" in self.stop:
            raise ConfigError("stop holds an empty string, which would end every completion at once; leave it out")

    @property
    def filtered(self) -> bool:
        """Whether tokens are drawn from less than the model's whole distribution."""
        return self.top_p < 1 or self.top_k > 0 or self.min_p > 0


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
    """

    tokens: list[int]
    logprobs: list[float] | None
    finish_reason: FinishReason
    text: str | None = None


# Told of each completion as it ends: its place among the requests, and what it is.
OnFinished = Callable[[int, Completion], None]


@dataclass(frozen=True)
class ModelSource:
    """What an engine needs to start.

    Attributes:
        path: a Hugging Face directory or id
        context: longest prompt plus completion, in tokens
        stop_token_ids: tokens that end a completion
        trust_remote_code: whether code beside the weights may run
    """

    path: str
    context: int
    stop_token_ids: tuple[int, ...]
    trust_remote_code: bool = False


class Engine(ABC):
    """Samples completions from one set of weights.

    A constructor takes settings and is cheap; `start` loads the model. `weights_version` says which weights are in use:
    0 are those on disk. `asleep` says that it has none: `load_weights` wakes it. `samples_elsewhere` says that sampling
    leaves this process free to train. `can_restart` says that it can be started again after it failed. `weights_dtype`,
    once it has started, is the half precision in which `load_weights` may be given matrices; None asks for them as they
    are. `starting` says what `start` does, to whoever waits for it.
    """

    weights_version: int = 0
    asleep: bool = False
    samples_elsewhere: bool = False
    can_restart: bool = True
    weights_dtype: torch.dtype | None = None
    starting: str = "starting the engine"

    @abstractmethod
    def start(self, source: ModelSource) -> None:
        """Load the model, leaving the global random state as it was."""

    @abstractmethod
    def generate(
        self, requests: Sequence[Request], sampling: Sampling, on_finished: OnFinished | None = None
    ) -> list[Completion]:
        """Sample one completion a request, in order; `on_finished` is told of each as soon as it ends.

        An engine may call `emlit.progress.under_way` now and then, so that long completions are seen to grow.
        """

    @abstractmethod
    def load_weights(self, weights: Iterable[tuple[str, Tensor]], version: int) -> None:
        """Replace the weights by those of a `state_dict()` with Hugging Face names (tied ones under both names)."""

    def sleep(self) -> None:  # noqa: B027 (most hold nothing worth freeing)
        """Free what memory can be freed until new weights come; called when a round is sampled."""

    @abstractmethod
    def close(self) -> None:
        """Free the model. `start` may be called again."""
