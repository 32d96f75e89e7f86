"""Which system calls a sandboxed program is refused, as a seccomp filter.

Sockets are refused here at every level, the weakest included; so are namespaces of the program's own, tracing, and
memory that no rlimit counts.
"""

import platform
import struct
from dataclasses import dataclass

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_EPERM, _ENOSYS = 1, 38
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
_NEW_NAMESPACES = 0x7E020000  # the flags of clone that ask for one


@dataclass(frozen=True)
class _Machine:
    """Numbers of one architecture: its own, of the calls that ask for a process, and of those that are refused."""

    audit: int
    clone: int
    refused: tuple[int, ...]


# The same everywhere: io_uring_setup, five that mount, pidfd_getfd, memfd_secret.
_NEW_CALLS = (425, 428, 429, 430, 432, 442, 438, 447)
_CLONE3 = 435  # its flags are out of a filter's sight; the C library takes clone instead
_MACHINES = {
    # socket, ptrace, mount, umount2, pivot_root, chroot, unshare, setns, memfd_create, shmget, semget, msgget, bpf,
    # perf_event_open, userfaultfd, add_key, request_key, keyctl, process_vm_readv, process_vm_writev, kcmp,
    # open_by_handle_at, init_module, finit_module, kexec_load
    "x86_64": _Machine(
        0xC000003E, 56,
        (41, 101, 165, 166, 155, 161, 272, 308, 319, 29, 64, 68, 321, 298, 323, 248, 249, 250, 310, 311, 312, 304, 175,
         313, 246),
    ),
    "aarch64": _Machine(
        0xC00000B7, 220,
        (198, 117, 40, 39, 41, 51, 97, 268, 279, 194, 190, 186, 280, 241, 282, 217, 218, 219, 270, 271, 272, 265, 105,
         273, 104),
    ),
}  # fmt: skip


def seccomp_filter() -> bytes | None:
    """The filter as the kernel and bubblewrap take it; None on a machine whose call numbers are not known here."""
    machine = _MACHINES.get(platform.machine())
    if machine is None or struct.calcsize("P") != 8:
        return None
    steps = [
        (_LOAD, 0, 0, _ARCHITECTURE), (_EQUAL, 1, 0, machine.audit), (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, 0, 1, 0x40000000), (_RETURN, 0, 0, _ERRNO | _ENOSYS),
        (_EQUAL, 0, 1, _CLONE3), (_RETURN, 0, 0, _ERRNO | _ENOSYS),
    ]  # fmt: skip
    for number in (*machine.refused, *_NEW_CALLS):
        steps += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _ERRNO | _EPERM)]
    steps += [
        (_EQUAL, 0, 3, machine.clone), (_LOAD, 0, 0, _FIRST_ARGUMENT), (_ANY_BIT, 0, 1, _NEW_NAMESPACES),
        (_RETURN, 0, 0, _ERRNO | _EPERM), (_RETURN, 0, 0, _ALLOW),
    ]  # fmt: skip
    return b"".join(struct.pack("=HBBI", *step) for step in steps)
