"""A batch of evaluation or prediction."""

from collections.abc import Sequence
from dataclasses import dataclass

from emlit.records import Prompt
from emlit.strategies import Strategy


@dataclass(frozen=True)
class PromptBatch:
    """Prompts, and which samples of each are wanted; none where only other processes have some left.

    Attributes:
        prompts: one a row
        samples: for each prompt, the sample numbers to draw
        strategy: how; the data module's own way unless set
    """

    prompts: Sequence[Prompt]
    samples: Sequence[Sequence[int]]
    strategy: Strategy | None = None

    def __len__(self) -> int:
        return sum(len(wanted) for wanted in self.samples)
