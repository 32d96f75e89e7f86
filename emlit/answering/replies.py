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
        sampling: how, where an ask does not say
        context: longest prompt plus completion, in tokens
        seed: of the run; each request has one of its own that follows from it
        salt: two batches with the same salt draw the same samples
        decoding: the strategy's name
        store: keeps completions as they end, and has those that a killed run has sampled
        keep_logprobs: whether the store keeps the engine's log-probabilities, which would be most of its file; False
            where the policy's own take their place
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
    keep_logprobs: bool
    seconds: float = 0.0

    def __call__(self, asks: Sequence[Ask]) -> list[Reply | None]:
        """One reply a question, in order; None where a conversation has outgrown the context.

        What is to be sampled alike goes to the engine together, in the order of the questions.
        """
        began = time.perf_counter()
        requests = [self._request(ask) for ask in asks]
        replies: list[Reply | None] = [None] * len(asks)
        for sampling, wanted in self._alike(asks, requests):
            completions = self._complete(list(wanted.values()), sampling, began)
            whole = [[*asks[place].given, *each.tokens] for place, each in zip(wanted, completions, strict=True)]
            texts = self.tokenizer.batch_decode(whole, skip_special_tokens=True)
            for (place, request), completion, text in zip(wanted.items(), completions, texts, strict=True):
                replies[place] = Reply(request.prompt, completion, text if completion.text is None else completion.text)
        self.seconds += time.perf_counter() - began
        return replies

    def _alike(
        self, asks: Sequence[Ask], requests: Sequence[Request | None]
    ) -> list[tuple[Sampling, dict[int, Request]]]:
        """Each sampling that is asked for, with its requests by their places among the questions."""
        found: list[tuple[Sampling, dict[int, Request]]] = []
        for place, (ask, request) in enumerate(zip(asks, requests, strict=True)):
            if request is None:
                continue
            sampling = self.sampling if ask.sampling is None else ask.sampling
            alike = next((members for known, members in found if known == sampling), None)
            if alike is None:
                found.append((sampling, alike := {}))
            alike[place] = request
        return found

    def _request(self, ask: Ask) -> Request | None:
        tokens = ask.prompt.tokens
        if ask.messages is not None:
            tokens = self.encode(ask.conversation(), ask.prompt.row.template_arguments)
        if ask.given:
            tokens = [*tokens, *ask.given]
        if len(tokens) + ask.room > self.context:
            return None
        task, row = ask.prompt.task.name, ask.prompt.row.id
        later = (ask.turn, ask.draft) if ask.turn or ask.draft else ()
        seed = request_seed(self.seed, self.salt, task, row, ask.sample, *later)
        return Request(tokens, seed, AnswerKey(task, row, ask.sample, ask.turn))

    def _complete(self, wanted: Sequence[Request], sampling: Sampling, began: float) -> list[Completion]:
        """One completion a request; those that a killed run has sampled are not sampled again.

        Args:
            wanted: the requests
            sampling: of all of them
            began: when the questions were asked, whose seconds are not counted yet
        """
        store = self.store
        if store is None:
            return sample(self.engine, wanted, sampling)
        known = {place: found for place, request in enumerate(wanted) if (found := store.find(self.decoding, request))}
        self.seconds = max([self.seconds, *(each.seconds for each in known.values())])
        completions = {place: found.completion for place, found in known.items()}
        left = [place for place in range(len(wanted)) if place not in known]
        before = self.seconds

        def finished(number: int, completion: Completion) -> None:
            text = completion.text
            if text is None:
                text = str(self.tokenizer.decode(completion.tokens, skip_special_tokens=True))
            seconds = before + time.perf_counter() - began
            kept = completion if self.keep_logprobs else replace(completion, logprobs=None)
            store.add(self.decoding, wanted[left[number]], kept, text, seconds)

        if left:
            sampled = sample(self.engine, [wanted[place] for place in left], sampling, finished)
            completions.update(zip(left, sampled, strict=True))
        return [completions[place] for place in range(len(wanted))]
