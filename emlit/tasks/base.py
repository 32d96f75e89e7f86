"""What a benchmark or a prompt set is: rows, how a row becomes a prompt, how a completion is graded."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from emlit.tasks.answers import extract_answer, extract_boxed, math_equal

Message = dict[str, Any]


@dataclass(frozen=True)
class Row:
    """One problem.

    Attributes:
        id: unique within its task
        prompt: text, or chat messages with `role` and `content`; an assistant's message at the end is to be continued
        answer: the label; None where there is none
        alternatives: other answers that are right too
        template_arguments: what the chat template is given beside the messages: tools, and the row's own arguments
        fields: the rest of the source row
        source: where it was read, for messages: "prompts.jsonl, line 3"
        solution: a whole completion to learn from; None where there is none
    """

    id: str
    prompt: str | list[Message]
    answer: str | None = None
    fields: dict[str, Any] = field(default_factory=dict)
    source: str = ""
    solution: str | None = None
    alternatives: tuple[str, ...] = ()
    template_arguments: dict[str, Any] = field(default_factory=dict)

    @property
    def begun(self) -> str:
        """What the prompt has of the answer already: the text of an assistant's message at its end."""
        last = self.prompt[-1] if isinstance(self.prompt, list) else {}
        return last["content"] if last.get("role") == "assistant" else ""

    def messages(self, system: str | None = None) -> list[Message]:
        """The prompt as chat messages, with a system message in front unless it brings its own."""
        text = isinstance(self.prompt, str)
        messages = [{"role": "user", "content": self.prompt}] if text else list(self.prompt)
        if system and not any(message["role"] == "system" for message in messages):
            messages.insert(0, {"role": "system", "content": system})
        return messages


@dataclass(frozen=True)
class Grade:
    """How a completion did.

    Attributes:
        answer: what it answered; None where no answer was found
        correct: None where the row has no label
        format_ok: whether the answer stands where the prompt asked for it
        parts: whether each sub-problem is right, where the problem has some
    """

    answer: str | None
    correct: bool | None
    format_ok: bool
    parts: list[bool] | None = None


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
        return Grade(answer, right, extract_boxed(whole) is not None)

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
