"""One reply a turn: greedy, at a temperature, with min-p or top-p, with EM-INF or an adaptive temperature."""

from collections.abc import Sequence
from typing import Any

from emlit.errors import ConfigError
from emlit.records import Ask, Reply, Sampler, Turn
from emlit.strategies.base import Strategy


def single_reply_turn(reply: Reply | None) -> Turn | None:
    """A turn that took nothing but its reply."""
    return None if reply is None else Turn(reply, len(reply.prompt), len(reply.completion.tokens))


class Sampled(Strategy):
    """Draw a reply and take it."""

    kind = ""

    def turn(self, asks: Sequence[Ask], sample: Sampler) -> list[Turn | None]:
        return [single_reply_turn(reply) for reply in sample(asks)]


class TemperatureSweep(Sampled):
    """`Sampled` at each of several temperatures.

    Args:
        temperatures: each becomes a strategy of its own
        options: as of Sampled
    """

    def __init__(self, temperatures: list[float], **options: Any) -> None:
        if not temperatures or len(set(temperatures)) < len(temperatures):
            raise ConfigError(f"temperatures is {temperatures}; give at least one, and none twice")
        if options.get("name") is not None:
            raise ConfigError("name is set, but a sweep's strategies are named by their temperatures; leave it out")
        if options.get("temperature") is not None:
            raise ConfigError("temperature and temperatures are both set; a sweep takes the second")
        super().__init__(**options)
        self.members: list[Strategy] = [Sampled(**{**options, "temperature": each}) for each in temperatures]

    def expand(self) -> list[Strategy]:
        return self.members
