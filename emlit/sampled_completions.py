"""The completions of a batch that is not answered yet, on disk as they end."""

import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any, NamedTuple

import torch
from torch import Tensor

from emlit.functional import TokenStats
from emlit.json_files import json_object, require_types
from emlit.records import AnswerKey, Completion, FinishReason, Request
from emlit.resilience.files import append_to, writing

# What is read of a line.
_FIELDS = {
    "decoding": str, "seed": int, "tokens": list[int], "logprobs": list[float] | None, "finish_reason": FinishReason,
    "replayed": str | None, "seconds": float,
}  # fmt: skip


class EarlierSample(NamedTuple):
    """A completion that an earlier, killed run had sampled.

    Attributes:
        completion: as the engine gave it
        seconds: that its batch had been sampled for
    """

    completion: Completion
    seconds: float


class SampledCompletions:
    """A file with a line a completion, written as each ends, for a run that is killed inside a batch.

    A prediction needs more: its grade, the model's own entropies, the votes of its problem. Those follow from all of a
    batch's completions together, so that what is kept are the completions, and a resumed run makes of them what the
    uninterrupted one would have made. Lines are handed to the system one by one; the disk is not waited for.

    Args:
        path: the file; emptied when its batch is answered
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known: dict[tuple[str, int], EarlierSample] = {}
        self._file: IO[bytes] | None = None
        self.kept = 0  # completions in the file

    def load(self, paths: Iterable[Path]) -> None:
        """Take over what killed runs left, also other processes'. A line that cannot be read was not finished."""
        for path in paths:
            for line in path.read_bytes().splitlines():
                try:
                    found = {"stats": None, **json_object(line, _FIELDS)}
                    require_types(found, {"stats": list[list[float]] | None})
                except ValueError:
                    continue
                tokens, logprobs, seconds = found["tokens"], found["logprobs"], found["seconds"]
                if 0 <= seconds < math.inf and (logprobs is None or len(logprobs) == len(tokens)):
                    stats = _stats(found["stats"], len(tokens))
                    completion = Completion(tokens, logprobs, found["finish_reason"], found["replayed"], stats=stats)
                    self._known[found["decoding"], found["seed"]] = EarlierSample(completion, seconds)
        self.kept = len(self._known)

    def find(self, decoding: str, request: Request) -> EarlierSample | None:
        """What was sampled for a request (seeds differ between requests) with a decoding."""
        return self._known.get((decoding, request.seed))

    def add(self, decoding: str, request: Request, completion: Completion, text: str, seconds: float) -> None:
        """Keep a completion.

        Args:
            decoding: the strategy's name
            request: what it was sampled for
            completion: as the engine gave it
            text: for whoever reads the file
            seconds: for which the batch has been sampled

        Raises:
            StorageError: it could not be written
        """
        key = request.key or AnswerKey("", "")
        fields: dict[str, Any] = {
            **key._asdict(),
            "decoding": decoding,
            "completion": text,
            "finish_reason": completion.finish_reason,
            "seed": request.seed,
            "tokens": completion.tokens,
            "logprobs": completion.logprobs,
            "replayed": completion.text,
            "seconds": seconds,
            "stats": None if completion.stats is None else [list(map(_short, values)) for values in completion.stats],
        }
        with writing(self.path, "all completions before this one are kept; make room and repeat the command"):
            if self._file is None:
                self._file = append_to(self.path)
            self._file.write(json.dumps(fields).encode() + b"\n")
            self._file.flush()
        self.kept += 1

    def clear(self) -> None:
        """The batch is answered, and its predictions are on disk."""
        self.close()
        self.kept = 0
        if self.path.exists():
            with append_to(self.path) as file:
                file.truncate(0)

    def close(self) -> None:
        """Close the file and leave it as it is."""
        if self._file is not None:
            self._file.close()
            self._file = None


def _short(value: Tensor) -> float:
    """A float32 in as many digits as say which one it is."""
    return float(f"{value:.9g}")


def _stats(values: list[list[float]] | None, tokens: int) -> TokenStats | None:
    """Log p and H of so many tokens, as they were written."""
    if values is None or [len(each) for each in values] != [tokens, tokens] or not math.isfinite(sum(map(sum, values))):
        return None
    return TokenStats(*(torch.tensor(each, dtype=torch.float32) for each in values))
