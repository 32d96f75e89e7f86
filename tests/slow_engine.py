"""An engine that tests can slow down, look into and interrupt."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from emlit.engines import Completion, ModelSource, Request, Sampling, TransformersEngine


class SlowEngine(TransformersEngine):
    """Calls `on_start` when it starts, and `on_completion` with the number of each completion that it tells of."""

    on_start: ClassVar[Callable[[], None]] = staticmethod(lambda: None)
    on_completion: ClassVar[Callable[[int], None]] = staticmethod(lambda number: None)
    asked: ClassVar[list[int]] = []  # how many completions, at each call
    told: ClassVar[int] = 0

    @classmethod
    def reset(cls) -> None:
        cls.on_start, cls.on_completion = staticmethod(lambda: None), staticmethod(lambda number: None)
        cls.asked, cls.told = [], 0

    def start(self, source: ModelSource) -> None:
        type(self).on_start()
        super().start(source)

    def generate(self, requests: Sequence[Request], sampling: Sampling, on_finished=None) -> list[Completion]:
        kind = type(self)
        kind.asked.append(len(requests))

        def tell(place: int, completion: Completion) -> None:
            kind.told += 1
            if on_finished is not None:
                on_finished(place, completion)
            kind.on_completion(kind.told)

        return super().generate(requests, sampling, tell)
