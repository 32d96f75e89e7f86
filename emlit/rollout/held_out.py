"""Prompts of data.train that are kept out of training, for evaluation."""

from collections.abc import Iterable, Sequence
from typing import Final

from emlit.errors import ConfigError
from emlit.records import Row, request_seed
from emlit.rollout.chat import Chat
from emlit.rollout.order import Permutation
from emlit.rollout.prompts import PromptList, prompt_of, usable
from emlit.tasks import Task

HELD_OUT: Final = "held_out"  # as data.evaluation
_SHARE, _MOST = 0.1, 128


def require_hold_out(hold_out: int | float | None) -> None:
    """Raise ConfigError for what is neither a number of prompts nor a share of them."""
    if hold_out is None or isinstance(hold_out, int) and hold_out >= 1 or 0 < hold_out < 1:
        return
    raise ConfigError(
        f"data.hold_out is {hold_out}; it must be a number of prompts or a share between 0 and 1 (data.evaluation null "
        "holds none out)"
    )


def how_many(hold_out: int | float | None, prompts: int) -> int:
    """Of so many prompts; for None a tenth, at most 128. At least one is left to train on."""
    if hold_out == 0:
        return 0
    if hold_out is None:
        wanted = min(_MOST, max(1, int(_SHARE * prompts)))
    else:
        wanted = hold_out if isinstance(hold_out, int) else max(1, int(hold_out * prompts))
    return max(0, min(wanted, prompts - 1))


def held_out_ids(rows: Sequence[Row], hold_out: int | float | None) -> set[str]:
    """The ids of the rows that are held out, which follow from their text alone: the same in each run and stage.

    A problem that is there twice is held out twice; where that would be all of them, none is.
    """
    drawn = {row.id: request_seed("held out", str(row.prompt)) for row in rows}
    last = sorted(drawn.values())[: how_many(hold_out, len(rows))][-1:]
    found = {name for name, place in drawn.items() if last and place <= last[0]}
    return found if len(found) < len(rows) else set()


def places(rows: int, hold_out: int | float | None) -> tuple[Sequence[int], int]:
    """Of a set that is never read whole: its rows' numbers in a fixed order, and how many of the first are held out."""
    held = how_many(hold_out, rows)
    return (Permutation(rows, request_seed("held out")) if held else range(rows)), held


def held_out_prompts(task: Task, chat: Chat, longest: int, hold_out: int | float | None) -> PromptList:
    """The prompts of data.train that training leaves out.

    Args:
        task: that of data.train
        chat: how prompts become token ids
        longest: the most tokens of a prompt; with `skip_bad_rows` those that have more are left out
        hold_out: how many, or their share; a default number for None

    Raises:
        DataError: a row that cannot be used
    """
    rows = task.rows()
    if task.streamed:
        order, held = places(len(rows), hold_out)
        chosen: Iterable[int] = (order[place] for place in range(held))
    else:
        held_ids = held_out_ids(rows, hold_out)
        chosen = (place for place, row in enumerate(rows) if row.id in held_ids)
    return usable(chosen, task, lambda place: prompt_of(rows[place], task, chat, longest))[0]
