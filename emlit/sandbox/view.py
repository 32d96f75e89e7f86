"""What of the file system a sandboxed program sees."""

import functools
import os
import sys
import sysconfig
from pathlib import Path

INSIDE = Path(__file__).parent / "inside"
MOUNTED = "/emlit"  # where a sandbox with a file system of its own has INSIDE
SCRATCH = "/scratch"  # and where it may write
DEVICES = ("/dev/null", "/dev/random", "/dev/urandom")  # no /dev/zero: shared mappings of it are memory

# The loader's cache and the time zone: programs run without them, some of them differently.
_SMALL = ("/etc/ld.so.cache", "/etc/localtime", "/etc/alternatives")
_SYSTEM = ("/bin", "/lib", "/lib32", "/lib64", "/libx32", "/sbin")
_STREAMS = (("/dev/fd", ""), ("/dev/stdin", "/0"), ("/dev/stdout", "/1"), ("/dev/stderr", "/2"))


@functools.cache
def packages() -> tuple[str, ...]:
    """Directories of installed packages, for `sys.path` inside: the interpreter there starts without `site`."""
    own = (sysconfig.get_path(name) for name in ("purelib", "platlib"))
    others = (path for path in sys.path if Path(path).name in ("site-packages", "dist-packages"))
    return tuple(dict.fromkeys(str(path) for path in (*own, *others) if os.path.isdir(path)))


@functools.cache
def read_only() -> dict[str, str]:
    """What to show read-only, none inside another, by the place where it is shown: its own, but for INSIDE."""
    interpreter = os.path.realpath(sys.executable)
    wanted = {"/usr", sys.prefix, sys.base_prefix, sys.exec_prefix, os.path.dirname(interpreter), *packages()}
    wanted |= {path for path in (*_SYSTEM, *_SMALL) if not os.path.islink(path)}
    kept: list[str] = []
    for path in sorted(filter(os.path.exists, wanted)):
        if not any(path == above or path.startswith(above.rstrip("/") + "/") for above in kept):
            kept.append(path)
    return {path: path for path in kept} | {MOUNTED: str(INSIDE)}


@functools.cache
def links() -> tuple[tuple[str, str], ...]:
    """Links: place and target. /tmp is the scratch folder, unless Python lives there."""
    system = [(path, os.readlink(path)) for path in _SYSTEM if os.path.islink(path)]
    streams = [(path, f"/proc/self/fd{number}") for path, number in _STREAMS]
    inhabited = any(path.startswith("/tmp/") for path in read_only())
    return (*system, *streams, *([] if inhabited else [("/tmp", SCRATCH)]))


def environment(scratch: str) -> dict[str, str]:
    """All that a program has for an environment. Sets of strings have the same order in every run."""
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": scratch, "TMPDIR": scratch, "LANG": "C.UTF-8",
        "PYTHONHASHSEED": "0", "MPLBACKEND": "Agg", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
    }  # fmt: skip
