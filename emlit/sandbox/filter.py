"""Which system calls a sandboxed program is refused, as a seccomp filter.

Refused is what leads out (sockets, namespaces, tracing, keys), every other process than the first, so that its rlimits
are those of the sandbox, and what has the kernel keep memory that no rlimit counts. What takes a capability (mounts,
modules) is refused by the kernel: there is none without a namespace of one's own.
"""

import functools
import platform
import struct

from emlit.errors import EmlitError

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _AND, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_DONE, _EPERM, _ENOSYS = 0, 1, 38
_AUDIT = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}

# Name, number on x86-64, number on aarch64; -1 where there is none.
_CALLS = """
    socket 41 198, setsockopt 54 208, ptrace 101 117, unshare 272 97, memfd_create 319 279, shmget 29 194,
    semget 64 190, msgget 68 186, mq_open 240 180, bpf 321 280, perf_event_open 298 241, userfaultfd 323 282,
    add_key 248 217, request_key 249 218, keyctl 250 219, process_vm_readv 310 270, process_vm_writev 311 271,
    kcmp 312 272, vmsplice 278 75, splice 275 76, tee 276 77, sendfile 40 71, setxattr 188 5, lsetxattr 189 6,
    fsetxattr 190 7, inotify_init 253 -1, inotify_init1 294 26, fanotify_init 300 262, io_setup 206 0,
    io_uring_setup 425 425, pidfd_getfd 438 438, memfd_secret 447 447, setxattrat 463 463, epoll_create 213 -1,
    epoll_create1 291 20, mbind 237 235, landlock_create_ruleset 444 444, landlock_add_rule 445 445,
    landlock_restrict_self 446 446, seccomp 317 277, fork 57 -1, vfork 58 -1
"""
_CLONE, _CLONE3, _MMAP, _FCNTL = "clone 56 220", "clone3 435 435", "mmap 9 222", "fcntl 72 25"
_PRCTL, _SOCKETPAIR, _CLOSE_RANGE = "prctl 157 167", "socketpair 53 199", "close_range 436 436"

# A call, the tests of its arguments that all hold where it is refused (number, test, operand), and the error.
_RULES = (
    (_CLONE3, (), _ENOSYS),  # its flags are out of a filter's sight; the C library takes clone instead
    # Not CLONE_THREAD and CLONE_FILES: a process, or a thread with a table of open files of its own.
    (_CLONE, ((0, "lacks", 0x10400),), _EPERM),
    (_CLOSE_RANGE, ((2, "any", 2),), _EPERM),  # CLOSE_RANGE_UNSHARE: such a table again
    (_SOCKETPAIR, ((0, "differs", 1),), _EPERM),  # other families than AF_UNIX
    (_MMAP, ((3, "any", 0x40000),), _EPERM),  # MAP_HUGETLB: counted nowhere
    (_MMAP, ((3, "any", 0x100),), _EPERM),  # MAP_GROWSDOWN: a stack, which RLIMIT_DATA does not count
    (_MMAP, ((3, "all", 0x21),), _EPERM),  # MAP_SHARED and MAP_ANONYMOUS: stays when it is no longer resident
    # F_SETLEASE, F_NOTIFY, F_SETPIPE_SZ
    *((_FCNTL, ((1, "equal", command),), _EPERM) for command in (1024, 1026, 1031)),
    # Record locks are kernel memory without a bound. There is nobody else to lock out: they are granted and not kept.
    *((_FCNTL, ((1, "equal", command),), _DONE) for command in (6, 7, 37, 38)),
    (_PRCTL, ((0, "equal", 22),), _EPERM),  # PR_SET_SECCOMP: filters of its own are kernel memory
    # PR_SET_THP_DISABLE stays set: a page that is left of a huge one keeps all of it.
    (_PRCTL, ((0, "equal", 41), (1, "differs", 1)), _EPERM),
    (_PRCTL, ((0, "equal", 41), (2, "differs", 0)), _EPERM),
)


@functools.cache
def seccomp_filter() -> bytes:
    """The filter as the kernel and bubblewrap take it.

    Raises:
        EmlitError: this machine's call numbers are not known here
    """
    machine = platform.machine()
    if machine not in _AUDIT or struct.calcsize("P") != 8:
        raise EmlitError(f"the system calls of {machine} are not known to the sandbox; use x86-64 or aarch64 Linux")
    column = 1 + list(_AUDIT).index(machine)
    steps = [
        (_LOAD, 0, 0, 4), (_EQUAL, 1, 0, _AUDIT[machine]), (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, 0), (_AT_LEAST, 0, 1, 0x40000000), (_RETURN, 0, 0, _ERRNO | _ENOSYS),
    ]  # fmt: skip
    refused = [(call, (), _EPERM) for call in _CALLS.split(",")]
    for call, tests, error in (*refused, *_RULES):
        number = int(call.split()[column])
        if number >= 0:
            block = _block(tests, _ERRNO | error)
            steps += [(_EQUAL, 0, len(block), number), *block]
    return b"".join(struct.pack("=HBBI", *step) for step in [*steps, (_RETURN, 0, 0, _ALLOW)])


def _block(tests: tuple[tuple[int, str, int], ...], answer: int) -> list[tuple[int, int, int, int]]:
    """Steps that give the answer where all tests hold, and otherwise have the call's number loaded again."""
    block = [(_RETURN, 0, 0, answer)] + [(_LOAD, 0, 0, 0)] * bool(tests)
    for argument, test, operand in reversed(tests):
        away = len(block) - 1  # over all but the last
        load = (_LOAD, 0, 0, 16 + 8 * argument)  # the lower half; no argument above has more
        jump = {
            "any": [(_ANY_BIT, 0, away, operand)],
            "all": [(_AND, 0, 0, operand), (_EQUAL, 0, away, operand)],
            "lacks": [(_AND, 0, 0, operand), (_EQUAL, away, 0, operand)],
            "equal": [(_EQUAL, 0, away, operand)],
            "differs": [(_EQUAL, away, 0, operand)],
        }[test]
        block = [load, *jump, *block]
    return block
