"""The completions of one prompt."""

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from emlit import progress
from emlit.records.answer_classes import answer_classes
from emlit.records.prompts import Prompt
from emlit.records.requests import Completion
from emlit.records.rows import Grade


@dataclass(frozen=True)
class Group:
    """All completions of one prompt, with their texts."""

    prompt: Prompt
    completions: Sequence[Completion]
    texts: Sequence[str]

    @functools.cached_property
    def grades(self) -> list[Grade]:
        """How each completion did, by the row's own task; graded once, whoever asks."""
        with progress.phase("grading", len(self.texts), "answers") as phase:
            return self.prompt.task.grade_all([(self.prompt.row, text) for text in self.texts], phase.advance)

    @functools.cached_property
    def classes(self) -> list[list[int]]:
        """The completions with the same answer, class by class in order of first appearance; silence has none.

        Answers are the same where the row's task says so, whichever of the two is the label.
        """
        equal = self.prompt.task.equal
        return answer_classes(
            [grade.answer for grade in self.grades], lambda one, other: equal(one, other) or equal(other, one)
        )

    def semantic_entropy(self) -> float:
        """Entropy of the answers' distribution, nats; each completion without an answer is a class of its own."""
        total = len(self.completions)
        sizes = [len(members) for members in self.classes]
        return sum(size / total * math.log(total / size) for size in [*sizes, *[1] * (total - sum(sizes))])

    @property
    def longest(self) -> int:
        return len(self.prompt.tokens) + max(len(completion.tokens) for completion in self.completions)
