"""From prompts to graded answers."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from emlit import progress
from emlit.answering.prompt_batch import PromptBatch
from emlit.answering.replies import Replies
from emlit.engines import Engine
from emlit.functional import TokenStats
from emlit.predictions import Prediction, count_votes, text_of
from emlit.records import Ask, Completion, Grade, Grader, Message, Prompt, Sampling, ScoredAnswer, Turn
from emlit.sampled_completions import SampledCompletions
from emlit.strategies import Strategy

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


class ScoringPolicy(Protocol):
    """A model that measures completions, whoever sampled them."""

    def score_drawn(self, prompts: list[list[int]], completions: list[Completion]) -> list[TokenStats]:
        """The model's own stats of each token of what the engine drew with its weights, (length,) each, nats."""


class Encoder(Protocol):
    """A model's chat template."""

    def encode(self, messages: Sequence[Message], arguments: Mapping[str, Any] | None = None) -> list[int]:
        """A conversation as token ids, ready to be answered."""


class Answered(NamedTuple):
    """What was made of a batch.

    Attributes:
        predictions: one a wanted sample, in the batch's order
        seconds: that the engine took
        answers: what each prediction was made of
    """

    predictions: list[Prediction]
    seconds: float
    answers: list[ScoredAnswer]


@dataclass(frozen=True)
class Answerer:
    """Samples, grades and scores.

    Attributes:
        engine: what samples
        tokenizer: the model's
        chat: of later turns and drafts
        sampling: what a strategy does not set
        context: longest prompt plus completion, in tokens
        seed: of the run
        policy: measures the model's own entropies; without it predictions have what the engine knows of them
        store: keeps completions as they end; None where a batch is not worth keeping in part
        on_graded: told of the prompts and the predictions made of them
    """

    engine: Engine
    tokenizer: "PreTrainedTokenizerBase"
    chat: Encoder
    sampling: Sampling
    context: int
    seed: int
    policy: ScoringPolicy | None = None
    store: SampledCompletions | None = None
    on_graded: Callable[[Sequence[Prompt], Sequence[Prediction]], None] | None = None

    def answer(self, batch: PromptBatch, strategy: Strategy, salt: str) -> Answered:
        """The batch's predictions; two calls with the same salt draw the same samples."""
        sampling = strategy.sampling(self.sampling)
        asks = [
            Ask(prompt, number, sampling=sampling)
            for prompt, numbers in zip(batch.prompts, batch.samples, strict=True)
            for number in numbers
        ]
        name = strategy.name(self.sampling)
        replies = Replies(
            self.engine, self.tokenizer, self.chat.encode, sampling, self.context, self.seed, salt, name, self.store,
            keep_logprobs=self.policy is None or strategy.needs_logprobs,
        )  # fmt: skip
        with progress.phase(name):
            answers = strategy.answer(asks, replies)
        flat = [turn.reply for turns in answers for turn in turns]
        stats: Iterator[TokenStats | None] = (reply.completion.stats for reply in flat)
        if self.policy is not None:
            stats = iter(self.policy.score_drawn([r.prompt for r in flat], [r.completion for r in flat]))
        predictions, scored = [], []
        for ask, turns, grade in zip(asks, answers, _grades(asks, answers), strict=True):
            found = [next(stats) for _ in turns]
            known = [each for each in found if each is not None]
            own = known if len(known) == len(turns) else None
            scored.append(ScoredAnswer(ask.prompt, turns, own))
            predictions.append(Prediction.of(ask.prompt, ask.sample, name, turns, own, grade))
        count_votes(predictions, _by_task(asks))
        if self.on_graded is not None:
            self.on_graded([ask.prompt for ask in asks], predictions)
        return Answered(predictions, replies.seconds, scored)


def _by_task(asks: Sequence[Ask]) -> dict[Grader, list[int]]:
    """The tasks, and where theirs are among the questions."""
    places: dict[Grader, list[int]] = {}
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
