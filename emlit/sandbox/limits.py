"""What a sandboxed program may use, and how a run ended."""

import math
from dataclasses import dataclass

from emlit.errors import ConfigError

MIB = 2**20


@dataclass(frozen=True)
class Limits:
    """Bounds of one sandboxed process.

    Attributes:
        timeout: seconds of wall time, counted from the program's first line
        cpu: seconds of CPU time; a second more than the wall time where None
        memory_mb: MiB of memory
        threads: how many threads
        file_mb: MiB of one file
        scratch_mb: MiB of the scratch folder
        scratch_files: how many files the scratch folder takes
        open_files: how many open files it has
        output_kb: KiB of standard output, and of standard error, that are kept
        discarded_mb: MiB of output past what is kept before the program is killed

    Raises:
        ConfigError: a bound that is not a positive number
    """

    timeout: float = 10.0
    cpu: float | None = None
    memory_mb: int = 1024
    threads: int = 64
    file_mb: int = 32
    scratch_mb: int = 64
    scratch_files: int = 500
    open_files: int = 256
    output_kb: int = 64
    discarded_mb: int = 64

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value is not None and not 0 < value < math.inf:
                raise ConfigError(f"{name} is {value}; a limit of the sandbox must be a positive number")

    def rlimits(self) -> dict[str, int]:
        """The rlimits, by their names in the module `resource`.

        Private writable memory is what RLIMIT_DATA counts. Address space gets more room: libraries are mapped into it.
        """
        cpu = self.timeout + 1 if self.cpu is None else self.cpu
        return {
            "RLIMIT_CPU": math.ceil(cpu),
            "RLIMIT_DATA": int(self.memory_mb * MIB),
            "RLIMIT_AS": int((self.memory_mb + 512) * MIB),
            "RLIMIT_FSIZE": int(self.file_mb * MIB),
            "RLIMIT_NOFILE": self.open_files,
            "RLIMIT_CORE": 0,
            "RLIMIT_MEMLOCK": 0,
            "RLIMIT_MSGQUEUE": 0,
            "RLIMIT_NPROC": self.threads,
            "RLIMIT_SIGPENDING": self.threads,
        }


@dataclass(frozen=True)
class ExecutionResult:
    """How a sandboxed program ended.

    Attributes:
        ok: it ran to its own last line within its limits; of tests: and all of them passed
        reason: "ok", or what ended it; the first word is one of "timeout", "cpu", "memory", "output", "scratch",
            "exit", "signal", "exception", "protocol" and "sandbox", "solution" before it where that was the untrusted
            side of tests
        stdout: what it printed, cut at the limit; undecodable bytes replaced
        stderr: likewise
        seconds: wall time from the program's first line
    """

    ok: bool
    reason: str
    stdout: str = ""
    stderr: str = ""
    seconds: float = 0.0
