"""What emlit raises on purpose. Each message is one sentence that names the key, file or row and the way out."""

from collections.abc import Callable, Mapping

from emlit.printable import printable


class EmlitError(Exception):
    """Base of the errors below; the CLI prints their message without a traceback."""


class ConfigError(EmlitError):
    """A wrong key, value or combination of settings."""


class DataError(EmlitError):
    """A prompt file, row or checkpoint that cannot be used."""


class EngineError(EmlitError):
    """The sampler failed."""


class WeightSyncError(EmlitError):
    """The sampler does not run the weights that are being trained."""


class NonFiniteError(EmlitError):
    """Losses, gradients or log-probabilities are nan or infinite, step after step."""


class StorageError(EmlitError):
    """A file could not be written: the disk is full, or will not take it."""


def first_line(error: BaseException) -> str:
    """What an error of another library says first; where that ends in a colon, what follows too."""
    said = f"no {error}" if isinstance(error, KeyError) else str(error)  # of which it gives the key alone
    first, *more = (said.strip() or type(error).__name__).splitlines()
    return printable(" ".join([first, *" ".join(more).split()]) if first.endswith(":") else first)


def require_at_least(least: int, owner: str = "", /, **values: float | None) -> None:
    """Raise ConfigError for the first value, named as the `owner`'s setting, that is too small; None is left out."""
    _require(lambda value: value >= least, f"be at least {least}", owner, values)


def require_positive(owner: str = "", /, **values: float | None) -> None:
    """Likewise, for what must be above 0."""
    _require(lambda value: value > 0, "be positive", owner, values)


def require_not_negative(owner: str = "", /, **values: float | None) -> None:
    """Likewise, for what must be at least 0."""
    _require(lambda value: value >= 0, "not be negative", owner, values)


def require_fraction(owner: str = "", /, **values: float | None) -> None:
    """Likewise, for what must be above 0 and below 1."""
    _require(lambda value: 0 < value < 1, "be above 0 and below 1", owner, values)


def _require(holds: Callable[[float], bool], words: str, owner: str, values: Mapping[str, float | None]) -> None:
    for name, value in values.items():
        if value is not None and not holds(value):
            raise ConfigError(f"{name}{owner and f' of {owner}'} is {value}; it must {words}")
