"""Programs that no sandbox should suffer from, by what they try.

Each is run behind a preamble that names the parent's process, a secret file of it, a folder that anyone may write, a
port that it listens on, an environment variable of it and the name to give to files; and that defines a wrong `answer`.
What must not be possible prints BREACH where it is. A fake tries to pass for right; early ones do so without coming to
their last line.
"""

from benchmarks.hostile.channel import CHANNEL
from benchmarks.hostile.fakes import EARLY_FAKES, FAKES
from benchmarks.hostile.files import FILES
from benchmarks.hostile.lives import LIVES
from benchmarks.hostile.memory import MEMORY
from benchmarks.hostile.private import SECRETS
from benchmarks.hostile.program import Hostile, preamble
from benchmarks.hostile.resources import RESOURCES

__all__ = ["HOSTILE", "SMOKE", "Hostile", "preamble"]

HOSTILE = (*RESOURCES, *MEMORY, *CHANNEL, *FILES, *SECRETS, *LIVES, *EARLY_FAKES, *FAKES)
SMOKE = (
    "fork bomb", "endless loop", "memory hog", "pipes of huge pages", "an empty object on every file",
    "output flood", "writes outside", "reads the parent's environment",
    "connects to the parent", "signals the parent", "a daemon that outlives", "os._exit(0)",
    "hunts for the proof in frames and by the garbage collector", "an object equal to everything",
)  # fmt: skip
