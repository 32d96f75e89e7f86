"""Labelled completions in place of sampled ones: the rows' own solutions."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from emlit.errors import DataError
from emlit.records import Completion, Prompt
from emlit.rollout.prompts import PromptList, usable
from emlit.rollout.stream import RolloutStream

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

log = logging.getLogger(__name__)


def with_solutions(
    prompts: Sequence[Prompt], tokenizer: "PreTrainedTokenizerBase", end_token_id: int, context: int
) -> PromptList:
    """The prompts with the token ids of their rows' solutions, the end token included.

    Args:
        prompts: as `render` made them
        tokenizer: the model's
        end_token_id: what ends a completion of the model
        context: the most tokens that prompt and solution may have together

    Raises:
        DataError: a row without a solution, or with one that is too long; tasks with `skip_bad_rows` leave it out
    """
    task = prompts[0].task
    found, skipped = usable(prompts, task, lambda prompt: with_solution(prompt, tokenizer, end_token_id, context))
    if not found:
        raise DataError(
            f"{task.name}: no row has a solution that fits a context of {context} tokens; check "
            "solution_column of data.train, or raise data.context"
        )
    if skipped:
        log.warning(
            "%s: skipped %d rows without a solution, or with one that does not fit a context of %d tokens",
            task.name,
            len(skipped),
            context,
        )
    return found


def with_solution(prompt: Prompt, tokenizer: "PreTrainedTokenizerBase", end_token_id: int, context: int) -> Prompt:
    """One prompt of `with_solutions`.

    Raises:
        DataError: its row has no solution, or one that is too long
    """
    if prompt.row.solution is None:
        raise DataError(
            f"{prompt.where}: no solution to learn from; set solution_column of data.train, or skip such rows with "
            "skip_bad_rows: true"
        )
    tokens = [*tokenizer(prompt.row.solution, add_special_tokens=False)["input_ids"], end_token_id]
    if len(prompt.tokens) + len(tokens) > context:
        raise DataError(
            f"{prompt.where}: the solution has {len(tokens)} tokens, and the context of {context} leaves room for "
            f"{context - len(prompt.tokens)} after the prompt; raise data.context, shorten it or set skip_bad_rows"
        )
    return replace(prompt, solution=tokens)


class SolutionStream(RolloutStream):
    """Rounds whose completions are the rows' solutions; the engine samples nothing in training."""

    def _complete(self, drawn: Sequence[tuple[int, Prompt]]) -> list[Completion]:
        completions: list[Completion] = []
        for _, prompt in drawn:
            assert prompt.solution is not None  # `with_solution` gave it one
            completions += [Completion(prompt.solution, None, "stop") for _ in range(self.shape.samples)]
        return completions
