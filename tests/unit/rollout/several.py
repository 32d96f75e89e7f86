"""Streams of several processes in as many threads, which gather by hand."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

from emlit.rollout import RolloutStream


def together(streams: Sequence[RolloutStream], work: Callable[[RolloutStream], Any]) -> list[Any]:
    """What `work` makes of each stream, the streams being one run's ranks in order."""
    barrier, slots = threading.Barrier(len(streams), timeout=20), [None] * len(streams)

    def everyone(rank: int) -> Callable[[Any], list[Any]]:
        def gather(value: Any) -> list[Any]:
            slots[rank] = value
            barrier.wait()
            found = list(slots)
            barrier.wait()
            return found

        return gather

    found: list[Any] = [None] * len(streams)

    def run(rank: int, stream: RolloutStream) -> None:
        gather = everyone(rank)
        stream.waves.gather, stream.sum_over_ranks = gather, lambda value: sum(gather(value))
        try:
            found[rank] = work(stream)
        except BaseException:
            barrier.abort()
            raise

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(streams)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found
