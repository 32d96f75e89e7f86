"""A message into values."""

import contextlib
from collections import deque, namedtuple
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from importlib import import_module
from types import MemberDescriptorType
from typing import Any

from arrays import array, objects, sparse, wide
from wire import DICTS, MUTABLE, PLAIN, REDUCED, TYPES, WORD, CannotCross, Malformed

_FROM_TEXT: dict[str, Callable[[Any], Any]] = {
    "int": lambda text: int(text, 16), "float": float, "str": str, "bytes": lambda text: text.encode("latin-1"),
    "Symbol": lambda text: import_module("sympy").Symbol(WORD.fullmatch(text)[0]),
    "type": lambda text: TYPES[text],
}  # fmt: skip
_FROM_VALUES: dict[str, Callable[[list[Any]], Any]] = {
    "complex": lambda parts: complex(*parts), "tuple": tuple,
    "frozenset": frozenset, "iterator": iter, "plain": lambda parts: parts[0],
    "named": lambda parts: _named(*parts[:2])(*parts[2:]),
    "dict_keys": lambda parts: dict.fromkeys(parts).keys(), "dict_items": lambda parts: dict(parts).items(),
    "dict_values": lambda parts: dict(enumerate(parts)).values(), "sparse": lambda parts: sparse(*parts),
}  # fmt: skip
_named: Callable[..., Any] = lru_cache(partial(namedtuple, rename=True))


class Decoder:
    """A heap into values.

    Args:
        other: what stands for a tag and its parts that are none of these
        make: for the class name of an object: a fresh one
        known: of an answer, containers by the numbers that the other side has for them; its narrow floats become wide
    """

    def __init__(
        self, other: Callable[[str, list[Any]], Any], make: Callable[[str], Any], known: dict[int, Any] | None = None
    ) -> None:
        self._other, self._make = other, make
        self.known = dict(known or {})
        self._widened = (lambda given: given) if known is None else wide

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
            # What is in a set may hash by what it is filled with.
            for number, (tag, parts) in sorted(nodes.items(), key=lambda node: node[1][0] != "object"):
                if tag in MUTABLE and tag != "ndarray":
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
            return self._widened(array(*parts))
        if tag == "objects":
            return objects([None] * len(parts[1:]), parts[0])
        if tag == "object":
            return self._make(parts[0])
        return deque((), parts[0]) if tag == "deque" else PLAIN[tag]()

    def _fill(self, owner: Any, tag: str, parts: list[Any]) -> None:
        """Give a container its content, in place; its type must be the tag's."""
        if not isinstance(owner, PLAIN.get(tag, object)):
            raise Malformed("a container of another type")
        if tag == "ndarray":
            content = array(*parts)
            if (content.shape, content.dtype) != (owner.shape, owner.dtype):
                raise Malformed("an array of another shape")
            owner[...] = content
        elif tag == "objects":
            owner[...] = objects([self.value(part) for part in parts[1:]], parts[0])
        elif tag == "bytearray":
            owner[:] = parts[0].encode("latin-1")
        elif tag == "object":
            own, content = getattr(owner, "__dict__", {}), [self.value(part) for part in parts[1:]]
            own.clear()
            for name, value in zip(content[::2], content[1::2], strict=True):
                if isinstance(getattr(type(owner), name, None), MemberDescriptorType):  # a slot
                    object.__setattr__(owner, name, value)
                else:
                    vars(owner)[name] = value
        else:
            content = [self.value(part) for part in parts]
            owner.clear()
            if tag == "defaultdict":
                owner.default_factory = content.pop(0)
            if tag in DICTS:
                for key, value in zip(content[::2], content[1::2], strict=True):
                    owner[key] = value
            elif tag == "set":
                owner.update(content)
            else:
                owner.extend(content[tag == "deque" :])

    def change(self, number: str, node: Any, sent: list[list[Any]]) -> None:
        """Give a container that was sent its new content; its type must stay.

        Raises:
            Malformed: it is none of those, or of another type
        """
        with _checked():
            place = int(number)
            tag, kind = node[0], 1 + (node[0] == "object")  # which has its class's name
            if not 0 <= place < len(sent) or tag not in MUTABLE or sent[place][:kind] != node[:kind]:
                raise Malformed("a change of what it was not given")
            self._fill(self.known[place], tag, node[1:])

    def _immutable(self, tag: str, parts: list[Any]) -> Any:
        if tag == "scalar":
            return self._widened(array(*parts))[()]
        if tag in _FROM_TEXT:
            return _FROM_TEXT[tag](parts[0])
        values = [self.value(part) for part in parts]
        if tag in REDUCED:
            return getattr(import_module(REDUCED[tag]), tag)(*values)
        if tag in _FROM_VALUES:
            return _FROM_VALUES[tag](values)
        return self._other(tag, values)


@contextlib.contextmanager
def _checked() -> Iterator[None]:
    """What does not fit where it is taken apart is malformed too."""
    try:
        yield
    except (CannotCross, Malformed, MemoryError):
        raise
    except Exception as error:
        raise Malformed(f"{type(error).__name__} in a message") from None
