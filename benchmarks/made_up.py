"""An engine for timing a training step by itself: its completions are noise of the greatest length."""

import random
from collections.abc import Iterable, Sequence

from torch import Tensor

from emlit.engines import Engine, ModelSource
from emlit.engines.base import OnFinished
from emlit.records import Completion, Request, Sampling


class MadeUp(Engine):
    """Tokens of a small vocabulary that no model has seen, with log-probabilities that are not theirs."""

    def start(self, source: ModelSource) -> None:
        self.weights_version = 0

    def generate(
        self, requests: Sequence[Request], sampling: Sampling, on_finished: OnFinished | None = None
    ) -> list[Completion]:
        found = []
        for request in requests:
            draw = random.Random(request.seed)
            tokens = [draw.randrange(5, 100) for _ in range(sampling.max_tokens)]
            found.append(Completion(tokens, [-4.5] * len(tokens), "length"))
        return found

    def load_weights(self, weights: Iterable[tuple[str, Tensor]], version: int) -> None:
        for _ in weights:
            pass
        self.weights_version = version

    def close(self) -> None: ...
