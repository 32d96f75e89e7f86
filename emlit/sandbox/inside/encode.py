"""Values into a message."""

import sys
from collections import deque
from collections.abc import Callable
from typing import Any

from wire import DTYPE, MOMENTS, MUTABLE, CannotCross, Handles

_MOST_ITEMS = 10**6
_SMALL = 2**62  # a larger number goes as text
# What a value is asked in this order: a defaultdict passes as a dict, an enumeration's member as its number.
_BASES = (bool, int, float, complex, str, bytes, bytearray, list, tuple, set, frozenset, dict, deque, range)
_VIEWS = ("dict_keys", "dict_values", "dict_items")


class Encoder:
    """Values into one heap.

    Args:
        known: containers that the other side has, by its own numbers; they are not sent
        name_of: for an object of a class that both sides define: its class's name, or None
        handles: objects that pass by their number
        other: the tag and parts of a value for which there is nothing else
    """

    def __init__(
        self, known: dict[int, Any] | None = None, name_of: Callable[[Any], str | None] | None = None,
        handles: Handles | None = None, other: Callable[[Any], tuple[str, list[Any]]] | None = None,
    ) -> None:  # fmt: skip
        self.heap: list[list[Any]] = []
        self._first = max(known, default=-1) + 1 if known else 0
        self._known = {id(value): number for number, value in (known or {}).items()}
        self._kept = list((known or {}).values())  # so that no id is used twice
        self._name_of = name_of or (lambda value: None)
        self._handles = Handles() if handles is None else handles
        self._other = other
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
            if DTYPE.fullmatch(array.dtype.str) is None:
                raise CannotCross(f"a numpy array of {array.dtype}")
            tag = "ndarray" if isinstance(value, numpy.ndarray) else "scalar"
            return tag, [array.dtype.str, ",".join(map(str, array.shape)), array.tobytes().decode("latin-1")]
        if kind.__module__ == "datetime" and kind.__name__ in MOMENTS and getattr(value, "tzinfo", None) is None:
            return kind.__name__, list(value.__reduce__()[1])
        if kind.__module__.startswith("scipy.sparse") and hasattr(kind, "tocoo"):
            entries = value.tocoo()
            return "sparse", [kind.__name__, tuple(value.shape), entries.data, entries.row, entries.col]
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
        if (kind.__module__, kind.__name__) == ("re", "Match"):
            return "match", []
        if self._other is not None:
            return self._other(value)
        raise CannotCross(f"an object of type {kind.__name__}")
