"""Rows of a prompt and a completion, cut into the forward passes that score them."""

import os
from collections.abc import Iterable, Iterator, Sequence

Row = tuple[list[int], list[int]]


def in_passes(rows: Iterable[Row], most: int) -> Iterator[list[Row]]:
    """`rows` in order, cut so that each pass, padded, has at most so many tokens (or is one row)."""
    found: list[Row] = []
    width = 0
    for row in rows:
        wider = max(width, len(row[0]) + len(row[1]))
        if found and wider * (len(found) + 1) > most:
            yield found
            found, wider = [], len(row[0]) + len(row[1])
        found.append(row)
        width = wider
    if found:
        yield found


def shared_prefix(prompts: Sequence[list[int]]) -> int:
    """How many tokens all prompts begin with, none of them the last: the distribution behind that is each row's own."""
    return min(len(os.path.commonprefix(prompts)), min(map(len, prompts), default=1) - 1)
