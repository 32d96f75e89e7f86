"""What a completion is worth."""

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence

from torch import Tensor

from emlit.functional import CertaintyStats, TokenStats
from emlit.records import Prompt, RolloutBatch


class Reward(ABC):
    """A number for each completion, from its text, its row, its log-probabilities and its entropies.

    Attributes:
        needs_self_certainty: whether `stats` must be CertaintyStats; they are computed where a reward says so alone
    """

    needs_self_certainty: bool = False

    @property
    def name(self) -> str:
        """Of its curve: VerifiedAnswerReward is verified_answer."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(self).__name__.removesuffix("Reward")).lower()

    def check(self, prompts: Sequence[Prompt]) -> None:  # noqa: B027 (most rewards judge anything)
        """Raise DataError where it cannot judge completions of one of the training prompts; before a model loads."""

    def score(self, batch: RolloutBatch, stats: TokenStats | CertaintyStats) -> tuple[Tensor, dict[str, Tensor]]:
        """The rewards (B,), and what they are made of, (B,) each: curves of their own under reward/<name>."""
        return self(batch, stats), {}

    @abstractmethod
    def __call__(self, batch: RolloutBatch, stats: TokenStats | CertaintyStats) -> Tensor:
        """Rewards (B,), float32.

        Args:
            batch: the completions, B rows of T tokens
            stats: log-probability and entropy (B, T) under the policy, and self-certainty where it is needed,
                detached; read them under `batch.completion_mask`
        """
