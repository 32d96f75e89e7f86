"""The penalty on the distance from the reference policy."""

from torch import Tensor

from emlit.errors import ConfigError
from emlit.functional import KLEstimator, approx_kl, sequence_mean
from emlit.losses.terms import LossInputs, LossOutputs, LossTerm


class KLToReference(LossTerm):
    """weight * KL(policy || reference), estimated on the sampled tokens.

    Args:
        weight: of the penalty; the paper's EM-RL has 0.001
        estimator: as a penalty, k2 has the gradient of KL(policy || reference) and k3 that of the reverse; k1, whose
            gradient is 0 on average, is averaged over the completion and taken off the reward instead
    """

    needs_reference = True

    def __init__(self, weight: float = 0.001, estimator: KLEstimator = "k3") -> None:
        if weight < 0:
            raise ConfigError(f"kl_weight is {weight}; it must not be negative")
        self.weight, self.estimator = weight, estimator
        self.needs_rewards = estimator == "k1"

    def penalty(self, inputs: LossInputs) -> Tensor:
        """The estimate of every sampled token (B, T), nats."""
        assert inputs.reference is not None, "a term that needs the reference policy was not given it"
        return approx_kl(inputs.stats.logprob, inputs.reference.logprob, self.estimator)

    def shape_reward(self, inputs: LossInputs) -> Tensor | None:
        if self.estimator != "k1":
            return None
        return -self.weight * sequence_mean(self.penalty(inputs).detach(), inputs.batch.completion_mask)

    def __call__(self, inputs: LossInputs) -> LossOutputs:
        kl = self.penalty(inputs)
        return LossOutputs(None if self.estimator == "k1" else kl, self.weight, {"kl/ref": kl})
