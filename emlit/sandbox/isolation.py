"""Which of the levels works on this machine: the first that runs a program to its end."""

import functools
import json
import logging
import shutil
import sys
import threading

from emlit.errors import ConfigError, EmlitError
from emlit.sandbox.levels import ISOLATING, RLIMITS, Level
from emlit.sandbox.limits import Limits
from emlit.sandbox.supervise import execute
from emlit.sandbox.view import packages

# Python starts with another installation's library, of another version, where it cannot read its own.
_PROBE = """
import json, os, sys
print(json.dumps([sys.base_prefix, sys.version, [os.access(path, os.R_OK | os.X_OK) for path in sys.path[-%d:]]]))
"""
_ABSENT = "is not installed"
_choosing = threading.Lock()
log = logging.getLogger(__name__)


def isolation(unsafe_code: bool = False) -> str:
    """How programs are shut in on this machine: "bubblewrap" or "unshare"; "rlimits" only where that is allowed.

    Raises:
        ConfigError: by none of them
    """
    return chosen(unsafe_code).name


def chosen(unsafe_code: bool = False) -> Level:
    """The strongest level that works, found once.

    Args:
        unsafe_code: where programs cannot be shut in, run them with little more than rlimits

    Raises:
        ConfigError: none works
    """
    reasons = list[str]()
    with _choosing:
        for level in (*ISOLATING, RLIMITS) if unsafe_code else ISOLATING:
            refusal = probe(level)
            if refusal is None:
                _warn(*(reason for reason in reasons if not reason.endswith(_ABSENT)), f"{level.name} is taken")
                return level
            reasons.append(f"{level.name}: {refusal}")
    way_out = "run as a user other than root" if unsafe_code else "set unsafe_code: true to run them with little around"
    raise ConfigError(
        f"programs cannot be shut in here ({'; '.join(reasons)}); install bubblewrap (`apt-get install bubblewrap`; "
        f"in a container it needs leave to make namespaces, see docs/sandbox.md), or {way_out}"
    )


@functools.cache
def _warn(*sentences: str) -> None:
    if len(sentences) > 1:  # something stronger is installed and does not work
        log.warning("sandbox: %s", "; ".join(sentences))


@functools.cache
def probe(level: Level) -> str | None:
    """Why a level does not work here; None where it runs a program of one line."""
    lacking = [tool for tool in level.tools if shutil.which(tool) is None]
    if lacking:
        return f"{lacking[0]} {_ABSENT}"
    try:
        found = execute(level, _PROBE % len(packages()), Limits())
    except EmlitError as error:
        return str(error)
    expected = json.dumps([sys.base_prefix, sys.version, [True for _ in packages()]])
    if found.ok and found.stdout.strip() != expected:
        return "the interpreter and its packages cannot be read in it"
    return None if found.ok else found.reason.removeprefix("sandbox: ")
