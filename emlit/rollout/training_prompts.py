"""What a run trains on: every prompt in memory, or each made when it is drawn."""

import logging
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from emlit.errors import DataError
from emlit.records import Prompt, Row, request_seed
from emlit.rollout.chat import Chat
from emlit.rollout.held_out import held_out_ids, places
from emlit.rollout.order import Permutation
from emlit.rollout.prompts import PromptList, Prompts, prompt_of, render
from emlit.rollout.solutions import with_solution, with_solutions
from emlit.tasks import StreamedPrompts, Task

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

log = logging.getLogger(__name__)

_TRIES = 1000  # rows in place of a bad one; where 99 % are bad, all of so many are once in 23,000 draws
_SHOWN = 5  # replaced rows that are named; of the others there is a count


def training_prompts(
    task: Task,
    tokenizer: "PreTrainedTokenizerBase",
    longest: int,
    check: Callable[[Sequence[Prompt]], None],
    solutions: tuple[int, int] | None = None,
    chat: Chat | None = None,
    hold_out: int | float | None = 0,
) -> Prompts:
    """The prompts of `data.train`. Those of a streamed task are checked as they are drawn, the first ones at once.

    Args:
        task: whose rows
        tokenizer: the model's
        longest: the most tokens of a prompt
        check: raises DataError where one of some prompts is nothing to learn from
        solutions: the token id that ends a completion and the most tokens of prompt and solution together, where the
            rows' solutions are learnt from
        chat: how prompts become token ids; by the tokenizer alone unless set
        hold_out: how many are left out for evaluation, or their share; a default number for None

    Raises:
        DataError: a row that cannot be used
    """
    chat = chat or Chat(tokenizer)
    if not task.streamed:
        prompts = render(task, tokenizer, longest, chat=chat)
        held = held_out_ids(task.rows(), hold_out)
        prompts = PromptList(prompt for prompt in prompts if prompt.row.id not in held)
        if not prompts:
            raise DataError(f"{task.name}: no prompt is left to train on; lower data.hold_out")
        if solutions is not None:
            prompts = with_solutions(prompts, tokenizer, *solutions)
            _require_embeddings(prompts, chat)
        check(prompts)
        return prompts

    def make(row: Row) -> Prompt:
        prompt = prompt_of(row, task, chat, longest)
        if solutions is not None:
            prompt = with_solution(prompt, tokenizer, *solutions)
            _require_embeddings([prompt], chat)
        check([prompt])
        return prompt

    assert isinstance(task, StreamedPrompts)
    return LazyPrompts(task, make, hold_out)


def _require_embeddings(prompts: Sequence[Prompt], chat: Chat) -> None:
    for prompt in prompts:
        try:
            chat.require_embeddings(prompt.solution or [])
        except DataError as error:
            raise DataError(f"{prompt.where}, the solution: {error}") from None


class LazyPrompts(Sequence[Prompt]):
    """The prompts of a set that need not fit in memory: a row is read and tokenised each time it is drawn.

    With `skip_bad_rows` a row that cannot be used gives way to another one, always the same, which the row's number
    draws from the whole set: every process finds it, whatever its rank, and a stretch of bad rows is not replaced by
    whatever stands behind it. So a round has as many prompts as it should, and a few come twice in an epoch.

    Args:
        task: the set; its first rows are checked before the rest is prepared
        make: a row as a prompt; raises DataError where it cannot be one
        hold_out: how many are left out of it, or their share; a default number for None

    Raises:
        DataError: none of the first rows can be used, or one cannot and `skip_bad_rows` is not set
    """

    def __init__(self, task: StreamedPrompts, make: Callable[[Row], Prompt], hold_out: int | float | None = 0) -> None:
        self.task, self.make = task, make
        self.replaced = 0  # draws of this process that found a bad row
        _check_first(task, make)
        self.rows = task.rows()
        self._places, self.held_out = places(len(self.rows), hold_out)
        self.fingerprint = self.rows.fingerprint + (f", {self.held_out} held out" if self.held_out else "")

    def __len__(self) -> int:
        return len(self.rows) - self.held_out

    def _row(self, index: int) -> Row:
        return self.rows[self._places[self.held_out + index]]

    def __getitem__(self, index: int) -> Prompt:  # type: ignore[override]  # no slices
        index = range(len(self))[index]
        try:
            return self.make(self._row(index))
        except DataError as error:
            if not self.task.skip_bad_rows:
                raise
            self._tell(error)
        for other in islice(self._instead_of(index), _TRIES):
            try:
                return self.make(self._row(other))
            except DataError:
                continue
        tried = min(_TRIES, len(self))
        raise DataError(f"{self.task.name}: {tried} rows drawn one after the other cannot be used; check its files")

    def order(self, seed: int, epoch: int) -> Permutation:
        return Permutation(len(self), request_seed(seed, "order", epoch))

    def _instead_of(self, index: int) -> Iterator[int]:
        return iter(Permutation(len(self), request_seed("instead of", index)))

    def _tell(self, error: DataError) -> None:
        self.replaced += 1
        if self.replaced <= _SHOWN:
            log.warning("replaced by another row: %s", error)
        elif str(self.replaced).strip("0") == "1":  # 10, 100, ...
            log.warning("%s: %d rows drawn so far could not be used and were replaced", self.task.name, self.replaced)


def _check_first(task: StreamedPrompts, make: Callable[[Row], Prompt]) -> None:
    """Raise DataError for what can be told cheaply: a wrong column is wrong in the first rows already."""
    usable, first = False, None
    for where, fields in task.first_rows():
        try:
            make(task.row(where, fields, position=0))
        except DataError as error:
            if not task.skip_bad_rows:
                raise
            first = first or error
        else:
            usable = True
    if not usable:
        raise DataError(f"{task.name}: none of the first rows of its files can be used; {first}")
