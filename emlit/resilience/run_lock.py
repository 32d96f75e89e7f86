"""One run at a time in a directory."""

import contextlib
import errno
import fcntl
import logging
import os
import socket
import stat
from pathlib import Path

from emlit.errors import ConfigError

log = logging.getLogger(__name__)

_HELD = (errno.EACCES, errno.EAGAIN)
# By which launchers tell a process that others of the same run are before it.
_RANKS = ("RANK", "LOCAL_RANK", "NODE_RANK", "GROUP_RANK", "SLURM_PROCID", "OMPI_COMM_WORLD_RANK", "PMI_RANK")


def is_first_process() -> bool:
    """Whether no other process of this run, on this machine or another, comes before this one."""
    return all(os.environ.get(name, "0") == "0" for name in _RANKS)


def lock_name(command: str) -> str:
    return f".emlit.{'fit' if command == 'fit' else 'answers'}.lock"


class RunLock:
    """A lock on a run directory, of a run's first process for all of them; gone with the process, however it ends.

    `fit` has one, and validate, test and predict share another: those read a checkpoint, which is replaced whole, and
    write files that a fit leaves alone.
    """

    def __init__(self) -> None:
        self._handle: int | None = None

    def take(self, run_dir: Path, command: str) -> None:
        """Take it, unless this run has it or the directory is not there yet.

        Raises:
            ConfigError: another process has it, or the directory cannot be written to
        """
        if self._handle is not None or not run_dir.is_dir() or not is_first_process():
            return
        path = run_dir / lock_name(command)
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise ConfigError(
                f"run_dir {run_dir} cannot be written to: {error.strerror}; choose another --run_dir"
            ) from error
        found = os.fstat(handle)
        said = os.pread(handle, 200, 0) if stat.S_ISREG(found.st_mode) else b"?"
        if found.st_nlink != 1 or (said and not said.startswith(b"process ")):
            os.close(handle)
            raise ConfigError(f"{path} is not emlit's lock: move it away, or choose another --run_dir")
        try:
            # Not lockf, which is lost as soon as anything in this process has read the file and closed it again.
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = said.decode("utf-8", "replace").strip()
            os.close(handle)
            if error.errno not in _HELD:
                log.warning("%s cannot be locked (%s): two runs in it would not notice", run_dir, error.strerror)
                return
            raise ConfigError(
                f"run_dir {run_dir} is in use by {holder or 'another process'}; wait for its end or stop it, or choose "
                "another --run_dir"
            ) from error
        with contextlib.suppress(OSError):  # a full disk: the lock counts, not what it says
            os.ftruncate(handle, 0)
            os.pwrite(handle, f"process {os.getpid()} on {socket.gethostname()} ({command})\n".encode(), 0)
        self._handle = handle
        # An engine's process that is forked from this one, and outlives it, must not hold the lock.
        os.register_at_fork(after_in_child=self.release)

    def release(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
