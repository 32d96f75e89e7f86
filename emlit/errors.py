"""What emlit raises on purpose. Each message is one sentence that names the key, file or row and the way out."""

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
