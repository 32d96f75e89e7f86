"""The ways to shut a program in, as command lines in front of the interpreter."""

import functools
import itertools
import os
import secrets
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath

from emlit.sandbox import view
from emlit.sandbox.limits import MIB, Limits


@dataclass(frozen=True)
class Level:
    """One way.

    Attributes:
        name: as `isolation()` reports it
        tools: commands that it needs
        command: of the limits and the descriptor of the seccomp filter, what stands in front of the interpreter
        isolates: the program has a file system, network and processes of its own
        filters: its tool sets the seccomp filter, for the first process too; the program's does otherwise
    """

    name: str
    tools: tuple[str, ...]
    command: Callable[[Limits, int], list[str]]
    isolates: bool = True
    filters: bool = False


def _bubblewrap(limits: Limits, filter_file: int) -> list[str]:
    own_user = [] if os.geteuid() == 0 else ["--unshare-user", "--cap-drop", "ALL"]
    binds = view.read_only()
    shown = [word for place, path in binds.items() for word in ("--ro-bind", path, place)]
    devices = [word for path in view.DEVICES for word in ("--dev-bind", path, path)]
    above = {str(parent) for path in (*binds, *view.DEVICES) for parent in PurePath(path).parents} - {"/"}
    folders = [word for path in sorted(above) for word in ("--perms", "0755", "--dir", path)]
    linked = [word for place, target in view.links() for word in ("--symlink", target, place)]
    return [
        "bwrap", "--die-with-parent", "--unshare-net", "--unshare-pid", "--unshare-ipc", "--unshare-uts",
        "--unshare-cgroup-try", "--hostname", "sandbox", *own_user, "--proc", "/proc", "--remount-ro", "/proc",
        "--perms", "1777", "--size", str(int(limits.scratch_mb * MIB)), "--tmpfs", view.SCRATCH,
        *folders, *shown, *devices, *linked, "--remount-ro", "/", "--chdir", view.SCRATCH,
        "--seccomp", str(filter_file), "--",
    ]  # fmt: skip


def _unshare(limits: Limits, filter_file: int) -> list[str]:
    own_user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    return [
        "setpriv", "--pdeathsig", "KILL", "unshare", "--net", "--pid", "--ipc", "--uts", "--mount", *own_user,
        "--fork", "--kill-child=KILL", "sh", "-c", _script(int(limits.scratch_mb * MIB), limits.scratch_files), "sh",
    ]  # fmt: skip


@functools.cache
def _script(scratch_bytes: int, scratch_files: int) -> str:
    """Builds a root of its own over /sys, which no program needs, and starts the arguments in it.

    The shell stays, as the first process of its namespace: when it ends, all of them are killed.
    """
    binds = view.read_only()
    files = [place for place, path in binds.items() if not os.path.isdir(path)] + list(view.DEVICES)
    folders = {place for place, path in binds.items() if os.path.isdir(path)} | {os.path.dirname(p) for p in files}
    options = f"size={scratch_bytes},nr_inodes={scratch_files},mode=1777,nosuid,nodev"

    def under(places: list[str]) -> str:
        return " ".join(shlex.quote(f"/sys{place}") for place in places)

    return "\n".join([
        "set -e", "mount -t tmpfs -o size=1m,mode=755 sandbox /sys", "mkdir /sys/proc /sys/old",
        f"mkdir -m 1777 /sys{view.SCRATCH}", f"mount -t tmpfs -o {options} scratch /sys{view.SCRATCH}",
        f"mkdir -p {under(sorted(folders))}", f"touch {under(files)}",
        *(f"mount -o bind,ro,nosuid {shlex.quote(path)} {under([place])}" for place, path in binds.items()),
        *(f"mount -o bind {path} /sys{path}" for path in view.DEVICES),
        *(f"ln -s {shlex.quote(target)} {under([place])}" for place, target in view.links()),
        "mount -t proc -o ro,nosuid,nodev,noexec proc /sys/proc", "cd /sys",
        "PATH=$PATH:/usr/sbin:/sbin pivot_root . old", "umount -l /old", "mount -o remount,bind,ro /",
        f"cd {view.SCRATCH}", "set +e", '"$@"', "exit $?",
    ])  # fmt: skip


ISOLATING = (
    Level("bubblewrap", ("bwrap",), _bubblewrap, filters=True),
    Level("unshare", ("unshare", "setpriv", "mount", "sh"), _unshare),
)
RLIMITS = Level("rlimits", (), lambda limits, filter_file: [], isolates=False)
_fresh = itertools.count(secrets.randbelow(4_336))


def fresh_uid() -> int | None:
    """For a program of root's: a user id that nothing else has, so that a count of its threads counts one sandbox.

    None where we are not root: the user stays. The ids are those that systemd gives to services for their lifetime.
    """
    if os.geteuid() != 0:
        return None
    return 61_184 + next(_fresh) % 4_336
