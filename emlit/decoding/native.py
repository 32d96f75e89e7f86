"""`adam.c` as functions of tensors: compiled when first needed, which takes a third of a second."""

import ctypes
import functools
import logging
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

# Below it torch's own operations take no longer.
_FROM_VOCABULARY = 2**14
# Sums in any order, and no care for what a sum of exponentials never meets; -ffast-math would change the whole process.
_FLAGS = (
    "-O3", "-march=native", "-fopenmp", "-shared", "-fPIC", "-fassociative-math", "-fno-signed-zeros",
    "-fno-trapping-math", "-fno-math-errno", "-ffinite-math-only",
)  # fmt: skip
log = logging.getLogger(__name__)


def serves(z: Tensor) -> bool:
    """Whether rows like z's (R, V) are for the functions below."""
    large = z.shape[1] >= _FROM_VOCABULARY and z.stride(1) == 1
    return z.is_cpu and z.dtype == torch.float32 and large and _library() is not None


def descend(z: Tensor, parameters: Tensor) -> None:
    """Adam's steps on each row, in place.

    Args:
        z: (R, V) float32
        parameters: (R, 4) float32: threshold, KL weight, learning rate, steps
    """
    threads = min(torch.get_num_threads(), len(z))
    scratch = z.new_empty(threads, _library().scratch_size(ctypes.c_long(z.shape[1])))
    _call("descend", z, parameters.contiguous(), scratch, threads)


def measure(z: Tensor) -> Tensor:
    """(R, 3): of each row of z (R, V) float32 the largest logit, log sum exp and the entropy in nats."""
    found = z.new_empty(len(z), 3)
    _call("measure", z, found, min(torch.get_num_threads(), len(z)))
    return found


def _call(name: str, z: Tensor, *more: Tensor | int) -> None:
    words = [ctypes.c_void_p(z.data_ptr()), *map(ctypes.c_long, (*z.shape, z.stride(0)))]
    words += [ctypes.c_void_p(each.data_ptr()) if isinstance(each, Tensor) else ctypes.c_int(each) for each in more]
    getattr(_library(), name)(*words)


@functools.cache
def _library() -> Any:
    """None where nothing compiles it; a warning says so."""
    with tempfile.TemporaryDirectory(prefix="emlit-") as folder:
        made = Path(folder) / "adam.so"
        compiler = os.environ.get("CC", "gcc")
        try:
            command = [compiler, *_FLAGS, str(Path(__file__).with_name("adam.c")), "-o", str(made), "-lm"]
            subprocess.run(command, check=True, capture_output=True, text=True)
            return ctypes.CDLL(str(made))
        except (OSError, subprocess.CalledProcessError) as error:
            said = getattr(error, "stderr", None) or str(error)
            log.warning("EM-INF on this CPU takes several times longer: %s", said.strip().splitlines()[-1])
            return None
