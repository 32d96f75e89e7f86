"""The seam between emlit and whoever samples."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from emlit.engines.pending import Pending
from emlit.records import Completion, Request, Sampling

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
    0 are those on disk. `asleep` says that it has none: `load_weights` wakes it. `samples_beside` says that a thread
    may sample while this process trains, `samples_elsewhere` that other processes do it, which takes nothing from
    training, and `pending` is what is sampled beside training. `weights_dtype`, once it has started, is the half
    precision in which `load_weights` may be given matrices; None asks for them as they are.
    `starting` says what `start` does, to whoever waits for it. `needs_context` is False where nobody reads a request's
    prompt, which may then be of any length, and `trains` where completions were made elsewhere. `float32` says that it
    computes in single precision, once it has started.
    """

    weights_version: int = 0
    asleep: bool = False
    samples_beside: bool = False
    samples_elsewhere: bool = False
    pending: Pending | None = None
    weights_dtype: torch.dtype | None = None
    starting: str = "starting the engine"
    needs_context: bool = True
    trains: bool = True
    float32: bool = False

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

    def offer(self, solutions: Mapping[tuple[str, str], str | None]) -> None:  # noqa: B027 (most sample whatever comes)
        """Take note of the problems that evaluation will ask for, by task and id, with their solutions."""

    def digest(self) -> str | None:
        """A hash of the completions that it was given; None where it samples them."""
        return None

    def sleep(self) -> None:  # noqa: B027 (most hold nothing worth freeing)
        """Free what memory can be freed until new weights come; called when a round is sampled."""

    @abstractmethod
    def close(self) -> None:
        """Free the model. `start` may be called again."""
