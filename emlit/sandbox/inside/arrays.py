"""Arrays and sparse matrices out of the parts of a message."""

from base64 import b64decode
from typing import Any

from wire import DTYPE, SPARSE


def sparse(name: str, shape: tuple[int, ...], data: Any, coordinates: Any) -> Any:
    """A scipy matrix or array of the class of that name."""
    import scipy.sparse

    form, kind = SPARSE.fullmatch(name).groups()  # type: ignore[union-attr]
    return getattr(scipy.sparse, f"coo_{kind}")((data, coordinates), shape).asformat(form)


def array(dtype: str, shape: str, content: str, writeable: bool) -> Any:
    """A numpy array of its bytes in base 64; sizes are joined by commas."""
    import numpy

    kind = DTYPE.fullmatch(dtype)[0]  # type: ignore[index]
    made = numpy.frombuffer(b64decode(content), kind).reshape(_sizes(shape)).copy()
    made.flags.writeable = writeable
    return made


def objects(items: list[Any], shape: str) -> Any:
    """A numpy array of any objects."""
    import numpy

    made = numpy.empty(len(items), object)
    for place, item in enumerate(items):
        made[place] = item
    return made.reshape(_sizes(shape))


def _sizes(shape: str) -> list[int]:
    return [int(size) for size in shape.split(",") if size]


def wide(given: Any) -> Any:
    """Narrow floats whose comparison with a number of Python's would round that to them: anything to infinity.

    So would the square of a large one.
    """
    import numpy

    kind, size = given.dtype.kind, given.dtype.itemsize
    narrow = kind in "fc" and size < (8 if kind == "f" else 16)
    if narrow and (size == 2 or not (numpy.abs(given) < 1e12).all()):
        return given.astype(complex if kind == "c" else float)
    return given
