"""Completions that were cut before their answer."""

from emlit.metrics.bootstrap import Interval

MANY_TRUNCATED = 0.05  # emlit's own line


def truncation_sentence(truncated: Interval | float, max_tokens: int | None = None) -> str | None:
    """What to say of a share of completions that were cut, and the way out; None where it is small.

    Args:
        truncated: the share, with its interval where that is to be said
        max_tokens: at which they were cut, where all were at the same
    """
    interval = truncated if isinstance(truncated, Interval) else Interval(truncated)
    if interval.value < MANY_TRUNCATED:
        return None
    share = f"{100 * interval.value:.0f} %"
    if interval.ends is not None:
        share += f" ({100 * interval.low:.0f} to {100 * interval.high:.0f})"
    where = "max_tokens" if max_tokens is None else f"{max_tokens} tokens"
    return (
        f"{share} of completions are cut at {where} and have no answer to be right with: raise "
        "data.sampling.max_tokens (and data.context, where that is the limit)."
    )
