"""What a benchmark or a prompt set is: rows, how a row becomes a prompt, how a completion is graded."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import ClassVar

from emlit.grading import extract_answer, in_a_box, math_equal
from emlit.records import Grade, Message, Row


class Task(ABC):
    r"""A set of problems. The default grading is that of mathematics: the last \boxed{}, compared by meaning.

    Attributes:
        name: stands in predictions and reports
        system_prompt: put in front of each prompt that has none
        votes: whether samples of a problem can vote on its answer
        streamed: whether `rows()` reads a row when it is asked for it, so that the set need not fit in memory
    """

    name: str
    system_prompt: str | None = None
    votes: ClassVar[bool] = True
    streamed: ClassVar[bool] = False

    @abstractmethod
    def rows(self) -> Sequence[Row]:
        """The problems, the same ones at each call.

        Raises:
            DataError: a file or row that cannot be used
        """

    def next_messages(self, row: Row, replies: Sequence[str]) -> Sequence[Message] | None:
        """The conversation of a problem's next turn, after the replies of those before; None where it is over."""
        return None

    def grade(self, row: Row, completion: str) -> Grade:
        """Grade one completion of one row; the replies of several turns are joined by NEXT_TURN."""
        whole = row.begun + completion
        if row.begun and extract_answer(whole) == extract_answer(row.begun):  # what the prompt gives away is no answer
            whole = completion
        answer = extract_answer(whole)
        right = (
            None if row.answer is None else any(self.equal(answer, each) for each in (row.answer, *row.alternatives))
        )
        return Grade(answer, right, in_a_box(whole))

    def grade_all(
        self, answers: Sequence[tuple[Row, str]], on_finished: Callable[[int], None] | None = None
    ) -> list[Grade]:
        """Grade many completions, in order; `on_finished` is told how many more are done."""
        grades = []
        for row, completion in answers:
            grades.append(self.grade(row, completion))
            if on_finished is not None:
                on_finished(1)
        return grades

    def equal(self, answer: str | None, other: str) -> bool:
        """Whether an answer means the same as the label."""
        return math_equal(answer, other)
