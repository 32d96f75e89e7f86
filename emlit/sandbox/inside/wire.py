"""Plain values as bytes and back: what may pass between an untrusted solution and its tests.

A message is a heap of containers and a root. A number, text or None stands for itself; a reference to the n-th container
is a list of one, [n]. So depth costs no recursion, shared and cyclic containers keep their shape, and `decode` makes
nothing but the exact types named here, whoever sent the bytes.

Containers that the other side knows already (the arguments of a call) go by the number that they have there, so that a
list changed in place is changed on both sides, and a returned argument is that argument.
"""

import json
import re
import sys
from collections import deque
from collections.abc import Callable
from typing import Any

MOST_BYTES = 2**26
_MOST_ITEMS = 10**6
_SMALL = 2**62
_DTYPE = re.compile(r"[<>|=]?[biufcSUmM][0-9]+(\[[a-z0-9]+\])?")
_VIEWS = {"dict_keys": type({}.keys()), "dict_values": type({}.values()), "dict_items": type({}.items())}
# What is asked of a value in this order: a defaultdict passes as a dict, an enumeration's member as its number.
_BASES = (bool, int, float, complex, str, bytes, bytearray, list, tuple, set, frozenset, dict, deque, range)
_PLAIN = {"list": list, "set": set, "dict": dict, "bytearray": bytearray, "deque": deque}
MUTABLE = ("list", "set", "dict", "bytearray", "deque", "ndarray", "object")


class CannotCross(Exception):
    """A value of a type that does not pass."""


class Malformed(Exception):
    """Bytes that are no message."""


class Handles(dict[int, Any]):
    """Objects that live on one side and are known by their number on the other."""

    def number_of(self, value: Any) -> int | None:
        return next((number for number, other in self.items() if other is value), None)


