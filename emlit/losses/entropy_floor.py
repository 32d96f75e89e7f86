"""Terms that hold the policy's entropy up."""

from typing import Any

import torch

from emlit.errors import ConfigError, require_positive
from emlit.losses.lagged import Reduce, RoundStatistic
from emlit.losses.terms import LossInputs, LossOutputs, LossTerm


class EntropyFloor(LossTerm):
    """Adds -alpha * H to the loss while H is at or below a floor, alpha growing as long as it is (arXiv 2505.22312).

    alpha rises by `step` after each optimiser step whose round had a mean entropy at or below the floor and falls by as
    much, not below 0, after the others; it takes part in the loss only at or below the floor. For EM-FT, whose loss is
    H itself, 1 is where it balances. Skywork-OR1's released values are floor 0.2, step 0.0001 and maximum 0.005; its
    signal is the mean of -log p of the samples, here the exact entropy.

    Args:
        floor: nats a token, averaged over the round
        step: by how much alpha changes
        maximum: the largest alpha; none unless set
    """

    def __init__(self, floor: float, step: float = 0.05, maximum: float | None = None) -> None:
        if not floor > 0:
            raise ConfigError(f"floor of EntropyFloor is {floor}; it must be positive, in nats")
        require_positive("EntropyFloor", step=step)
        if maximum is not None and not maximum > 0:
            raise ConfigError(f"maximum of EntropyFloor is {maximum}; it must be positive, or null for none")
        self.floor, self.step, self.maximum = floor, step, maximum
        self.alpha = 0.0
        self.coefficient = 0.0
        self.entropy = RoundStatistic("mean")

    def __call__(self, inputs: LossInputs) -> LossOutputs:
        self.entropy.observe(inputs.stats.entropy, inputs.batch.loss_mask)
        values = {"entropy_floor/coefficient": torch.tensor(self.coefficient)}
        return LossOutputs(inputs.stats.entropy, -self.coefficient, values)

    def update(self, reduce: Reduce) -> None:
        """A step without a token to train on, or with nan, says nothing of the entropy and changes nothing."""
        self.entropy.value = None
        super().update(reduce)
        if self.entropy.value is None:
            return
        below = self.entropy.value <= self.floor
        self.alpha = max(0.0, self.alpha + (self.step if below else -self.step))
        if self.maximum is not None:
            self.alpha = min(self.alpha, self.maximum)
        self.coefficient = self.alpha if below else 0.0

    def state_dict(self) -> dict[str, Any]:
        return {"alpha": self.alpha, "coefficient": self.coefficient}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.alpha, self.coefficient = state["alpha"], state["coefficient"]
