"""Which of the levels works on this machine: the first that runs a program to its end."""

import json
import logging
import os
import shutil
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace

from emlit.errors import EmlitError
from emlit.sandbox.identity import fresh_uid
from emlit.sandbox.levels import LEVELS, Level
from emlit.sandbox.limits import ExecutionResult, Limits
from emlit.sandbox.process import Process
from emlit.sandbox.supervise import supervise
from emlit.sandbox.view import packages

log = logging.getLogger(__name__)

_TOOLS = {"bubblewrap": ("bwrap",), "unshare": ("unshare", "setpriv", "mount", "sh")}
# Python starts with another installation's library, of another version, where it cannot read its own.
_PROBE = """
import json, os, sys
print(json.dumps([sys.base_prefix, sys.version, [os.access(path, os.R_OK | os.X_OK) for path in sys.path[-%d:]]]))
"""
_chosen: Level | None = None
_choosing = threading.Lock()


def isolation() -> str:
    """How programs are shut in on this machine: "bubblewrap", "unshare" or "rlimits"."""
    return chosen().name


def chosen() -> Level:
    """The strongest level that works; found once, with a warning where it leaves something open.

    Raises:
        EmlitError: no program runs at any level
    """
    global _chosen
    with _choosing:
        if _chosen is None:
            _chosen = next(working(), None)
            if _chosen is None:
                raise EmlitError("no sandbox starts here; `emlit.sandbox.isolation.probe` says why, level by level")
            if _chosen.missing:
                log.warning(
                    "untrusted programs run under rlimits alone: %s; install bubblewrap, where namespaces are allowed",
                    _chosen.missing,
                )
    return _chosen


def working() -> Iterator[Level]:
    """The levels that work here, strongest first, one for each name."""
    seen = set()
    for level in LEVELS:
        if level.name not in seen and probe(level).ok:
            seen.add(level.name)
            yield level


def probe(level: Level) -> ExecutionResult:
    """Run a program of one line in a level."""
    lacking = [tool for tool in _TOOLS.get(level.name, ()) if shutil.which(tool) is None]
    if lacking:
        return ExecutionResult(False, f"sandbox: {lacking[0]} is not installed")
    if level.needs_root and (os.geteuid() != 0 or fresh_uid() is None or shutil.which("setpriv") is None):
        return ExecutionResult(False, "sandbox: only root can give a program another user id")
    found = execute(level, _PROBE % len(packages()), Limits())
    expected = json.dumps([sys.base_prefix, sys.version, [True for _ in packages()]])
    if found.ok and found.stdout.strip() != expected:
        return replace(found, ok=False, reason="sandbox: the interpreter and its packages cannot be read in it")
    return found


def execute(
    level: Level, program: str, limits: Limits, stdin: bytes = b"", stop: threading.Event | None = None
) -> ExecutionResult:
    """Run one program at one level; whatever it does, there is a result, and nothing of it is left."""
    try:
        process = Process(level, "program", {"program": program}, limits, stdin)
    except OSError as error:
        return ExecutionResult(False, f"sandbox: {error}")
    try:
        supervise([process], limits.timeout, stop)
    finally:
        process.kill()
    return process.result()