class Encoder:
    """Values into one heap.

    Args:
        known: containers that the other side has, by its own numbers; they are not sent
        name_of: for an object of a class that both sides define: its class's name, or None
        handles: objects that pass by their number
    """

    def __init__(
        self, known: dict[int, Any] | None = None, name_of: Callable[[Any], str | None] | None = None,
        handles: Handles | None = None,
    ) -> None:  # fmt: skip
        self.heap: list[list[Any]] = []
        self._first = max(known, default=-1) + 1 if known else 0
        self._known = {id(value): number for number, value in (known or {}).items()}
        self._kept = list((known or {}).values())  # so that no id is used twice
        self._name_of = name_of or (lambda value: None)
        self._handles = Handles() if handles is None else handles
        self.numbered: dict[int, Any] = {}

    def add(self, value: Any) -> Any:
        """The place of a value in the message: itself, or [n].

        Raises:
            CannotCross: something in it has a type that does not pass
        """
        open_nodes: list[tuple[Any, str, list[Any], int, list[Any]]] = []
        result = self._place(value, open_nodes)
        while open_nodes:
            owner, tag, parts, done, placed = open_nodes[-1]
            if done < len(parts):
                open_nodes[-1] = (owner, tag, parts, done + 1, placed)
                placed.append(self._place(parts[done], open_nodes))
            else:
                open_nodes.pop()
                if tag in MUTABLE:
                    self.heap[self._known[id(owner)] - self._first][1:] = placed
                else:  # after its parts, so that the other side can make it at once
                    number = self._number(owner, [tag, *placed])
                    if open_nodes:
                        open_nodes[-1][4][-1] = [number]
                    else:
                        result = [number]
        return result

    def change(self, owner: Any) -> list[Any]:
        """The present content of a known container, as a node."""
        tag, parts = self._parts(owner)
        return [tag, *(self.add(part) for part in parts)]

    def _number(self, owner: Any, node: list[Any]) -> int:
        number = self._first + len(self.heap)
        self.heap.append(node)
        self._known[id(owner)] = number
        self._kept.append(owner)
        self.numbered[number] = owner
        return number

    def _place(self, value: Any, open_nodes: list[Any]) -> Any:
        kind = type(value)
        if value is None or kind is bool or kind is str or kind is float or (kind is int and -_SMALL < value < _SMALL):
            return value
        if id(value) in self._known:
            return [self._known[id(value)]]
        tag, parts = self._parts(value)
        if tag in MUTABLE:
            self._number(value, [tag])
        if len(self.heap) > _MOST_ITEMS:
            raise CannotCross(f"more than {_MOST_ITEMS} containers")
        open_nodes.append((value, tag, parts, 0, []))
        return [self._known.get(id(value), -1)]

    def _parts(self, value: Any) -> tuple[str, list[Any]]:
        if type(value).__module__ == "numpy":  # a numpy.float64 is a float as well
            return self._others(value)
        kind = next((base for base in _BASES if isinstance(value, base)), type(value))
        name = kind.__name__
        if kind is dict:
            return "dict", [part for pair in dict.items(value) for part in pair]
        if kind in (list, tuple, set, frozenset, deque):
            return name, list(kind.__iter__(value))
        if kind is int:
            return "int", [hex(int.__index__(value))]
        if kind is str or kind is float:
            return name, [kind(value)]
        if kind is complex:
            return name, [value.real, value.imag]
        if kind in (bytes, bytearray):
            return name, [bytes(value).decode("latin-1")]
        if kind is range:
            return name, [value.start, value.stop, value.step]
        if name in _VIEWS:
            return name, list(value)
        return self._others(value)

    def _others(self, value: Any) -> tuple[str, list[Any]]:
        kind = type(value)
        if kind.__module__ in ("decimal", "fractions") and kind.__name__ in ("Decimal", "Fraction"):
            return kind.__name__, [str(value)]
        numpy = sys.modules.get("numpy")
        if numpy is not None and isinstance(value, (numpy.ndarray, numpy.generic)):
            array = numpy.asarray(value)
            if _DTYPE.fullmatch(array.dtype.str) is None:
                raise CannotCross(f"a numpy array of {array.dtype}")
            tag = "ndarray" if isinstance(value, numpy.ndarray) else "scalar"
            return tag, [array.dtype.str, ",".join(map(str, array.shape)), array.tobytes().decode("latin-1")]
        number = self._handles.number_of(value)
        if number is not None:
            return "handle", [number]
        name = self._name_of(value)
        if name is not None:
            return "object", [name, *(part for pair in vars(value).items() for part in pair)]
        if hasattr(kind, "__next__"):
            items = []
            for item in value:
                items.append(item)
                if len(items) > _MOST_ITEMS:
                    raise CannotCross(f"an iterator of more than {_MOST_ITEMS} items")
            return "iterator", items
        raise CannotCross(f"an object of type {kind.__name__}")


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
        return _PLAIN[tag]()

    def fill(self, owner: Any, tag: str, parts: list[Any]) -> None:
        """Give a container its content, in place; its type must be the tag's."""
        if not isinstance(owner, _PLAIN.get(tag, object)):
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
        raise Malformed("a container of no known type")


def _array(dtype: str, shape: str, content: str) -> Any:
    import numpy

    if type(dtype) is not str or _DTYPE.fullmatch(dtype) is None:
        raise Malformed("an array of no plain type")
    sizes = [int(size) for size in shape.split(",") if size]
    return numpy.frombuffer(content.encode("latin-1"), dtype=dtype).reshape(sizes).copy()


def send(peer: Any, message: dict[str, Any]) -> None:
    """One message, its length in front."""
    content = json.dumps(message).encode()
    if len(content) > MOST_BYTES:
        raise CannotCross(f"{len(content)} bytes at once; {MOST_BYTES} is the most")
    peer.sendall(len(content).to_bytes(8, "big") + content)


def receive(peer: Any) -> dict[str, Any] | None:
    """The next message; None where the other side is gone.

    Raises:
        Malformed: it is no message, or too long
    """
    head = _exactly(peer, 8)
    length = None if head is None else int.from_bytes(head, "big")
    if length is None:
        return None
    if length > MOST_BYTES:
        raise Malformed("a message that is too long")
    content = _exactly(peer, length)
    if content is None:
        return None
    try:
        message = json.loads(content)
    except (ValueError, RecursionError):
        raise Malformed("a message that is not JSON") from None
    if type(message) is not dict:
        raise Malformed("a message that is no table")
    return message


def _exactly(peer: Any, count: int) -> bytes | None:
    parts = bytearray()
    while len(parts) < count:
        part = peer.recv(min(count - len(parts), 2**20))
        if not part:
            return None
        parts += part
    return bytes(parts)
