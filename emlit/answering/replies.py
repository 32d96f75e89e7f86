"""An engine's replies to a strategy's questions."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from emlit.engines import Engine, sample
from emlit.records import AnswerKey, Ask, Completion, Message, Reply, Request, Sampling, request_seed
from emlit.sampled_completions import SampledCompletions

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@dataclass
class Replies:
    """What an engine replies to the questions of one strategy about one batch: a `Sampler`.

    Attributes:
        engine: samples
        tokenizer: decodes
        encode: a conversation and its template's arguments as token ids
        sampling: how
        context: longest prompt plus completion, in tokens
        seed: of the run; each request has one of its own that follows from it
        salt: two batches with the same salt draw the same samples
        decoding: the strategy's name
        store: keeps completions as they end, and has those that a killed run has sampled
        scored: whether the policy's own log-probabilities will take the place of the engine's
        seconds: how long sampling took so far, that of a killed run included
    """

    engine: Engine
    tokenizer: "PreTrainedTokenizerBase"
    encode: Callable[[list[Message], dict[str, Any]], list[int]]
    sampling: Sampling
    context: int
    seed: int
    salt: str
    decoding: str
    store: SampledCompletions | None
    scored: bool
    seconds: float = 0.0

    def __call__(self, asks: Sequence[Ask]) -> list[Reply | None]:
        """One reply a question, in order; None where a conversation has outgrown the context."""
        began = time.perf_counter()
        requests = [self._request(ask) for ask in asks]
        wanted = [request for request in requests if request is not None]
        completions = self._complete(wanted) if wanted else []
        texts = self.tokenizer.batch_decode([each.tokens for each in completions], skip_special_tokens=True)
        replies = iter(
            [
                Reply(request.prompt, completion, text if completion.text is None else completion.text)
                for request, completion, text in zip(wanted, completions, texts, strict=True)
            ]
        )
        self.seconds += time.perf_counter() - began
        return [None if request is None else next(replies) for request in requests]

    def _request(self, ask: Ask) -> Request | None:
        tokens = ask.prompt.tokens
        if ask.messages is not None:
            tokens = self.encode(ask.conversation(), ask.prompt.row.template_arguments)
        if len(tokens) + ask.room > self.context:
            return None
        task, row = ask.prompt.task.name, ask.prompt.row.id
        later = (ask.turn, ask.draft) if ask.turn or ask.draft else ()
        seed = request_seed(self.seed, self.salt, task, row, ask.sample, *later)
        return Request(tokens, seed, AnswerKey(task, row, ask.sample, ask.turn))

    def _complete(self, wanted: Sequence[Request]) -> list[Completion]:
        """One completion a request; those that a killed run has sampled are not sampled again."""
        store = self.store
        if store is None:
            return sample(self.engine, wanted, self.sampling)
        known = {place: found for place, request in enumerate(wanted) if (found := store.find(self.decoding, request))}
        self.seconds = max([self.seconds, *(each.seconds for each in known.values())])
        completions = {place: found.completion for place, found in known.items()}
        left = [place for place in range(len(wanted)) if place not in known]
        before, began = self.seconds, time.perf_counter()

        def finished(number: int, completion: Completion) -> None:
            text = completion.text
            if text is None:
                text = self.tokenizer.decode(completion.tokens, skip_special_tokens=True)
            seconds = before + time.perf_counter() - began
            # What is scored needs no log-probabilities of the sampler, which would be most of the file.
            kept = replace(completion, logprobs=None) if self.scored else completion
            store.add(self.decoding, wanted[left[number]], kept, text, seconds)

        if left:
            sampled = sample(self.engine, [wanted[place] for place in left], self.sampling, finished)
            completions.update(zip(left, sampled, strict=True))
        return [completions[place] for place in range(len(wanted))]
