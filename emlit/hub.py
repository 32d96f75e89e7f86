"""The Hugging Face hub, where it cannot be reached."""

import functools
import logging
import os
import socket
import sys
from pathlib import Path
from urllib.parse import urlsplit

log = logging.getLogger(__name__)

_PATIENCE = 5.0  # seconds
_PROXIES = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")


@functools.cache
def configure() -> None:
    """Look once whether the hub answers; where it does not, its cache alone is read from now on.

    Its clients would try each file again and again, for a minute before the first word.
    """
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE or any(os.environ.get(name) for name in _PROXIES):
        return
    address = urlsplit(constants.ENDPOINT)
    port = address.port or {"http": 80}.get(address.scheme, 443)
    try:
        socket.create_connection((address.hostname or "", port), _PATIENCE).close()
    except OSError as error:
        log.warning(
            "%s cannot be reached (%s): models and data sets are read from its cache alone; a local directory or file "
            "serves too",
            constants.ENDPOINT,
            error.strerror or error,
        )
        os.environ["HF_HUB_OFFLINE"] = "1"  # for what is not imported yet, and for processes started from here
        constants.HF_HUB_OFFLINE = True
        if "datasets" in sys.modules:
            sys.modules["datasets"].config.HF_HUB_OFFLINE = True


def directory(name: str) -> Path | None:
    """Where the cache has the files of a model's hub id; None where it has not."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = try_to_load_from_cache(name, "config.json")
    except HFValidationError:
        return None
    return Path(found).parent if isinstance(found, str) else None
