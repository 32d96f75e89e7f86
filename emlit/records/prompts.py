"""A row as token ids."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

from emlit.records.rows import Grade, Message, Row


class Grader(Protocol):
    """What a prompt knows of its task (`emlit.tasks.Task`).

    Attributes:
        name: stands in predictions and reports
        system_prompt: put in front of each prompt that has none
        votes: whether samples of a problem can vote on its answer
    """

    name: str
    system_prompt: str | None
    votes: ClassVar[bool]

    def next_messages(self, row: Row, replies: Sequence[str]) -> Sequence[Message] | None:
        """The conversation of a problem's next turn; None where it is over."""

    def grade(self, row: Row, completion: str) -> Grade:
        """How one completion of a row did."""

    def grade_all(
        self, answers: Sequence[tuple[Row, str]], on_finished: Callable[[int], None] | None = None
    ) -> list[Grade]:
        """How many completions did, in order; `on_finished` is told how many more are done."""

    def equal(self, answer: str | None, other: str) -> bool:
        """Whether an answer means the same as another, or as the label."""


@dataclass(frozen=True)
class Prompt:
    """A row of a task, ready to be sampled from.

    Attributes:
        task: who grades it
        row: the problem
        tokens: token ids, the chat template and its generation prompt included
        solution: token ids of the row's solution, the end token included; None where training does not learn from it
    """

    task: Grader
    row: Row
    tokens: list[int]
    solution: list[int] | None = None

    @property
    def where(self) -> str:
        """Where its row was read, for messages."""
        return self.row.source or f"{self.task.name}, {self.row.id}"
