"""One answered sample, as it stands in predictions.jsonl."""

import reprlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, get_type_hints

import torch
from torch import Tensor

from emlit.functional import TokenStats
from emlit.json_files import json_object
from emlit.records import NEXT_TURN, Grade, Grader, Prompt, Turn, answer_classes


@dataclass
class Prediction:
    """A completion with its grade and what the model made of it.

    Attributes:
        task: the task's name
        id: of the row within the task
        sample: which of the row's completions
        completion: the text
        answer: found in it; None where there is none
        correct: None where the row has no label
        format_ok: whether the answer stands where the prompt asked for it
        tokens: how many were sampled, the end token included
        mean_entropy: of the model's own next-token distributions at temperature 1 along the completion, nats; None
            where the module does not score, and of a completion without a token
        mean_logprob: of its tokens under the same distributions, nats; without scoring, under the sampler's
        finish_reason: "stop" or "length"
        decoding: the name of the strategy that made it
        vote: the first of the row's samples with the same answer; -1 where none was found, None where the task's
            answers cannot vote
        parts: whether each sub-problem is right, where there are some
        prompt_tokens: read for it, with those of earlier drafts and turns; shared ones once
        sampled_tokens: sampled for it, with those of votes and earlier drafts
    """

    task: str
    id: str
    sample: int
    completion: str
    answer: str | None
    correct: bool | None
    format_ok: bool
    tokens: int
    mean_entropy: float | None
    mean_logprob: float | None
    finish_reason: str
    decoding: str = ""
    vote: int | None = None
    parts: list[bool] | None = None
    prompt_tokens: int = 0
    sampled_tokens: int = 0

    @classmethod
    def of(
        cls,
        prompt: Prompt,
        sample: int,
        decoding: str,
        turns: Sequence[Turn],
        stats: Sequence[TokenStats] | None,
        grade: Grade,
    ) -> "Prediction":
        """Summarise an answer.

        Args:
            prompt: the problem
            sample: which of its answers
            decoding: the strategy's name
            turns: one, or several of a task of several
            stats: of each turn's reply; None where the module does not score
            grade: of `text_of` the turns
        """
        completions = [turn.reply.completion for turn in turns]
        if stats is None:
            logprobs = [logprob for completion in completions for logprob in completion.logprobs or []]
            entropy, logprob = None, sum(logprobs) / len(logprobs) if logprobs else None
        else:
            entropy, logprob = (_mean([getattr(each, name) for each in stats]) for name in ("entropy", "logprob"))
        return cls(
            task=prompt.task.name,
            id=prompt.row.id,
            sample=sample,
            completion=text_of(turns),
            answer=grade.answer,
            correct=grade.correct,
            format_ok=grade.format_ok,
            tokens=sum(len(completion.tokens) for completion in completions),
            mean_entropy=entropy,
            mean_logprob=logprob,
            finish_reason="length" if any(each.finish_reason == "length" for each in completions) else "stop",
            decoding=decoding,
            parts=grade.parts,
            prompt_tokens=sum(turn.prompt_tokens for turn in turns),
            sampled_tokens=sum(turn.sampled_tokens for turn in turns),
        )

    @classmethod
    def from_json(cls, line: bytes) -> "Prediction":
        """Of a line of predictions.jsonl.

        Raises:
            ValueError: a field is missing, unknown or of another type, or text that is not Unicode
        """
        values = json_object(line, _TYPES, alone=True)
        for name, value in values.items():
            if isinstance(value, str):
                value.encode()
            if isinstance(value, int) and abs(value) > 2**53:  # past what a float can count
                raise ValueError(f"{name} is {reprlib.repr(value)}")
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def text_of(turns: Sequence[Turn]) -> str:
    """An answer's text; the replies of several turns are joined by NEXT_TURN."""
    return NEXT_TURN.join(turn.reply.text for turn in turns)


def count_votes(predictions: Iterable[Prediction], tasks: Iterable[Grader]) -> None:
    """Set each prediction's `vote`, the answers compared by its task; all samples of a problem must be there."""
    by_name = {task.name: task for task in tasks}
    groups: dict[tuple[str, str, str], list[Prediction]] = defaultdict(list)
    for prediction in predictions:
        groups[prediction.decoding, prediction.task, prediction.id].append(prediction)
    for (_, name, _), group in groups.items():
        if not by_name[name].votes:
            continue
        group.sort(key=lambda prediction: prediction.sample)
        for prediction in group:
            prediction.vote = -1
        for places in answer_classes([prediction.answer for prediction in group], by_name[name].equal):
            for place in places:
                group[place].vote = group[places[0]].sample


def _mean(parts: Sequence[Tensor]) -> float | None:
    """Of all tokens of all turns; a mean of nothing would be nan, which is no JSON."""
    values = torch.cat(list(parts))
    return values.mean().item() if len(values) else None


_TYPES = get_type_hints(Prediction)
