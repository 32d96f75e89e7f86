"""Completions that were made elsewhere: graded and reported as if they had just been sampled."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from torch import Tensor

from emlit.engines.base import Engine, ModelSource, OnFinished
from emlit.errors import ConfigError, DataError, EngineError
from emlit.pretrained import load_tokenizer
from emlit.records import NEXT_TURN, AnswerKey, Completion, Request, Sampling
from emlit.sources import file_rows, require_unicode


class ReplayEngine(Engine):
    """Reads completions from a file; with none, gives the problems' own solutions, which must then all be graded right.

    A line of the file has `task`, `id`, `completion` and, where a problem has several, `sample` (0 unless given): a
    predictions.jsonl is such a file. What a line lacks is empty: a problem that is not in the file ends the run. The
    tokens are those of the model's tokenizer, whoever wrote the text; entropies are measured where the module scores
    (`--model.score false` leaves that out).

    Args:
        path: a JSONL file; the rows' solutions unless set
        decoding_name: of a file with several decodings, the one to replay
    """

    starting = "loading the tokenizer"
    needs_context = trains = False

    def __init__(self, path: str | None = None, decoding_name: str | None = None) -> None:
        if path is not None and not Path(path).is_file():
            raise ConfigError(f"engine.path is {path}, and there is no such file")
        self.path, self.decoding_name = path, decoding_name
        self.texts: dict[AnswerKey, str] = {}
        self.cut: set[AnswerKey] = set()  # answers whose last reply was cut at max_tokens
        if path is not None:
            self._read(Path(path))

    def _read(self, path: Path) -> None:
        decodings: set[str] = set()
        for where, fields in file_rows(path):
            if isinstance(fields, DataError):
                raise fields
            try:
                key = AnswerKey(str(fields["task"]), str(fields["id"]), int(fields.get("sample") or 0))
                text = fields["completion"]
            except (KeyError, ValueError, TypeError) as error:
                raise DataError(f"{where}: not a completion ({error}); it needs task, id and completion") from None
            name = str(fields.get("decoding", ""))
            if self.decoding_name is not None and name != self.decoding_name:
                continue
            decodings.add(name)
            if len(decodings) > 1:
                names = ", ".join(sorted(decodings))
                raise ConfigError(
                    f"{path} has completions of several decodings ({names}); choose by engine.decoding_name"
                )
            if not isinstance(text, str):
                raise DataError(f"{where}: the completion is no text")
            require_unicode(text, f"{where}: the completion")
            if key in self.texts:
                raise DataError(f"{where}: sample {key.sample} of {key.task}, {key.id} is there twice")
            if fields.get("finish_reason") == "length":
                self.cut.add(key)
            for turn, part in enumerate(text.split(NEXT_TURN)):
                self.texts[key._replace(turn=turn)] = part
        if not self.texts:
            which = f" of the decoding {self.decoding_name!r}" if self.decoding_name else ""
            raise DataError(f"{path} has no completion{which}")

    def offer(self, solutions: Mapping[tuple[str, str], str | None]) -> None:
        """The problems that will be asked for, by task and id, with their solutions.

        Raises:
            DataError: there is neither a completion nor a solution for one of them
        """
        for (task, id), solution in solutions.items():
            if self.path is not None:
                if AnswerKey(task, id) not in self.texts:
                    raise DataError(f"{self.path} has no completion of {task}, {id}; add a line, or leave the row out")
            elif solution is None:
                raise DataError(
                    f"{task}, {id} has no solution to replay; give a file of completions with --data.engine.path"
                )
            else:
                turns = enumerate(solution.split(NEXT_TURN))
                self.texts |= {AnswerKey(task, id, 0, turn): text for turn, text in turns}

    def digest(self) -> str:
        """Of all that it replays."""
        return hashlib.sha256(repr((sorted(self.texts.items()), sorted(self.cut))).encode()).hexdigest()

    def start(self, source: ModelSource) -> None:
        self.tokenizer = load_tokenizer(source.path)
        self.end = source.stop_token_ids[0]

    def generate(
        self, requests: Sequence[Request], sampling: Sampling, on_finished: OnFinished | None = None
    ) -> list[Completion]:
        completions = []
        for place, request in enumerate(requests):
            completions.append(self._completion(request))
            if on_finished is not None:
                on_finished(place, completions[-1])
        return completions

    def _completion(self, request: Request) -> Completion:
        if request.key is None:
            raise EngineError("ReplayEngine has completions for predict, validate and test; set another for fit")
        # Of the rows' own solutions there is one each.
        key = request.key if self.path is not None else request.key._replace(sample=0)
        if key not in self.texts:
            if key._replace(turn=0) in self.texts:
                # A conversation that outgrew its context has fewer turns than its task.
                return Completion([], None, "length", "")
            raise EngineError(
                f"{self.path} has no sample {key.sample} of {key.task}, {key.id}; lower data.evaluation_samples"
            )
        text, tokens = self.texts[key], self.tokenizer(self.texts[key], add_special_tokens=False)["input_ids"]
        last = key._replace(turn=key.turn + 1) not in self.texts
        if last and key._replace(turn=0) in self.cut:
            return Completion(tokens, None, "length", text)
        return Completion([*tokens, self.end], None, "stop", text)

    def load_weights(self, weights: Iterable[tuple[str, Tensor]], version: int) -> None:
        """What is written does not change with weights."""
        self.weights_version = version

    def close(self) -> None:
        self.texts = {}
