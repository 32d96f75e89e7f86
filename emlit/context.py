"""How many tokens a model reads at once, and how many of them a prompt may have."""

from emlit import pretrained
from emlit.errors import ConfigError
from emlit.printable import printable

# Under which a config.json says how many tokens a model takes; the first is the one that most have.
_LENGTHS = ("max_position_embeddings", "n_positions", "max_sequence_length", "max_seq_len", "seq_length", "n_ctx")


def context_length(path: str, trust_remote_code: bool = False) -> int | None:
    """The most tokens that the model says it takes; None where its config.json names no number (Mamba, say)."""
    config = pretrained.load_config(path, trust_remote_code).get_text_config()
    values = (getattr(config, name, None) for name in _LENGTHS)
    return next((value for value in values if isinstance(value, int) and value > 0), None)


def default_context(name: str, limit: int | None) -> int:
    """The model's own length, at most 8192.

    Raises:
        ConfigError: it has none
    """
    if limit is None:
        raise ConfigError(
            f"pretrained is {printable(name)}, whose config.json names no longest row of tokens; set data.context"
        )
    return min(limit, 8192)


def context_of(asked: int | None, name: str, path: str, trust_remote_code: bool = False) -> int:
    """`asked`, or the default one of the model that is called `name` and lies at `path`.

    Raises:
        ConfigError: the model takes fewer tokens, or has no default one
    """
    limit = context_length(path, trust_remote_code)
    context = asked or default_context(name, limit)
    if limit is not None and context > limit:
        raise ConfigError(f"data.context is {context}, but {name} has {limit} positions; lower it")
    return context


def longest_prompt(context: int, max_tokens: int) -> int:
    """What a completion of `max_tokens` leaves of a context; ConfigError where that is nothing."""
    if max_tokens >= context:
        raise ConfigError(
            f"sampling.max_tokens is {max_tokens}, which leaves no room for a prompt in a context of {context} tokens; "
            "lower it"
        )
    return context - max_tokens
