"""Rows become token ids."""

import logging
import random
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar

from emlit.errors import ConfigError, DataError
from emlit.records import Grader, Prompt, Row, request_seed
from emlit.rollout.chat import Chat
from emlit.tasks import Task

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


log = logging.getLogger(__name__)

T = TypeVar("T")


class Prompts(Protocol):
    """What a run trains on.

    Attributes:
        fingerprint: the same for the same prompts, so that a resumed run can tell that they were changed
    """

    @property
    def fingerprint(self) -> str: ...

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Prompt: ...

    def order(self, seed: int, epoch: int) -> Sequence[int]:
        """The indices in the order in which an epoch goes through them."""


class PromptList(list[Prompt]):
    """Prompts in memory, in an order that is shuffled whole."""

    @property
    def fingerprint(self) -> str:
        return f"{len(self)} prompts"

    def order(self, seed: int, epoch: int) -> list[int]:
        indices = list(range(len(self)))
        random.Random(request_seed(seed, "order", epoch)).shuffle(indices)
        return indices


def render(
    task: Task,
    tokenizer: "PreTrainedTokenizerBase",
    longest: int,
    problems: int | None = None,
    chat: Chat | None = None,
) -> PromptList:
    """Every row of `task` as a prompt. A model without a chat template gets the messages' text, joined by blank lines.

    Args:
        longest: the most tokens a prompt may have
        problems: the first so many rows; all unless set
        chat: how they become token ids; by the tokenizer alone unless set

    Raises:
        DataError: a prompt longer than that, or one that the model does not take; tasks with `skip_bad_rows` leave it
            out instead
        ConfigError: the task is too large to be read whole
    """
    if task.streamed:
        raise ConfigError(
            f"{type(task).__name__} is for data.train alone, since all else reads whole tasks; name a file that fits "
            "in memory with emlit.tasks.PromptFile"
        )
    chat = chat or Chat(tokenizer)
    prompts, bad = usable(task.rows()[:problems], task, lambda row: prompt_of(row, task, chat, longest))
    if not prompts:
        raise DataError(f"{task.name}: no prompt can be used; {bad[0]}" if bad else f"{task.name} has no prompt")
    if bad:
        log.warning("%s: skipped %d prompts, the first one since %s", task.name, len(bad), bad[0])
    return prompts


def usable(rows: Iterable[T], task: Grader, make: Callable[[T], Prompt]) -> tuple[PromptList, list[DataError]]:
    """What `make` makes of rows; with `skip_bad_rows` of the task it may raise DataErrors, which are given too."""
    prompts, bad = PromptList(), []
    for row in rows:
        try:
            prompts.append(make(row))
        except DataError as error:
            if not getattr(task, "skip_bad_rows", False):
                raise
            bad.append(error)
    return prompts, bad


def prompt_of(row: Row, task: Task, chat: Chat, longest: int) -> Prompt:
    """A row of `task` as a prompt of at most `longest` tokens.

    Raises:
        DataError: it has more, or none, or the model's chat template or its embeddings do not take it
    """
    try:
        tokens = chat.encode(row.messages(task.system_prompt), row.template_arguments)
    except DataError as error:
        raise DataError(f"{row.source or row.id}: {error}") from error.__cause__
    prompt = Prompt(task, row, tokens)
    if not tokens:
        raise DataError(f"{prompt.where}: the prompt has no token; write something in it")
    if len(tokens) > longest:
        way_out = "set skip_bad_rows" if hasattr(task, "skip_bad_rows") else "raise --data.context"
        raise DataError(
            f"{prompt.where}: the prompt has {len(tokens)} tokens, and the context leaves room for {longest} beside "
            f"max_tokens; shorten it, lower --data.sampling.max_tokens or {way_out}"
        )
    return prompt
