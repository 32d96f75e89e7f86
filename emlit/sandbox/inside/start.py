"""The first steps of every sandboxed process: read the job, give up privileges, make a fresh `__main__`."""

import builtins
import ctypes
import json
import os
import resource
import selectors
import socket
import struct
import sys
import types

_KEY_BYTES = 64
_LONGEST = 400
_PDEATHSIG, _DUMPABLE, _SECCOMP, _NO_NEW_PRIVS, _THP_DISABLE, _SIGKILL = 1, 4, 22, 38, 41, 9


class Job:
    """What to do, and the line back to the process that started the sandbox; made, it has taken the limits.

    Attributes:
        work: the decoded job
        control: socket to the starter; reports go there, a line each
        peer: socket to the other process of a pair; None where there is none
    """

    def __init__(self) -> None:
        control, work, peer = (int(word) for word in sys.argv[1:4])
        with os.fdopen(work, "rb") as file:
            self.work = json.loads(file.read())
        self.control = socket.socket(fileno=control)
        self.peer = None if peer < 0 else socket.socket(fileno=peer)
        sys.argv[:] = [""]
        del sys.path[0]  # where this file is
        sys.path.extend(self.work["packages"])
        for descriptor in (self.control, self.peer):
            if descriptor is not None:
                descriptor.set_inheritable(False)
        libc = ctypes.CDLL(None, use_errno=True)
        _give_up_privileges(libc, self.work["uid"])
        libc.prctl(_PDEATHSIG, _SIGKILL, 0, 0, 0)
        libc.prctl(_THP_DISABLE, 1, 0, 0, 0)
        for name, most in self.work["rlimits"].items():
            kind = getattr(resource, name)
            hard = most + 1 if name == "RLIMIT_CPU" else most  # SIGXCPU first, SIGKILL a second later
            ceiling = resource.getrlimit(kind)[1]
            if ceiling != resource.RLIM_INFINITY:
                most, hard = min(most, ceiling), min(hard, ceiling)
            resource.setrlimit(kind, (most, hard))
        selectors.DefaultSelector = selectors.PollSelector  # type: ignore[misc, assignment]  # the filter refuses epoll
        if self.work["filter"]:
            _filter_calls(libc, bytes.fromhex(self.work["filter"]))
        self.report("ready")

    def key(self) -> bytes:
        """What proves the end of this run: sent once, when the limits are taken; without it there is nobody."""
        key = self.control.recv(_KEY_BYTES, socket.MSG_WAITALL)
        return key if len(key) == _KEY_BYTES else os._exit(1)

    def report(self, line: str) -> None:
        self.control.sendall(" ".join(line[: 2 * _LONGEST].split()).encode("utf-8", "backslashreplace") + b"\n")

    def report_exception(self, error: BaseException) -> None:
        """Say what ended the program; a `SystemExit` as the exit that it asks for."""
        if isinstance(error, SystemExit):
            code = error.code
            status = 0 if code is None else code if type(code) is int else 1
            self.report(f"exit: {status} before its last line")
        elif isinstance(error, MemoryError):
            self.report("memory: MemoryError")
        else:
            self.report(f"exception: {described(error)}")


def _give_up_privileges(libc: ctypes.CDLL, uid: int | None) -> None:
    """Become another user where one is given, without capabilities and any way to get them."""
    if uid is not None:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
        libc.prctl(_DUMPABLE, 1, 0, 0, 0)  # its own /proc is its own
    if libc.capset(struct.pack("Ii", 0x20080522, 0), bytes(24)) or libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "privileges cannot be given up")


def _filter_calls(libc: ctypes.CDLL, steps: bytes) -> None:
    """Have the kernel refuse what a seccomp filter refuses, here and in what is started from here."""

    class Filter(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("steps", ctypes.c_char_p)]

    if libc.prctl(_SECCOMP, 2, ctypes.byref(Filter(len(steps) // 8, steps)), 0, 0):
        raise OSError("the kernel takes no seccomp filter")


def message_of(error: BaseException) -> str:
    """Its text, whatever the exception's own methods do."""
    try:
        return str(error)
    except BaseException:
        return "(its message raises)"


def described(error: BaseException) -> str:
    """Type and message on one line."""
    return " ".join(f"{type(error).__name__}: {message_of(error)[:_LONGEST]}".split()).rstrip(":")


def traceback_of(error: BaseException, skip: int) -> None:
    """Print a traceback without its first entries, which are ours."""
    try:
        import traceback

        entry = error.__traceback__
        for _ in range(skip):
            entry = entry and entry.tb_next
        traceback.print_exception(type(error), error, entry)
    except BaseException:
        pass


def main_module(name: str = "__main__") -> types.ModuleType:
    """A fresh module in the place of ours, and the names that `site` would have added."""
    import _sitebuiltins

    builtins.exit = _sitebuiltins.Quitter("exit", "Ctrl-D")
    builtins.quit = _sitebuiltins.Quitter("quit", "Ctrl-D")
    module = types.ModuleType(name)
    module.__dict__["__builtins__"] = builtins
    sys.modules[name] = module
    return module


def classes_of(names: dict[str, object]) -> dict[str, type]:
    """The classes that a module's own text defines, by name."""
    own = names["__name__"]
    return {name: kind for name, kind in names.items() if isinstance(kind, type) and kind.__module__ == own}


def with_source(text: str, file: str, flags: int = 0) -> object:
    """Compile, and let tracebacks and `inspect` find the lines."""
    code = compile(text, file, "exec", flags, dont_inherit=True)
    import linecache

    linecache.cache[file] = (len(text), None, text.splitlines(True), file)
    return code
