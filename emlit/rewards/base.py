"""The seam of rewards: one number a completion."""

import re
from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence

from torch import Tensor

from emlit.errors import DataError
from emlit.functional import AnyStats, Stat
from emlit.records import Prompt, RolloutBatch


class Reward(ABC):
    """A number for each completion, from its text, its row, its log-probabilities and its entropies.

    Attributes:
        needs: what it reads of each token beside log p and H
        needs_old: whether it reads `batch.old`
        reads_stats: whether it reads log p and H at all; without, rewards before training cost no forward pass
        labelled: whether it compares answers with labels
    """

    needs: Collection[Stat] = ()
    needs_old: bool = False
    reads_stats: bool = True
    labelled: bool = False

    @property
    def name(self) -> str:
        """Of its curve: VerifiedAnswerReward is verified_answer."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(self).__name__.removesuffix("Reward")).lower()

    def check(self, prompts: Sequence[Prompt]) -> None:
        """Raise DataError where it cannot judge completions of one of the training prompts; before a model loads.

        Here: where it is `labelled` and a prompt has no label. One that asks for more calls this too.
        """
        if self.labelled and (bare := next((each for each in prompts if each.row.answer is None), None)):
            raise DataError(
                f"{bare.where}: no label, and {type(self).__name__} compares answers with labels; set answer_column or "
                "answer_from_solution of data.train, or choose a reward that needs none"
            )

    def score(self, batch: RolloutBatch, stats: AnyStats) -> tuple[Tensor, dict[str, Tensor]]:
        """The rewards (B,), and what they are made of, (B,) each: curves of their own under reward/<name>."""
        return self(batch, stats), {}

    @abstractmethod
    def __call__(self, batch: RolloutBatch, stats: AnyStats) -> Tensor:
        """Rewards (B,), float32.

        Args:
            batch: the completions, B rows of T tokens
            stats: log-probability and entropy (B, T) under the policy, and `extra` where it needs more, detached;
                read them under `batch.completion_mask`
        """
