"""A problem, and how a completion of it did."""

from dataclasses import dataclass, field
from typing import Any

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
        messages = list(self.prompt) if isinstance(self.prompt, list) else [{"role": "user", "content": self.prompt}]
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
