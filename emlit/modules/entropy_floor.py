"""A floor under the policy's entropy: an option of every objective."""

from math import isfinite

from torch import Tensor

from emlit.errors import ConfigError


class EntropyFloor:
    """Adds -alpha * H to the loss while H is at or below a floor, alpha growing as long as it is (arXiv 2505.22312).

    alpha rises by `step` after each optimiser step whose round had a mean entropy at or below the floor and falls by as
    much, not below 0, after the others; it takes part in the loss only at or below the floor. For EM-FT, whose loss is
    H itself, 1 is where it balances.

    Args:
        floor: nats a token, averaged over the round
        step: by how much alpha changes
    """

    def __init__(self, floor: float, step: float = 0.05) -> None:
        if not floor > 0:
            raise ConfigError(f"floor of EntropyFloor is {floor}; it must be positive, in nats")
        if not step > 0:
            raise ConfigError(f"step of EntropyFloor is {step}; it must be positive")
        self.floor, self.step = floor, step
        self.alpha = 0.0
        self.coefficient = 0.0
        self.seen: Tensor | float = 0.0  # this process's share of the mean entropy of the optimiser step under way
        self.counts = False  # whether any token of it is trained on

    def observe(self, share: Tensor, tokens: float) -> None:
        """Take a micro-batch's share of the mean entropy of its optimiser step, which trains on so many tokens."""
        self.seen, self.counts = self.seen + share, tokens > 0

    def update(self, mean_entropy: float) -> None:
        """After an optimiser step, whose rollouts had this mean entropy over all processes.

        A step without a token to train on, or with nan, says nothing of the entropy and changes nothing.
        """
        counts, self.seen, self.counts = self.counts and isfinite(mean_entropy), 0.0, False
        if not counts:
            return
        below = mean_entropy <= self.floor
        self.alpha = max(0.0, self.alpha + (self.step if below else -self.step))
        self.coefficient = self.alpha if below else 0.0

    def state_dict(self) -> dict[str, float]:
        return {"alpha": self.alpha, "coefficient": self.coefficient}

    def load_state_dict(self, state: dict[str, float]) -> None:
        self.alpha, self.coefficient = state["alpha"], state["coefficient"]
