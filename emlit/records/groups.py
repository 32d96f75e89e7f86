"""The completions of one prompt."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from emlit import progress
from emlit.records.answer_classes import answer_classes, semantic_entropy
from emlit.records.prompts import Prompt
from emlit.records.requests import Completion
from emlit.records.rows import Grade


@dataclass(frozen=True)
class Group:
    """All completions of one prompt, with their texts.

    Attributes:
        prompt: theirs
        completions: as they were sampled
        texts: without special tokens
        decode: from token ids to such a text; None where nobody asks for boundaries
        votes: further completions that are graded and vote on the answer, but are never trained on
        vote_texts: theirs
    """

    prompt: Prompt
    completions: Sequence[Completion]
    texts: Sequence[str]
    decode: Callable[[list[int]], str] | None = None
    votes: Sequence[Completion] = ()
    vote_texts: Sequence[str] = ()

    def take(self, numbers: Sequence[int]) -> "Group":
        """The same prompt with some of its completions."""
        return replace(
            self,
            completions=[self.completions[number] for number in numbers],
            texts=[self.texts[number] for number in numbers],
        )

    @functools.cached_property
    def all_grades(self) -> list[Grade]:
        """How each completion did and then each vote, by the row's own task; graded once, whoever asks."""
        texts = [*self.texts, *self.vote_texts]
        with progress.phase("grading", len(texts), "answers") as phase:
            return self.prompt.task.grade_all([(self.prompt.row, text) for text in texts], phase.advance)

    @property
    def grades(self) -> list[Grade]:
        """How each completion did."""
        return self.all_grades[: len(self.completions)]

    @functools.cached_property
    def classes(self) -> list[list[int]]:
        """The completions with the same answer, class by class in order of first appearance; silence has none.

        Votes are counted after the completions. Answers are the same where the row's task says so, whichever of the
        two is the label.
        """
        equal = self.prompt.task.equal
        return answer_classes(
            [grade.answer for grade in self.all_grades], lambda one, other: equal(one, other) or equal(other, one)
        )

    def semantic_entropy(self) -> float:
        """Entropy of the answers' distribution, nats; each completion without an answer is a class of its own."""
        return semantic_entropy(map(len, self.classes), len(self.completions) + len(self.votes))

    def boundary(self, text: str, number: int) -> int | None:
        """How many tokens completion `number` has up to the end of the first `text` in it; None where it is not there.

        Tokens are decoded by the tokenizer that the prompt was rendered with, as a text may begin inside of a token.
        """
        place = self.texts[number].find(text)
        if place < 0 or self.decode is None:
            return None
        tokens, end = self.completions[number].tokens, place + len(text)
        low, high = 1, len(tokens)
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if len(self.decode(tokens[:middle])) >= end else (middle + 1, high)
        return low

    @property
    def longest(self) -> int:
        return len(self.prompt.tokens) + max(len(completion.tokens) for completion in self.completions)
