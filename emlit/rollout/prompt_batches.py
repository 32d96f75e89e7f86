"""What evaluation and prediction work through: this process's prompts, in batches."""

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass

from emlit.answering import PromptBatch
from emlit.processes import all_gather
from emlit.records import Prompt, Sampling
from emlit.strategies import Strategy
from emlit.tasks import Task


class PromptLoader:
    """A loader of ready batches. (A plain list would be several loaders to Lightning.)"""

    def __init__(self, batches: Sequence[PromptBatch]) -> None:
        self.batches = batches

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[PromptBatch]:
        return iter(self.batches)


@dataclass(frozen=True)
class Share:
    """One process's part of the prompts, in batches.

    Attributes:
        rank: of this process
        world_size: how many processes there are
        batch_size: prompts answered together
        in_step: whether every process must have as many batches, since scoring waits for all of them
    """

    rank: int
    world_size: int
    batch_size: int
    in_step: bool

    def of(self, prompts: Sequence[Prompt]) -> Sequence[Prompt]:
        """This process's prompts."""
        return prompts[self.rank :: self.world_size]

    def cut(
        self, wanted: Sequence[tuple[Prompt, Sequence[int]]], strategy: Strategy | None = None
    ) -> list[PromptBatch]:
        """Prompts of this process, and the samples wanted of each, in batches; with `in_step` a collective."""
        pieces = [wanted[start : start + self.batch_size] for start in range(0, len(wanted), self.batch_size)]
        batches = [PromptBatch(tuple(p for p, _ in piece), tuple(s for _, s in piece), strategy) for piece in pieces]
        if self.in_step:
            batches += [PromptBatch((), (), strategy)] * (max(all_gather(len(batches))) - len(batches))
        return batches


def prediction_batches(
    prompts: Sequence[Prompt],
    tasks: Sequence[Task],
    strategies: Sequence[Strategy],
    sampling: Sampling,
    samples: int,
    finished: Container[tuple[str, str, str, int]],
    share: Share,
) -> list[PromptBatch]:
    """A process's prompts for each strategy and task in turn.

    Args:
        prompts: of all tasks
        tasks: in the order in which they are answered
        strategies: in order, each answering the tasks that it suits
        sampling: what a strategy does not set
        samples: of each prompt, unless the strategy says
        finished: (decoding, task, id, sample) of what is left out
        share: of this process
    """
    batches = []
    for strategy in strategies:
        name, wanted = strategy.name(sampling), strategy.samples(sampling, samples)
        for task in filter(strategy.suits, tasks):
            open_samples = [
                (prompt, left)
                for prompt in share.of([prompt for prompt in prompts if prompt.task is task])
                if (left := [i for i in range(wanted) if (name, task.name, prompt.row.id, i) not in finished])
            ]
            batches += share.cut(open_samples, strategy)
    return batches
