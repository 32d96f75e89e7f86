"""The ways to shut a program in, strongest first, as command lines in front of it."""

import functools
import os
import shlex
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath

from emlit.sandbox import view
from emlit.sandbox.identity import without_privileges
from emlit.sandbox.limits import MIB, Limits

_DEVICES = ("null", "zero", "full", "random", "urandom")


@dataclass(frozen=True)
class Level:
    """One way.

    Attributes:
        name: as `isolation()` reports it
        command: of the limits, the user id (None: ours) and the file that has the seccomp filter (None: none), what
            stands in front of the interpreter
        namespaces: the program has a file system, network and processes of its own; its scratch folder goes with them
        missing: what it leaves open, for a warning
        own_user: it leaves the program our user id, also where we are root
        needs_root: it gives the program another user id
        takes_filter: its tool sets the seccomp filter; otherwise the program's process does so itself
        noise: a line that its tool writes to standard error for no reason
    """

    name: str
    command: Callable[[Limits, int | None, int | None], list[str]]
    namespaces: bool = True
    missing: str = ""
    own_user: bool = False
    needs_root: bool = False
    takes_filter: bool = False
    noise: str = ""

    @property
    def inside(self) -> str:
        """Where the programs of `inside/` are."""
        return view.MOUNTED if self.namespaces else str(view.INSIDE)


def python(level: Level, role: str) -> list[str]:
    """The interpreter, isolated as by -I except that the hash seed of the environment counts; without `site`."""
    return [sys.executable, "-s", "-P", "-S", "-X", "utf8", f"{level.inside}/{role}.py"]


def bubblewrap(limits: Limits, uid: int | None, refused: int | None) -> list[str]:
    own_user = ["--unshare-user", "--cap-drop", "ALL"] if uid is None else []
    filtered = [] if refused is None else ["--seccomp", str(refused)]
    shown = [word for path in view.read_only() for word in ("--ro-bind", path, path)]
    above = {str(parent) for path in view.read_only() for parent in PurePath(path).parents} - {"/", view.SCRATCH}
    folders = [word for path in sorted(above) for word in ("--perms", "0755", "--dir", path)]
    linked = [word for place, target in view.links() for word in ("--symlink", target, place)]
    return [
        "bwrap", "--die-with-parent", "--unshare-net", "--unshare-pid", "--unshare-ipc", "--unshare-uts",
        "--unshare-cgroup-try", "--hostname", "sandbox", *own_user, "--proc", "/proc", "--dev", "/dev",
        "--remount-ro", "/dev", "--perms", "1777", "--size", str(int(limits.scratch_mb * MIB)),
        "--tmpfs", view.SCRATCH, *folders, *shown, *linked, "--ro-bind", str(view.INSIDE), view.MOUNTED,
        "--remount-ro", "/", "--chdir", view.SCRATCH, *filtered, "--", *without_privileges(uid),
    ]  # fmt: skip


def unshare(limits: Limits, uid: int | None, refused: int | None) -> list[str]:
    own_user = ["--user", "--map-root-user"] if uid is None else []
    return [
        "setpriv", "--pdeathsig", "KILL", "unshare", "--net", "--pid", "--ipc", "--uts", "--mount", *own_user,
        "--fork", "--kill-child=KILL", "sh", "-c", _script(int(limits.scratch_mb * MIB), limits.scratch_files), "sh",
        *(without_privileges(uid) or ["setpriv", "--no-new-privs", "--inh-caps=-all", "--bounding-set=-all"]),
    ]  # fmt: skip


@functools.cache
def _script(scratch_bytes: int, scratch_files: int) -> str:
    """Builds a root of its own over /sys, which no program needs, and starts the arguments in it.

    The shell stays, as the first process of its namespace: when it ends, all of them are killed.
    """
    root, lines = "/sys", ["set -e"]
    lines.append(f"mount -t tmpfs -o size=1m,mode=755 sandbox {root}")
    lines.append(f"mkdir {root}/proc {root}/dev {root}/old")
    lines.append(f"mkdir -m 1777 {root}{view.SCRATCH}")
    options = f"size={scratch_bytes},nr_inodes={scratch_files},mode=1777,nosuid,nodev"
    lines.append(f"mount -t tmpfs -o {options} scratch {root}{view.SCRATCH}")
    binds = [(path, path) for path in view.read_only()] + [(str(view.INSIDE), view.MOUNTED)]
    files = [place for source, place in binds if not os.path.isdir(source)] + [f"/dev/{name}" for name in _DEVICES]
    folders = [place for source, place in binds if os.path.isdir(source)]
    parents = {os.path.dirname(place) for place in files}
    lines.append("mkdir -p " + " ".join(shlex.quote(root + place) for place in sorted({*folders, *parents})))
    lines.append("touch " + " ".join(shlex.quote(root + place) for place in files))
    for source, place in binds:
        lines.append(f"mount -o bind,ro,nosuid {shlex.quote(source)} {shlex.quote(root + place)}")
    lines += [f"mount -o bind /dev/{name} {root}/dev/{name}" for name in _DEVICES]
    lines += [f"ln -s {shlex.quote(target)} {shlex.quote(root + place)}" for place, target in view.links()]
    lines += [f"ln -s /proc/self/fd {root}/dev/fd", f"mount -t proc -o nosuid,nodev,noexec proc {root}/proc"]
    lines += [
        f"cd {root}",
        "PATH=$PATH:/usr/sbin:/sbin pivot_root . old",
        "umount -l /old",
        "mount -o remount,bind,ro /",
    ]
    lines += [f"cd {view.SCRATCH}"]
    lines.append('set +e\n"$@"\nexit $?')
    return "\n".join(lines)


def rlimits(limits: Limits, uid: int | None, refused: int | None, *, read_all: bool = False) -> list[str]:
    return without_privileges(uid, read_all=read_all)


def rlimits_reading_all(limits: Limits, uid: int | None, refused: int | None) -> list[str]:
    return rlimits(limits, uid, refused, read_all=True)


def rlimits_as_ourselves(limits: Limits, uid: int | None, refused: int | None) -> list[str]:
    powerless = ["--inh-caps=-all", "--bounding-set=-all"] if os.geteuid() == 0 else []
    return ["setpriv", "--pdeathsig=KILL", "--no-new-privs", *powerless] if shutil.which("setpriv") else []


_OPEN = "what its user may read is readable, and the network is closed by refused system calls alone"
_OWN = "it may also write what this user may write, and signal this user's processes"
LEVELS = (
    Level("bubblewrap", bubblewrap, takes_filter=True),
    Level("unshare", unshare, noise="unshare: sigprocmask unblock failed: Invalid argument\n"),
    Level("rlimits", rlimits, False, _OPEN, needs_root=True),
    Level("rlimits", rlimits_reading_all, False, _OPEN, needs_root=True),
    Level("rlimits", rlimits_as_ourselves, False, f"{_OPEN}; {_OWN}", own_user=True),
)
