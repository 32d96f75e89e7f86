"""What evaluation and prediction work through: this process's prompts, in batches."""

import logging
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from emlit.answering import PromptBatch
from emlit.parallel import is_sharded
from emlit.processes import of_every_process
from emlit.records import Prompt
from emlit.rollout.held_out import held_out_prompts
from emlit.rollout.prompts import PromptList, render
from emlit.strategies import Strategy

if TYPE_CHECKING:
    from emlit.rollout.datamodule import RolloutDataModule


log = logging.getLogger(__name__)


class PromptLoader:
    """A loader of ready batches. (A plain list would be several loaders to Lightning.)"""

    def __init__(self, batches: Sequence[PromptBatch]) -> None:
        self.batches = batches

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[PromptBatch]:
        return iter(self.batches)


def evaluation_prompts(data: "RolloutDataModule", longest: int) -> PromptList:
    """The prompts of `data.evaluation`, or those of `data.train` that are held out where it is not set."""
    if data.hold_out == 0:
        return PromptList(
            prompt
            for task in data.evaluation_tasks
            for prompt in render(task, data.tokenizer, longest, data.evaluation_problems, data.chat)
        )
    held = held_out_prompts(data.train_task, data.chat, longest, data.hold_out)
    if data.trainer.is_global_zero:
        log.warning(
            "%d of the %d prompts of data.train (%s) are held out of training and evaluated on (data.hold_out says how "
            "many); name other problems with data.evaluation, or none with null",
            len(held), len(data.train_task.rows()), data.train_task.name,
        )  # fmt: skip
    return PromptList(held[: data.evaluation_problems])


def evaluation_batches(data: "RolloutDataModule", samples: int) -> list[PromptBatch]:
    """This process's share of the evaluation prompts, `samples` of each."""
    return _cut(data, [(prompt, range(samples)) for prompt in _mine(data, data.evaluation_prompts)])


def prediction_batches(data: "RolloutDataModule") -> list[PromptBatch]:
    """This process's prompts for each strategy and task in turn, without what is in `data.finished`."""
    batches = []
    for strategy in data.all_strategies():
        name, samples = strategy.name(data.sampling), strategy.samples(data.sampling, data.evaluation_samples)
        for task in filter(strategy.suits, data.evaluation_tasks):
            wanted = [
                (prompt, left)
                for prompt in _mine(data, [prompt for prompt in data.evaluation_prompts if prompt.task is task])
                if (left := [i for i in range(samples) if (name, task.name, prompt.row.id, i) not in data.finished])
            ]
            batches += _cut(data, wanted, strategy)
    return batches


def _mine(data: "RolloutDataModule", prompts: Sequence[Prompt]) -> Sequence[Prompt]:
    return prompts[data.trainer.global_rank :: data.trainer.world_size]


def _cut(
    data: "RolloutDataModule", wanted: Sequence[tuple[Prompt, Sequence[int]]], strategy: Strategy | None = None
) -> list[PromptBatch]:
    size = data.evaluation_batch_size
    pieces = [wanted[start : start + size] for start in range(0, len(wanted), size)]
    batches = [PromptBatch(*zip(*piece, strict=True), strategy) for piece in pieces]
    if is_sharded(data.trainer.lightning_module.model):  # scoring waits for every process
        batches += [PromptBatch((), (), strategy)] * (max(of_every_process(len(batches))) - len(batches))
    return batches
