"""The first sign that a label is no answer: nothing is right, though answers were found."""

import logging
from collections.abc import Sequence
from typing import Protocol

from emlit.printable import printable
from emlit.records import Prompt

log = logging.getLogger(__name__)


class Graded(Protocol):
    """A grade, or a prediction with one."""

    @property
    def answer(self) -> str | None: ...

    @property
    def correct(self) -> bool | None: ...


class FirstGrades:
    """Looks at the first graded completions of each task."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def look(self, prompts: Sequence[Prompt], grades: Sequence[Graded], tell: bool = True) -> None:
        """Warn, once a task, where none of them is right and some give an answer.

        Args:
            prompts: one a grade
            grades: of a round or batch
            tell: False in processes that leave it to another one
        """
        tasks = {prompt.task.name: prompt.task for prompt in prompts if prompt.task.votes}
        for name in tasks.keys() - self._seen:
            graded = [
                (prompt.row, grade)
                for prompt, grade in zip(prompts, grades, strict=True)
                if prompt.task.name == name and grade.correct is not None
            ]
            if graded:
                self._seen.add(name)
            answered = [(row, grade) for row, grade in graded if grade.answer is not None]
            if not tell or not answered or any(grade.correct for _, grade in graded):
                continue
            row, first = answered[0]
            log.warning(
                "%s: none of the first %d completions is right, though %d give an answer: %s has the label %r and was "
                "answered %r; if they mean the same, or the label is no answer, set answer_column or change the labels",
                name, len(graded), len(answered),
                printable(row.source or row.id, 200), printable(row.answer, 80), printable(first.answer, 80),
            )  # fmt: skip
