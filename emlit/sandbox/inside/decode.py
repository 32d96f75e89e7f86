"""A message into values."""

import contextlib
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

from wire import DTYPE, MOMENTS, MUTABLE, PLAIN, SPARSE, Handles, Malformed


class Match:
    """Stands for a match of a regular expression: it is true, and equal to itself alone."""


_FROM_TEXT: dict[str, Callable[[Any], Any]] = {
    "int": lambda text: int(text, 16), "float": float, "str": str, "bytes": lambda text: text.encode("latin-1"),
    "Decimal": lambda text: import_module("decimal").Decimal(text),
    "Fraction": lambda text: import_module("fractions").Fraction(text),
    "Symbol": lambda text: import_module("sympy").Symbol(str(text)),
}  # fmt: skip
_FROM_VALUES: dict[str, Callable[[list[Any]], Any]] = {
    "complex": lambda parts: complex(*parts), "range": lambda parts: range(*parts), "tuple": tuple,
    "frozenset": frozenset, "iterator": iter, "match": lambda parts: Match(),
    "dict_keys": lambda parts: dict.fromkeys(parts).keys(), "dict_items": lambda parts: dict(parts).items(),
    "dict_values": lambda parts: dict(enumerate(parts)).values(), "sparse": lambda parts: _sparse(*parts),
}  # fmt: skip


class Decoder:
    """A heap into values.

    Args:
        known: containers by the numbers that the other side has for them
        make: for the class name of an object: a fresh one
        handles: objects that pass by their number
        other: what stands for a tag and its parts that are none of these
    """

    def __init__(
        self, known: dict[int, Any] | None = None, make: Callable[[str], Any] | None = None,
        handles: Handles | None = None, other: Callable[[str, list[Any]], Any] | None = None,
    ) -> None:  # fmt: skip
        self._handles = Handles() if handles is None else handles
        self.known = dict(known or {})
        self._make, self._other = make, other

    def read(self, heap: Any, first: int = 0) -> None:
        """Make the containers of a heap whose first has that number.

        Raises:
            Malformed: it is none
        """
        with _checked():
            nodes = {first + place: (node[0], node[1:]) for place, node in enumerate(heap)}
            for number, (tag, parts) in nodes.items():
                if tag in MUTABLE:
                    self.known[number] = self._shell(tag, parts)
            for number, (tag, parts) in nodes.items():
                if tag not in MUTABLE:
                    self.known[number] = self._immutable(tag, parts)
            for number, (tag, parts) in nodes.items():
                if tag in MUTABLE:
                    self._fill(self.known[number], tag, parts)

    def value(self, place: Any) -> Any:
        """What a place stands for."""
        if type(place) is list:
            if len(place) != 1 or type(place[0]) is not int or place[0] not in self.known:
                raise Malformed("a reference to nothing")
            return self.known[place[0]]
        if type(place) is dict:
            raise Malformed("a table where a value belongs")
        return place

    def _shell(self, tag: str, parts: list[Any]) -> Any:
        if tag == "ndarray":
            return _array(*parts)
        if tag == "object":
            if self._make is None:
                raise Malformed("an object of no class of the tests")
            return self._make(parts[0])
        return PLAIN[tag]()

    def _fill(self, owner: Any, tag: str, parts: list[Any]) -> None:
        """Give a container its content, in place; its type must be the tag's."""
        if not isinstance(owner, PLAIN.get(tag, object)):
            raise Malformed("a container of another type")
        if tag == "ndarray":
            content = _array(*parts)
            if (content.shape, content.dtype) != (owner.shape, owner.dtype):
                raise Malformed("an array of another shape")
            owner[...] = content
        elif tag == "bytearray":
            owner[:] = parts[0].encode("latin-1")
        elif tag == "object":
            content = [self.value(part) for part in parts[1:]]
            vars(owner).clear()
            vars(owner).update(zip(content[::2], content[1::2], strict=True))
        else:
            content = [self.value(part) for part in parts]
            owner.clear()
            if tag == "dict":
                owner.update(zip(content[::2], content[1::2], strict=True))
            elif tag == "set":
                owner.update(content)
            else:
                owner.extend(content)

    def change(self, number: str, node: Any, sent: list[list[Any]]) -> None:
        """Give a container that was sent its new content; its type must stay.

        Raises:
            Malformed: it is none of those, or of another type
        """
        with _checked():
            place = int(number)
            tag, parts = node[0], node[1:]
            if not 0 <= place < len(sent) or tag not in MUTABLE or sent[place][0] != tag:
                raise Malformed("a change of what it was not given")
            if tag == "object" and sent[place][1] != parts[0]:
                raise Malformed("an object of another class")
            self._fill(self.known[place], tag, parts)

    def _immutable(self, tag: str, parts: list[Any]) -> Any:
        if tag == "handle" and parts[0] in self._handles:
            return self._handles[parts[0]]
        if tag == "scalar":
            return _array(*parts)[()]
        if tag in _FROM_TEXT:
            return _FROM_TEXT[tag](parts[0])
        values = [self.value(part) for part in parts]
        if tag in MOMENTS:
            return getattr(import_module("datetime"), tag)(*values)
        if tag in _FROM_VALUES:
            return _FROM_VALUES[tag](values)
        if self._other is None:
            raise Malformed(f"a {tag!s:.20} where none belongs")
        return self._other(tag, values)


@contextlib.contextmanager
def _checked() -> Iterator[None]:
    try:
        yield
    except (Malformed, MemoryError):
        raise
    except Exception as error:
        raise Malformed(f"{type(error).__name__} in a message") from None


def _sparse(name: str, shape: tuple[int, ...], data: Any, row: Any, column: Any) -> Any:
    from scipy import sparse

    found = SPARSE.fullmatch(name)
    if found is None:
        raise Malformed("a sparse matrix of no known kind")
    form, kind = found.groups()
    return getattr(sparse, f"coo_{kind}")((data, (row, column)), shape).asformat(form)


def _array(dtype: str, shape: str, content: str) -> Any:
    import numpy

    if type(dtype) is not str or DTYPE.fullmatch(dtype) is None:
        raise Malformed("an array of no plain type")
    sizes = [int(size) for size in shape.split(",") if size]
    return numpy.frombuffer(content.encode("latin-1"), dtype=dtype).reshape(sizes).copy()
