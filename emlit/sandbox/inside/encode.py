"""Values into a message."""

import sys
import time
from base64 import b64encode
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

from wire import DTYPE, MUTABLE, REDUCED, TYPES, CannotCross

_MOST_ITEMS = 10**6
_SMALL = 2**62  # a larger number goes as text
# What a value is asked in this order: an enumeration's member passes as its number.
_BASES = (bool, int, float, complex, str, bytes, bytearray, list, tuple, set, frozenset, dict, deque)
_VIEWS = ("dict_keys", "dict_values", "dict_items")
Parts = tuple[str, list[Any]]


class Encoder:
    """Values into one heap.

    Args:
        other: the tag and parts of a value for which there is nothing else
        far: those of an object that passes by its number, None for others
        known: containers that the other side has, by its own numbers; they are not sent
    """

    def __init__(
        self, other: Callable[[Any], Parts], far: Callable[[Any], Parts | None], known: dict[int, Any] | None = None
    ) -> None:
        self.heap: list[list[Any]] = []
        self.numbered = dict(known or {})  # which keeps them, so that no id is used twice
        self._first = len(self.numbered)
        self._known = {id(value): number for number, value in self.numbered.items()}
        self._other, self._far = other, far

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
        number = self._known[id(owner)] = len(self.numbered)
        self.numbered[number] = owner
        self.heap.append(node)
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

    def _parts(self, value: Any) -> Parts:
        if type(value).__module__.startswith(("numpy", "scipy.sparse")):  # a float64 is a float as well, a dok a dict
            return self._others(value)
        if (far := self._far(value)) is not None:
            return far
        kind = next((base for base in _BASES if isinstance(value, base)), type(value))
        name = kind.__name__
        if kind is dict:
            return _of_dict(value)
        if kind is deque:
            return name, [value.maxlen, *deque.__iter__(value)]
        if kind is tuple and hasattr(type(value), "_fields"):
            return "named", [type(value).__name__, " ".join(value._fields), *tuple.__iter__(value)]
        if kind in (list, tuple, set, frozenset):
            return name, list(kind.__iter__(value))
        if kind is int:
            return "int", [hex(int.__index__(value))]
        if kind is str or kind is float:
            return name, [str.__str__(value) if kind is str else float.__float__(value)]  # not as its class prints it
        if kind is complex:
            return name, [value.real, value.imag]
        if kind in (bytes, bytearray):
            return name, [bytes(value).decode("latin-1")]
        if name in _VIEWS:
            return name, list(value)
        return self._others(value)

    def _others(self, value: Any) -> Parts:
        kind = type(value)
        if REDUCED.get(kind.__name__) == kind.__module__ and getattr(value, "tzinfo", None) is None:
            return kind.__name__, list(value.__reduce__()[1])
        numpy = sys.modules.get("numpy")
        if numpy is not None and isinstance(value, (numpy.ndarray, numpy.generic)):
            array = numpy.asarray(value)
            shape = ",".join(map(str, array.shape))
            if array.dtype == object:
                return "objects", [shape, *array.flat]
            if DTYPE.fullmatch(array.dtype.str) is None:
                raise CannotCross(f"a numpy array of {array.dtype}")
            tag = "ndarray" if isinstance(value, numpy.ndarray) else "scalar"
            return tag, [array.dtype.str, shape, b64encode(array.tobytes()).decode(), array.flags.writeable]
        if kind.__module__.startswith("scipy.sparse") and hasattr(kind, "tocoo"):
            entries = value.tocoo()
            return "sparse", [kind.__name__, tuple(value.shape), entries.data, entries.coords]
        if kind is type and TYPES.get(value.__name__) is value:
            return "type", [value.__name__]
        return self._other(value)


def _of_dict(value: dict[Any, Any]) -> Parts:
    # An OrderedDict's own items are in its order.
    pairs = OrderedDict.items(value) if isinstance(value, OrderedDict) else dict.items(value)
    parts = [part for pair in pairs for part in pair]
    if isinstance(value, defaultdict):
        return "defaultdict", [value.default_factory, *parts]
    base = next((base.__name__ for base in (OrderedDict, Counter) if isinstance(value, base)), "dict")
    return "record" if hasattr(type(value), "__getattr__") else base, parts


def attributes(name: str, value: Any) -> Parts:
    """The parts of an instance of a class, of that name, that both sides define."""
    state = object.__getstate__(value)  # type: ignore[attr-defined]
    own = state if isinstance(state, tuple) else (state,)  # the second is of its slots
    return "object", [name, *(part for each in own for pair in (each or {}).items() for part in pair)]


def drained(value: Iterator[Any]) -> list[Any] | Iterator[Any]:
    """The items of an iterator; itself again where they are many, take long, or do not come."""
    items: list[Any] = []
    end = time.monotonic() + 1.0
    try:
        for item in value:
            items.append(item)
            if len(items) == _MOST_ITEMS or time.monotonic() > end:
                return chain(items, value)
    except Exception as error:
        return chain(items, _raising(error))
    return items


def _raising(error: Exception) -> Iterator[Any]:
    yield from ()
    raise error
