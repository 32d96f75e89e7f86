"""What SciCode's tests compare with: test_data.h5, as Python that makes the same values inside the sandbox."""

import base64
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from emlit.errors import ConfigError, DataError

if TYPE_CHECKING:
    import h5py

_HEAD = """
import base64 as _base64, io as _io
import numpy as _numpy
def _array(text):
    return _numpy.load(_io.BytesIO(_base64.b64decode(text)), allow_pickle=False)
def _sparse(kind, shape, *parts):
    import scipy.sparse
    data, first, second = parts
    return getattr(scipy.sparse, kind)((data, (first, second)) if kind == "coo_matrix" else parts, shape=shape)
"""


class Targets:
    """The targets of every step.

    Raises:
        ConfigError: h5py is not installed
        DataError: a file that h5py cannot read
    """

    def __init__(self, path: Path) -> None:
        try:
            import h5py
        except ImportError:
            raise ConfigError('targets is set, and reading it takes h5py: pip install "emlit[scicode]"') from None
        try:
            with h5py.File(path, "r") as file:
                self.steps = set(file)
        except OSError as error:
            raise DataError(f"targets is {path}, which is no HDF5 file ({error})") from None
        self.path = path

    def has(self, step: str) -> bool:
        return step in self.steps

    def require(self, step: str, tests: int) -> None:
        """Raise DataError where the file has fewer targets for a step."""
        import h5py

        with h5py.File(self.path, "r") as file:
            if not all(f"{step}/test{number}" in file for number in range(1, tests + 1)):
                raise DataError(f"{self.path} has fewer than {tests} targets for step {step}")

    def program(self, step: str, tests: int) -> str:
        """A program that leaves the targets of a step's tests in the list `targets`.

        Raises:
            DataError: the file has fewer than so many
        """
        import h5py

        self.require(step, tests)
        with h5py.File(self.path, "r") as file:
            groups = [file[f"{step}/test{number}"] for number in range(1, tests + 1)]
            return f"{_HEAD}\ntargets = [{', '.join(map(_target, groups))}]\n"


def _target(group: "h5py.Group | h5py.Dataset") -> str:
    """One variable is itself, several are a tuple."""
    if hasattr(group, "shape"):
        return _value(group[()])
    values = [_node(group[key]) for key in group]
    return values[0] if len(values) == 1 else f"({', '.join(values)})"


def _node(node: "h5py.Group | h5py.Dataset") -> str:
    if hasattr(node, "shape"):
        return _value(node[()])
    if "list" in node:
        return f"[{', '.join(_node(node['list'][key]) for key in node['list'])}]"
    if "sparse_matrix" in node:
        return _sparse_matrix(node["sparse_matrix"])
    pairs = [f"{_key(key)}: {_node(node[key])}" for key in node]
    return f"{{{', '.join(pairs)}}}"


def _key(key: str) -> str:
    """Numbers were written as text."""
    try:
        return repr(float(key))
    except ValueError:
        return repr(key)


def _value(value: Any) -> str:
    if isinstance(value, bytes):
        return repr(value.decode())
    buffer = io.BytesIO()
    np.save(buffer, value, allow_pickle=False)
    array = f"_array({base64.b64encode(buffer.getvalue()).decode()!r})"
    return array if np.ndim(value) else f"{array}[()]"


def _sparse_matrix(group: "h5py.Group") -> str:
    shape = tuple(int(each) for each in group["shape"][()])
    if "row" in group:
        kind, parts = "coo_matrix", ("data", "row", "col")
    else:
        kind, parts = "bsr_matrix" if "blocksize" in group else "csr_matrix", ("data", "indices", "indptr")
    return f"_sparse({kind!r}, {shape}, {', '.join(_value(group[part][()]) for part in parts)})"
