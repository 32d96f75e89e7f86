"""One completion of a round, with what the model made of each of its tokens."""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from emlit.modules import StepOutput
from emlit.samples.token_texts import token_texts

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

TokenLine = tuple[str | None, float | None, float | None]

PROMPT_CHARACTERS = 2000
COMPLETIONS_A_PROMPT = 4


@dataclass(frozen=True)
class Sample:
    """A line of samples.jsonl.

    Attributes:
        step: optimiser step that it was trained on in; the weights of the step before sampled it
        task: the task's name
        id: of the row within the task
        sample: which of the row's completions
        prompt: the row's last message, its first 2,000 characters
        input: what the model saw, chat markup and given tokens included, its last 2,000 characters
        tokens: text (None: a byte of the character before), entropy and log-probability of each, nats, of the
            distribution that it was drawn from
        omitted: how many tokens are left out, and before which of `tokens`; None where there are all of them
        answer: found in the completion
        label: the row's
        correct: None where the row has no label
        mean_entropy: nats, over all tokens
        mean_logprob: nats, over all tokens
        reward: None for an objective without one
        advantage: mean over its tokens; None for an objective without one
        finish_reason: "stop" or "length"
        length: in tokens, the end token included
    """

    step: int
    task: str
    id: str
    sample: int
    prompt: str
    input: str
    tokens: list[TokenLine]
    omitted: tuple[int, int] | None
    answer: str | None
    label: str | None
    correct: bool | None
    mean_entropy: float | None
    mean_logprob: float | None
    reward: float | None
    advantage: float | None
    finish_reason: str
    length: int


def choose(records: Sequence[StepOutput], completions: int, seed: int) -> list[tuple[StepOutput, int, int]]:
    """Which completions of a round to show, as (record, group, completion).

    Up to four of a prompt, so that rewards can be compared, and of as many prompts as that leaves room for; drawn from
    the seed, as micro-batches are sorted by length and the first would be the longest.
    """
    groups = [(r, index) for r in records if not r.batch.apart for index in range(len(r.batch.groups))]
    each = min(records[0].batch.samples_per_prompt, COMPLETIONS_A_PROMPT, completions)
    prompts = min(len(groups), completions // each)
    drawn = random.Random(seed).sample(range(len(groups)), prompts)
    return [(*groups[place], completion) for place in drawn for completion in range(each)]


def sample_of(
    step: int,
    record: StepOutput,
    group_index: int,
    completion_index: int,
    tokenizer: "PreTrainedTokenizerBase",
    max_tokens: int,
) -> Sample:
    """One completion of a record; of a longer one than `max_tokens` its beginning and, a quarter of that, its end."""
    group = record.batch.groups[group_index]
    row_index = group_index * record.batch.samples_per_prompt + completion_index
    row, completion, text = group.prompt.row, group.completions[completion_index], group.texts[completion_index]
    mask = record.batch.completion_mask[row_index]
    entropy, logprob = record.stats.entropy[row_index][mask].cpu(), record.stats.logprob[row_index][mask].cpu()
    given, sampled = completion.tokens[: completion.given], completion.tokens[completion.given :]
    lines, omitted = _token_lines(tokenizer, sampled, entropy.tolist(), logprob.tolist(), max_tokens)
    reward, advantage = record.values.get("reward"), record.values.get("advantage")
    grade = group.prompt.task.grade(row, text)
    return Sample(
        step=step,
        task=group.prompt.task.name,
        id=row.id,
        sample=completion_index,
        prompt=row.messages()[-1]["content"][:PROMPT_CHARACTERS],
        input=str(tokenizer.decode(group.prompt.tokens + given, skip_special_tokens=False))[-PROMPT_CHARACTERS:],
        tokens=lines,
        omitted=omitted,
        answer=grade.answer,
        label=row.answer,
        correct=grade.correct,
        mean_entropy=_rounded(entropy.mean().item()),
        mean_logprob=_rounded(logprob.mean().item()),
        reward=None if reward is None else _rounded(reward[row_index].item()),
        advantage=None if advantage is None else _rounded(advantage[row_index][mask].mean().item()),
        finish_reason=completion.finish_reason,
        length=len(sampled),
    )


def _token_lines(
    tokenizer: "PreTrainedTokenizerBase",
    tokens: list[int],
    entropy: list[float],
    logprob: list[float],
    max_tokens: int,
) -> tuple[list[TokenLine], tuple[int, int] | None]:
    tail = max_tokens // 4
    cuts = [(0, len(tokens))]
    if len(tokens) > max_tokens:
        cuts = [(0, max_tokens - tail), (len(tokens) - tail, len(tokens))]
    lines: list[TokenLine] = []
    for start, end in cuts:
        texts = token_texts(tokenizer, tokens[start:end])
        numbers = zip(entropy[start:end], logprob[start:end], strict=True)
        lines += [(text, _rounded(h), _rounded(p)) for text, (h, p) in zip(texts, numbers, strict=True)]
    return lines, None if len(cuts) == 1 else (cuts[0][1], cuts[1][0] - cuts[0][1])


def _rounded(value: float) -> float | None:
    """Four decimals; None for nan and infinities, which JSON does not know."""
    return round(value, 4) + 0.0 if math.isfinite(value) else None
