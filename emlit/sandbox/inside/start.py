"""The first steps of every sandboxed process: read the job, take the limits, make a fresh `__main__`."""

import builtins
import json
import os
import resource
import socket
import sys
import types

_KEY_BYTES = 64
_LONGEST = 400


class Job:
    """What to do, and the line back to the process that started the sandbox.

    Attributes:
        work: the decoded job
        control: socket to the starter; reports go there, a line of JSON each
        peer: socket to the other process of a pair; None where there is none
        process: this one, known when the limits are taken: a fork of the program is another
    """

    def __init__(self) -> None:
        control, work, peer = (int(word) for word in sys.argv[1:4])
        with os.fdopen(work, "rb") as file:
            self.work = json.loads(file.read())
        self.control = socket.socket(fileno=control)
        self.peer = None if peer < 0 else socket.socket(fileno=peer)

    def begin(self) -> None:
        """Take the limits and say that the program may start."""
        if self.work["guarded"]:
            import guard

            guard.stay_behind()
        self.process = os.getpid()
        sys.argv[:] = [""]
        sys.path.extend(self.work["packages"])
        for descriptor in (self.control, self.peer):
            if descriptor is not None:
                descriptor.set_inheritable(False)
        for name, most in self.work["rlimits"].items():
            kind = getattr(resource, name)
            hard = most + 1 if name == "RLIMIT_CPU" else most  # SIGXCPU first, SIGKILL a second later
            ceiling = resource.getrlimit(kind)[1]
            if ceiling != resource.RLIM_INFINITY:
                most, hard = min(most, ceiling), min(hard, ceiling)
            resource.setrlimit(kind, (most, hard))
        if self.work["filter"] is not None:
            _filter_calls(bytes.fromhex(self.work["filter"]))
        self.control.sendall(b'{"ready": true}\n')

    def key(self) -> bytes:
        """What proves the end of this run: sent once, when the limits are taken."""
        return self.control.recv(_KEY_BYTES, socket.MSG_WAITALL)

    def report(self, **what: object) -> None:
        self.control.sendall(json.dumps(what).encode() + b"\n")

    def report_exception(self, error: BaseException) -> None:
        """Say what ended the program; a `SystemExit` as the exit that it asks for."""
        if isinstance(error, SystemExit):
            self.report(end="exit", detail=f"{_status(error.code)} before its last line")
        elif isinstance(error, MemoryError):
            self.report(end="memory", detail="MemoryError")
        else:
            self.report(end="exception", detail=described(error))


def _filter_calls(steps: bytes) -> bool:
    """Have the kernel refuse what a seccomp filter refuses, here and in what is started from here."""
    import ctypes

    class Filter(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("steps", ctypes.c_char_p)]

    libc = ctypes.CDLL(None)
    return libc.prctl(22, 2, ctypes.byref(Filter(len(steps) // 8, steps)), 0, 0) == 0  # PR_SET_SECCOMP, a filter


def _status(code: object) -> str:
    """The exit status that a SystemExit asks for."""
    return "0" if code is None else str(code) if type(code) is int else "1"


def described(error: BaseException) -> str:
    """Type and message on one line, whatever the exception's own methods do."""
    try:
        text = str(error)
    except BaseException:
        text = "(its message raises)"
    return " ".join(f"{type(error).__name__}: {text[:_LONGEST]}".split()).rstrip(":")


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
    module.__builtins__ = builtins
    sys.modules[name] = module
    return module


def with_source(text: str, file: str, flags: int = 0) -> object:
    """Compile, and let tracebacks and `inspect` find the lines."""
    code = compile(text, file, "exec", flags, dont_inherit=True)
    import linecache

    linecache.cache[file] = (len(text), None, text.splitlines(True), file)
    return code
