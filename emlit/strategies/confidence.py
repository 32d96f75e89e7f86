"""What the engine's log-probabilities say of a reply."""

from emlit.errors import ConfigError, EngineError
from emlit.records import Completion, Sampling


def mean_logprob(completion: Completion, strategy: object) -> float:
    """Mean log-probability of a completion's tokens under the distribution that they were drawn from, nats.

    0 without a token. Temperature, filters and decoding are in it: at a temperature below 1 all is surer.

    Raises:
        EngineError: nobody sampled it, as with replayed completions
    """
    if completion.logprobs is None:
        name = type(strategy).__name__
        raise EngineError(f"{name} needs log-probabilities, which completions that were not sampled lack; leave it out")
    return sum(completion.logprobs) / len(completion.logprobs) if completion.logprobs else 0.0


def require_draws(sampling: Sampling, strategy: object) -> None:
    """Raise ConfigError where replies of one prompt would all be the same, and their log-probabilities say nothing."""
    if sampling.temperature == 0:
        name = type(strategy).__name__
        raise ConfigError(
            f"data.sampling.temperature is 0, where {name} has nothing to choose from; set its temperature"
        )
