"""One answered sample, as it stands in predictions.jsonl."""

import reprlib
from dataclasses import asdict, dataclass
from typing import Any, get_args, get_type_hints

from emlit.engines import Completion
from emlit.functional import TokenStats
from emlit.rollout.prompts import Prompt


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

    @classmethod
    def of(
        cls, prompt: Prompt, sample: int, completion: Completion, text: str, stats: TokenStats | None
    ) -> "Prediction":
        """Grade and summarise one completion."""
        grade = prompt.task.grade(prompt.row, text)
        if stats is None:
            entropy, logprob = None, sum(completion.logprobs) / max(1, len(completion.logprobs))
        else:
            # A mean of nothing is nan, which is no JSON.
            entropy, logprob = (value.mean().item() if len(value) else None for value in (stats.entropy, stats.logprob))
        return cls(
            task=prompt.task.name,
            id=prompt.row.id,
            sample=sample,
            completion=text,
            answer=grade.answer,
            correct=grade.correct,
            format_ok=grade.format_ok,
            tokens=len(completion.tokens),
            mean_entropy=entropy,
            mean_logprob=logprob,
            finish_reason=completion.finish_reason,
        )

    @classmethod
    def from_dict(cls, values: Any) -> "Prediction":
        """Of a line of predictions.jsonl.

        Raises:
            ValueError: a field is missing, unknown or of another type, or text that is not Unicode
        """
        if not isinstance(values, dict) or values.keys() != _TYPES.keys():
            raise ValueError(f"its fields must be {', '.join(_TYPES)}")
        for name, types in _TYPES.items():
            if type(values[name]) not in types:
                raise ValueError(f"{name} is {reprlib.repr(values[name])}")
            if isinstance(values[name], str):
                values[name].encode()
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def _types(hint: Any) -> tuple[type, ...]:
    """What JSON may hold for a field: an int where a float is meant, but no bool for an int."""
    alternatives = get_args(hint) or (hint,)
    return (*alternatives, int) if float in alternatives else alternatives


_TYPES = {name: _types(hint) for name, hint in get_type_hints(Prediction).items()}
