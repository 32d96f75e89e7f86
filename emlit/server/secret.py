"""The secret of a vLLM server's control endpoints, which server and trainer share by a file or the environment."""

import os
import re
import secrets
import stat
from pathlib import Path

from emlit.errors import ConfigError

HEADER = "X-Emlit-Secret"
VARIABLE, FILE_VARIABLE = "EMLIT_SERVER_SECRET", "EMLIT_SERVER_SECRET_FILE"
_FORM = re.compile(r"[!-~]{16,256}")  # fits a header, and is not guessed
_LONGEST = 1000  # characters of a file that are read


def default_file() -> Path:
    """One for all servers and trainers of a user, wherever they share a home directory."""
    return Path(os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state"), "emlit", "server-secret")


def find() -> str | None:
    """The secret, or None where there is none: of the environment, of the file that it names, of the default file.

    Raises:
        ConfigError: a file that cannot be read, or is not this user's alone, or a secret of the wrong form
    """
    if value := os.environ.get(VARIABLE):
        return _checked(value, VARIABLE)
    named = os.environ.get(FILE_VARIABLE)
    file = Path(named) if named else default_file()
    try:
        with file.open(errors="replace") as opened:
            status, value = os.fstat(opened.fileno()), opened.read(_LONGEST)
    except OSError as error:
        if not named and isinstance(error, FileNotFoundError | NotADirectoryError):
            return None
        raise ConfigError(f"the server's secret cannot be read from {file} ({error.strerror})") from error
    if status.st_uid != os.geteuid() or stat.S_IMODE(status.st_mode) & 0o077:
        way = f"put a new one into a file of mode 600 for {FILE_VARIABLE}" if named else "start the servers anew"
        raise ConfigError(f"{file} belongs to another user, or others may read it; remove it, and {way}")
    return _checked(value.strip(), str(file))


def create() -> Path:
    """The default file, with a new secret where there is no file."""
    file = default_file()
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
            opened.write(secrets.token_urlsafe(32) + "\n")
        try:
            os.link(draft, file)  # whole or not at all, also where two servers start together
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    except OSError as error:
        raise ConfigError(
            f"{file} cannot be written for the server's secret ({error.strerror}); set {FILE_VARIABLE} to a file that "
            "holds one"
        ) from error
    return file


def headers() -> dict[str, str]:
    """What a client of the server sends with every request: the secret, and vLLM's own key where one is set."""
    found, key = find(), os.environ.get("VLLM_API_KEY")
    return ({HEADER: found} if found else {}) | ({"Authorization": f"Bearer {key}"} if key else {})


def _checked(value: str, source: str) -> str:
    if not _FORM.fullmatch(value):
        raise ConfigError(
            f"{source} holds no usable secret: it must be 16 to 256 printable ASCII characters, no spaces"
        )
    return value
