"""Rows become token ids."""

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from emlit.errors import DataError
from emlit.tasks import Message, Row, Task

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Prompt:
    """A row of a task, ready to be sampled from.

    Attributes:
        task: who grades it
        row: the problem
        tokens: token ids, the chat template and its generation prompt included
        solution: token ids of the row's solution, the end token included; None where training does not learn from it
    """

    task: Task
    row: Row
    tokens: list[int]
    solution: list[int] | None = None

    @property
    def where(self) -> str:
        """Where its row was read, for messages."""
        return self.row.source or f"{self.task.name}, {self.row.id}"


def render(task: Task, tokenizer: "PreTrainedTokenizerBase", longest: int, problems: int | None = None) -> list[Prompt]:
    """Every row of `task` as a prompt. A model without a chat template gets the messages' text, joined by blank lines.

    Args:
        longest: the most tokens a prompt may have
        problems: the first so many rows; all unless set

    Raises:
        DataError: a prompt longer than that; tasks with `skip_bad_rows` leave it out instead
    """
    prompts, skipped = [], 0
    for row in task.rows()[:problems]:
        try:
            tokens = encode(row.messages(task.system_prompt), tokenizer)
        except DataError as error:
            raise DataError(f"{row.source or row.id}: {error}") from error.__cause__
        if not tokens:
            raise DataError(f"{row.source or f'{task.name}, {row.id}'}: the prompt has no token; write something in it")
        if len(tokens) > longest:
            if getattr(task, "skip_bad_rows", False):
                skipped += 1
                continue
            way_out = "set skip_bad_rows" if hasattr(task, "skip_bad_rows") else "raise --data.context"
            raise DataError(
                f"{row.source or f'{task.name}, {row.id}'}: the prompt has {len(tokens)} tokens, and the context "
                f"leaves room for {longest} beside max_tokens; shorten it, lower --data.sampling.max_tokens or "
                f"{way_out}"
            )
        prompts.append(Prompt(task, row, tokens))
    if skipped:
        log.warning("%s: skipped %d prompts of more than %d tokens", task.name, skipped, longest)
    if not prompts:
        raise DataError(f"{task.name}: no prompt fits the context beside max_tokens")
    return prompts


def encode(messages: Sequence[Message], tokenizer: "PreTrainedTokenizerBase") -> list[int]:
    """A conversation as token ids, the generation prompt included; without a chat template its text, in paragraphs.

    Raises:
        DataError: the model's chat template refuses it
    """
    if not tokenizer.chat_template:
        return tokenizer("\n\n".join(message["content"] for message in messages))["input_ids"]
    try:
        text = tokenizer.apply_chat_template(list(messages), add_generation_prompt=True, tokenize=False)
    except Exception as error:
        raise DataError(f"the model's chat template refuses it: {' '.join(str(error).split())}") from error
    return tokenizer(text, add_special_tokens=False)["input_ids"]


def request_seed(*parts: int | str) -> int:
    """A 63-bit seed that depends on its parts alone: not on the batch, the rank or what was sampled before."""
    digest = hashlib.blake2b("/".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1
