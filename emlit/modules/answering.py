"""From prompts to graded answers, by way of a strategy and an engine."""

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from emlit import progress
from emlit.predictions import Prediction, count_votes, text_of
from emlit.records import AnswerKey, Ask, Completion, Grade, Reply, Request, Sampling, Turn, request_seed
from emlit.rollout import PromptBatch
from emlit.strategies import Strategy
from emlit.tasks import Task

if TYPE_CHECKING:
    from emlit.modules.causal_lm import CausalLM


def answer(module: "CausalLM", batch: PromptBatch, strategy: Strategy, salt: str) -> list[Prediction]:
    """One Prediction a wanted sample, in the batch's order; `module.sampling_seconds` is how long sampling took."""
    data = module.data
    sampling = strategy.sampling(data.sampling)
    asks = [
        Ask(prompt, number) for prompt, numbers in zip(batch.prompts, batch.samples, strict=True) for number in numbers
    ]
    name = strategy.name(data.sampling)
    module.sampling_seconds = 0.0

    def sample(asked: Sequence[Ask]) -> list[Reply | None]:
        began = time.perf_counter()
        replies = _sample(module, asked, sampling, salt, name)
        module.sampling_seconds += time.perf_counter() - began
        return replies

    with progress.phase(name):
        answers = strategy.answer(asks, sample)
    flat = [turn.reply for turns in answers for turn in turns]
    stats = None
    if module.score:
        stats = iter(module.score_completions([r.prompt for r in flat], [r.completion for r in flat]))
    predictions = []
    for ask, turns, grade in zip(asks, answers, _grades(asks, answers), strict=True):
        own = None if stats is None else [next(stats) for _ in turns]
        predictions.append(Prediction.of(ask.prompt, ask.sample, name, turns, own, grade))
    count_votes(predictions, _by_task(asks))
    data.first_grades.look([ask.prompt for ask in asks], predictions, module.trainer.is_global_zero)
    return predictions


def _by_task(asks: Sequence[Ask]) -> dict[Task, list[int]]:
    """The tasks, and where theirs are among the questions."""
    places: dict[Task, list[int]] = {}
    for place, ask in enumerate(asks):
        places.setdefault(ask.prompt.task, []).append(place)
    return places


def _grades(asks: Sequence[Ask], answers: Sequence[list[Turn]]) -> list[Grade]:
    found: dict[int, Grade] = {}
    with progress.phase("grading", len(asks), "answers") as phase:
        for task, places in _by_task(asks).items():
            rows = [(asks[place].prompt.row, text_of(answers[place])) for place in places]
            found.update(zip(places, task.grade_all(rows, phase.advance), strict=True))
    return [found[place] for place in range(len(asks))]


def _sample(
    module: "CausalLM", asked: Sequence[Ask], sampling: Sampling, salt: str, decoding: str
) -> list[Reply | None]:
    data = module.data
    requests: list[Request | None] = []
    for ask in asked:
        tokens = (
            ask.prompt.tokens
            if ask.messages is None
            else data.chat.encode(ask.conversation(), ask.prompt.row.template_arguments)
        )
        task, row = ask.prompt.task.name, ask.prompt.row.id
        later = (ask.turn, ask.draft) if ask.turn or ask.draft else ()
        seed = request_seed(data.seed, salt, task, row, ask.sample, *later)
        fits = len(tokens) + ask.room <= data.longest_context
        requests.append(Request(tokens, seed, AnswerKey(task, row, ask.sample, ask.turn)) if fits else None)
    wanted = [request for request in requests if request is not None]
    if not wanted:
        return [None] * len(requests)
    completions = _complete(module, wanted, sampling, decoding)
    texts = data.tokenizer.batch_decode([each.tokens for each in completions], skip_special_tokens=True)
    replies = iter(
        [
            Reply(request.prompt, completion, text if completion.text is None else completion.text)
            for request, completion, text in zip(wanted, completions, texts, strict=True)
        ]
    )
    return [None if request is None else next(replies) for request in requests]


def _complete(module: "CausalLM", wanted: Sequence[Request], sampling: Sampling, decoding: str) -> list[Completion]:
    """One completion a request; those that a killed run has sampled are not sampled again."""
    store = module.sampled
    if store is None:
        return module.engine.generate(wanted, sampling)
    known = {place: found for place, request in enumerate(wanted) if (found := store.find(decoding, request))}
    module.sampling_seconds = max([module.sampling_seconds, *(each.seconds for each in known.values())])
    completions = {place: found.completion for place, found in known.items()}
    left = [place for place in range(len(wanted)) if place not in known]
    before, began = module.sampling_seconds, time.perf_counter()

    def finished(number: int, completion: Completion) -> None:
        text = completion.text
        if text is None:
            text = module.data.tokenizer.decode(completion.tokens, skip_special_tokens=True)
        seconds = before + time.perf_counter() - began
        # What is scored needs no log-probabilities of the sampler, which would be most of the file.
        kept = replace(completion, logprobs=None) if module.score else completion
        store.add(decoding, wanted[left[number]], kept, text, seconds)

    if left:
        sampled = module.engine.generate([wanted[place] for place in left], sampling, finished)
        completions.update(zip(left, sampled, strict=True))
    return [completions[place] for place in range(len(wanted))]
