"""A message into values."""

from collections.abc import Callable
from typing import Any

from wire import DTYPE, MUTABLE, PLAIN, Handles, Malformed


class Match:
    """Stands for a match of a regular expression: it is true, and equal to itself alone."""


class Decoder:
    """A heap into values.

    Args:
        known: containers by the numbers that the other side has for them
        make: for the class name of an object: a fresh one
        handles: objects that pass by their number
    """

    def __init__(
        self, known: dict[int, Any] | None = None, make: Callable[[str], Any] | None = None,
        handles: Handles | None = None,
    ) -> None:  # fmt: skip
        self._handles = Handles() if handles is None else handles
        self.known = dict(known or {})
        self._make = make

    def read(self, heap: Any, first: int = 0) -> None:
        """Make the containers of a heap whose first has that number.

        Raises:
            Malformed: it is none
        """
        try:
            nodes = {first + place: (node[0], node[1:]) for place, node in enumerate(heap)}
            for number, (tag, parts) in nodes.items():
                if tag in MUTABLE:
                    self.known[number] = self._shell(tag, parts)
            for number, (tag, parts) in nodes.items():
                if tag not in MUTABLE:
                    self.known[number] = self._immutable(tag, parts)
            for number, (tag, parts) in nodes.items():
                if tag in MUTABLE:
                    self.fill(self.known[number], tag, parts)
        except (Malformed, MemoryError):
            raise
        except Exception as error:
            raise Malformed(f"{type(error).__name__} in a message") from None

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

    def fill(self, owner: Any, tag: str, parts: list[Any]) -> None:
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
            if tag == "list":
                owner[:] = content
                return
            owner.clear()
            if tag == "dict":
                owner.update(zip(content[::2], content[1::2], strict=True))
            elif tag == "deque":
                owner.extend(content)
            else:
                owner.update(content)

    def change(self, number: str, node: Any, sent: list[list[Any]]) -> None:
        """Give a container that was sent its new content; its type must stay.

        Raises:
            Malformed: it is none of those, or of another type
        """
        try:
            place = int(number)
            tag, parts = node[0], node[1:]
            if not 0 <= place < len(sent) or tag not in MUTABLE or sent[place][0] != tag:
                raise Malformed("a change of what it was not given")
            if tag == "object" and sent[place][1] != parts[0]:
                raise Malformed("an object of another class")
            self.fill(self.known[place], tag, parts)
        except (Malformed, MemoryError):
            raise
        except Exception as error:
            raise Malformed(f"{type(error).__name__} in a change") from None

    def _immutable(self, tag: str, parts: list[Any]) -> Any:
        if tag == "int":
            return int(parts[0], 16)
        if tag in ("str", "float"):
            return {"str": str, "float": float}[tag](parts[0])
        if tag == "handle":
            return self._handles[parts[0]]
        if tag in ("complex", "range"):
            return {"complex": complex, "range": range}[tag](*map(self.value, parts))
        if tag == "bytes":
            return parts[0].encode("latin-1")
        if tag == "Decimal":
            from decimal import Decimal

            return Decimal(parts[0])
        if tag == "Fraction":
            from fractions import Fraction

            return Fraction(parts[0])
        if tag == "scalar":
            return _array(*parts)[()]
        content = [self.value(part) for part in parts]
        if tag in ("tuple", "frozenset", "iterator"):
            return {"tuple": tuple, "frozenset": frozenset, "iterator": iter}[tag](content)
        if tag == "dict_keys":
            return dict.fromkeys(content).keys()
        if tag == "dict_values":
            return dict(enumerate(content)).values()
        if tag == "dict_items":
            return dict(content).items()
        if tag == "match":
            return Match()
        raise Malformed("a container of no known type")


def _array(dtype: str, shape: str, content: str) -> Any:
    import numpy

    if type(dtype) is not str or DTYPE.fullmatch(dtype) is None:
        raise Malformed("an array of no plain type")
    sizes = [int(size) for size in shape.split(",") if size]
    return numpy.frombuffer(content.encode("latin-1"), dtype=dtype).reshape(sizes).copy()
