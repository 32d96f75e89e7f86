"""Who a sandboxed program runs as: nobody's user id where we are root, ours where we are not."""

import os
import secrets

# Of systemd's range for passing users; far above it where the machine maps so many.
_LOW, _LOW_COUNT = 61_184, 4_336
_HIGH, _HIGH_COUNT = 2**30, 2**29


def fresh_uid() -> int | None:
    """A user id that nothing else has, so that a count of its processes counts one sandbox; None where we are not root.

    None as well where this user namespace has no such id.
    """
    if os.geteuid() != 0:
        return None
    for first, count in ((_HIGH, _HIGH_COUNT), (_LOW, _LOW_COUNT)):
        if all(_mapped(kind, first, count) for kind in ("uid", "gid")):
            return first + secrets.randbelow(count)
    return None


def _mapped(kind: str, first: int, count: int) -> bool:
    with open(f"/proc/self/{kind}_map") as file:
        extents = [tuple(map(int, line.split())) for line in file]
    return any(start <= first and first + count <= start + length for start, _, length in extents)


def without_privileges(uid: int | None, *, read_all: bool = False) -> list[str]:
    """The command in front of a program that takes its privileges away.

    Args:
        uid: None keeps the user
        read_all: let it read every file, where the interpreter lies in a directory of root's
    """
    if uid is None:
        return []
    keep = ["--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search"] if read_all else []
    return [
        "setpriv", "--pdeathsig=KILL", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "--no-new-privs",
        *(keep or ["--inh-caps=-all", "--bounding-set=-all"]),
    ]  # fmt: skip
