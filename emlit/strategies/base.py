"""What a way of decoding is made of: questions to an engine, and which replies count as the answer."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any, ClassVar

from emlit.decoding import PRESETS, Decoding, Preset
from emlit.errors import ConfigError, require_at_least
from emlit.records import Ask, Grader, Sampler, Sampling, Turn


class Strategy(ABC):
    """A way of decoding, under a name of its own in predictions and reports. What is not set is as in data.sampling.

    Args:
        name: what it is called; made from its settings unless set
        samples: answers of each problem; data.evaluation_samples unless set, 1 at temperature 0
        temperature: 0 takes the most likely token
        top_p: keep the smallest set of tokens with this much probability; 1 is off
        top_k: keep so many tokens; 0 is off
        min_p: keep tokens with this share of the most likely one's probability; 0 is off
        em_inf: decode with EM-INF, with the values of the "released" scripts or of the "paper"
        decoding: decode with any of `emlit.decoding`, with values of one's own, or with a decoding of one's own

    Raises:
        ConfigError: EM-INF and another decoding at once, or a value out of range

    Attributes:
        needs_logprobs: whether `turn` reads the log-probabilities of replies, which are then kept for a resumed run too
    """

    needs_logprobs: ClassVar[bool] = False

    def __init__(
        self,
        name: str | None = None,
        samples: int | None = None,
        temperature: float | None = None,
        top_p: float | None = None,
        top_k: int | None = None,
        min_p: float | None = None,
        em_inf: Preset | None = None,
        decoding: Decoding | None = None,
    ) -> None:
        if em_inf is not None and decoding is not None:
            raise ConfigError("em_inf and decoding are both set; a strategy takes one of them")
        if em_inf is not None and em_inf not in PRESETS:
            raise ConfigError(f"em_inf is {em_inf!r}; it must be one of {', '.join(PRESETS)}")
        require_at_least(1, samples=samples)
        if name is not None and not name.strip():
            raise ConfigError("name is empty; leave it out to have one made")
        given = {"temperature": temperature, "top_p": top_p, "top_k": top_k, "min_p": min_p}
        self.overrides: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
        Sampling(**self.overrides)  # refuses what is out of range
        self.decoding: Decoding | None = decoding if em_inf is None else PRESETS[em_inf]
        if self.decoding is not None and temperature == 0:
            raise ConfigError(
                "temperature is 0, where the most likely token is taken and no decoding asked; raise it, or leave "
                "em_inf and decoding out"
            )
        self._own_name, self._samples = name, samples

    @property
    @abstractmethod
    def kind(self) -> str:
        """What stands in front of the settings in its name; empty for plain sampling."""

    @abstractmethod
    def turn(self, asks: Sequence[Ask], sample: Sampler) -> list[Turn | None]:
        """Answer one turn of each problem; None where a conversation has outgrown the context."""

    def suits(self, task: Grader) -> bool:
        """Whether it has a meaning for a task."""
        return True

    def expand(self) -> "list[Strategy]":
        """The strategies that it stands for."""
        return [self]

    def sampling(self, default: Sampling) -> Sampling:
        return replace(default, **self.overrides, decoding=self.decoding or default.decoding)

    def samples(self, default: Sampling, samples: int) -> int:
        """Answers of each problem; one where they would all be the same."""
        if self._samples is not None:
            return self._samples
        return 1 if self.sampling(default).temperature == 0 else samples

    def name(self, default: Sampling) -> str:
        if self._own_name is not None:
            return self._own_name
        sampling = self.sampling(default)
        parts = ["greedy"] if sampling.temperature == 0 else [f"T={sampling.temperature:g}"]
        parts += [f"min-p {sampling.min_p:g}"] if sampling.min_p else []
        parts += [f"top-p {sampling.top_p:g}"] if sampling.top_p < 1 else []
        parts += [f"top-k {sampling.top_k}"] if sampling.top_k else []
        kinds = [part for part in (self.kind, sampling.decoding.describe() if sampling.decoding else "") if part]
        return ", ".join([" + ".join(kinds), *parts] if kinds else parts)

    def settings(self, default: Sampling) -> dict[str, Any]:
        """All that its answers depend on, as JSON."""
        chosen = self.sampling(default)
        sampling = asdict(chosen)
        values = sampling.pop("decoding")
        decoding = None if values is None else {type(chosen.decoding).__name__: values}
        return {"class": type(self).__name__, **plain_values(self), "sampling": sampling, "decoding": decoding}

    def answer(self, asks: Sequence[Ask], sample: Sampler) -> list[list[Turn]]:
        """Answer each problem, all its turns: those of a task of several follow from the replies before."""
        threads: list[list[Turn]] = [[] for _ in asks]
        open_threads = dict(enumerate(asks))
        while open_threads:
            turns = self.turn(list(open_threads.values()), sample)
            going_on = {}
            for (index, ask), turn in zip(open_threads.items(), turns, strict=True):
                if turn is None:
                    continue
                threads[index].append(turn)
                texts = [each.reply.text for each in threads[index]]
                messages = ask.prompt.task.next_messages(ask.prompt.row, texts)
                if messages is not None:
                    going_on[index] = Ask(
                        ask.prompt, ask.sample, ask.turn + 1, messages=messages, sampling=ask.sampling
                    )
            open_threads = going_on
        return threads


def plain_values(settings: object) -> dict[str, Any]:
    """The attributes of an object that JSON can hold, as settings can: numbers, texts, lists of them."""
    return {name: value for name, value in vars(settings).items() if name[0] != "_" and _is_plain(value)}


def _is_plain(value: object) -> bool:
    return isinstance(value, int | float | str) or isinstance(value, list | tuple) and all(map(_is_plain, value))
