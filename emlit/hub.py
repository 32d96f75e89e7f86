"""The Hugging Face hub: where it cannot be reached, what it does not give, and pushing to it."""

import functools
import logging
import os
import socket
import sys
from pathlib import Path
from urllib.parse import urlsplit

from emlit.errors import ConfigError, EmlitError, first_line

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


def why_not(error: BaseException) -> str | None:
    """Why the hub did not give a model or a file, and the way out; None where an error is about something else."""
    from huggingface_hub import errors

    said = (
        (errors.GatedRepoError, "it is gated: ask for access on its page, then `hf auth login`"),
        (
            errors.RepositoryNotFoundError,
            "the hub has no such repository, or it is private: check the id, or `hf auth login`",
        ),
        (
            (errors.LocalEntryNotFoundError, errors.OfflineModeIsEnabled),
            "the hub cannot be reached, and its cache has not got it: give a local directory or file",
        ),
        (errors.EntryNotFoundError, "its repository has no such file"),
    )
    cause: BaseException | None = error
    while cause is not None:
        for kinds, reason in said:
            if isinstance(cause, kinds):
                return reason
        cause = cause.__cause__ or cause.__context__
    return None


def require_repository(name: str, make: bool = True) -> None:
    """Make sure that a model can be pushed to a repository, which is made, private, where there is none.

    Args:
        name: its id
        make: without it nothing is made, and of a repository that is not there yet only the login is known to be good

    Raises:
        ConfigError: it cannot
    """
    from huggingface_hub import CommitOperationAdd, HfApi

    api = HfApi()
    try:
        if not make and not api.repo_exists(name):
            api.whoami()
            return
        if make:
            api.create_repo(name, private=True, exist_ok=True)
        # Asks for leave to write, which a repository that is there already may refuse, and writes nothing.
        api.preupload_lfs_files(name, additions=[CommitOperationAdd("README.md", b"emlit")])
    except Exception as error:  # a connection that fails is no OSError of its client
        raise ConfigError(
            f"export.push_to_hub is {name}, which cannot be pushed to ({first_line(error)}); log in with "
            "`hf auth login` as who may write there, or leave the key out"
        ) from None


def push(folder: Path, name: str, message: str) -> None:
    """Push a directory, but for emlit's own mark, as one commit.

    Raises:
        EmlitError: the hub refused, or is gone; the directory is kept
    """
    from huggingface_hub import HfApi

    try:
        HfApi().upload_folder(repo_id=name, folder_path=folder, commit_message=message, ignore_patterns=[".emlit*"])
    except Exception as error:
        raise EmlitError(
            f"{folder} could not be pushed to {name} ({first_line(error)}); it is kept, as is all else of the run: "
            f"push it with `hf upload {name} {folder}`"
        ) from None
