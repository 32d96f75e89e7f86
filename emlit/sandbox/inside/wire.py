"""Plain values as bytes and back: what may pass between an untrusted solution and its tests.

A message is a heap of containers and a root. A number, text or None stands for itself; a reference to the n-th
container is a list of one, [n]. So depth costs no recursion, shared and cyclic containers keep their shape, and the
decoder makes nothing but the exact types named in it, whoever sent the bytes.

Containers that the other side knows already (the arguments of a call) go by the number that they have there, so that a
list changed in place is changed on both sides, and a returned argument is that argument.
"""

import json
import re
from collections import Counter, OrderedDict, defaultdict, deque
from typing import Any

MOST_BYTES = 2**26
DTYPE = re.compile(r"[<>|=]?[biufcSUmM][0-9]+(\[[A-Za-z0-9]+\])?")
SPARSE = re.compile(r"(bsr|coo|csc|csr|dia|dok|lil)_(array|matrix)")
WORD = re.compile(r"[^\W\d]\w*")
# Types that are made of what reduces them, and their modules.
REDUCED = {**dict.fromkeys(("date", "datetime", "time", "timedelta"), "datetime"),
           "Decimal": "decimal", "Fraction": "fractions", "range": "builtins"}  # fmt: skip
TYPES = {kind.__name__: kind for kind in (bool, int, float, complex, str, bytes, list, tuple, set, frozenset, dict)}


class Record(dict[str, Any]):
    """A dict whose values are attributes too, as scipy's results."""

    def __getattr__(self, name: str) -> Any:
        # What begins so is a protocol: numpy takes an address to read from out of `__array_interface__`.
        if name.startswith("_") or name not in self:
            raise AttributeError(name)
        return self[name]


DICTS = {"dict": dict, "OrderedDict": OrderedDict, "Counter": Counter, "defaultdict": defaultdict, "record": Record}
PLAIN = {**DICTS, "list": list, "set": set, "bytearray": bytearray, "deque": deque}
MUTABLE = (*PLAIN, "ndarray", "objects", "object")


_DRAINED = ("builtins", "itertools", "collections")  # whose iterators have nothing but their items


def is_drained(kind: type) -> bool:
    """Whether an iterator of that type passes by its items, as a generator; a file has more to it."""
    return hasattr(kind, "__next__") and kind.__module__ in _DRAINED


class CannotCross(Exception):
    """A value of a type that does not pass."""


class Malformed(Exception):
    """Bytes that are no message."""


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
    if (head := _exactly(peer, 8)) is None:
        return None
    if (length := int.from_bytes(head, "big")) > MOST_BYTES:
        raise Malformed("a message that is too long")
    if (content := _exactly(peer, length)) is None:
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
