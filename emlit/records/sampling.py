"""The settings that tokens are drawn with."""

from dataclasses import dataclass, field
from math import inf

from emlit.decoding import Decoding
from emlit.errors import ConfigError, require_at_least, require_not_negative


@dataclass(frozen=True)
class Sampling:
    """How tokens are drawn.

    Args:
        temperature: 1 samples the model as it is, 0 takes the most likely token; at least 0.01 otherwise, below which
            vLLM would sample at 0.01
        max_tokens: the longest completion, in tokens
        top_p: keep the smallest set of tokens with this much probability; 1 is off
        top_k: keep so many tokens; 0 is off
        min_p: keep tokens with this share of the most likely one's probability; 0 is off
        stop: strings that end a completion; their tokens are kept
        decoding: what is done to the logits before all this, such as EM-INF; greedy sampling skips it
    """

    temperature: float = 1.0
    max_tokens: int = 256
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    stop: list[str] = field(default_factory=list)
    decoding: Decoding | None = None

    def __post_init__(self) -> None:
        require_not_negative(temperature=self.temperature)
        if not (self.temperature == 0 or 0.01 <= self.temperature < inf):
            raise ConfigError(
                f"temperature is {self.temperature}; it must be finite and at least 0.01, or 0 for the likeliest token"
            )
        require_at_least(1, max_tokens=self.max_tokens)
        if not 0 < self.top_p <= 1:
            raise ConfigError(f"top_p is {self.top_p}; it must be above 0 and at most 1 (1 is off)")
        if self.top_k < 0:
            raise ConfigError(f"top_k is {self.top_k}; it must not be negative (0 is off)")
        if not 0 <= self.min_p <= 1:
            raise ConfigError(f"min_p is {self.min_p}; it must be between 0 and 1 (0 is off)")
        if "" in self.stop:
            raise ConfigError("stop holds an empty string, which would end every completion at once; leave it out")

    @property
    def filtered(self) -> bool:
        """Whether tokens are drawn from less than the model's whole distribution."""
        return self.top_p < 1 or self.top_k > 0 or self.min_p > 0
