"""Plain values as bytes and back: what may pass between an untrusted solution and its tests.

A message is a heap of containers and a root. A number, text or None stands for itself; a reference to the n-th
container is a list of one, [n]. So depth costs no recursion, shared and cyclic containers keep their shape, and the
decoder makes nothing but the exact types named in it, whoever sent the bytes.

Containers that the other side knows already (the arguments of a call) go by the number that they have there, so that a
list changed in place is changed on both sides, and a returned argument is that argument.
"""

import json
import re
from collections import deque
from typing import Any

MOST_BYTES = 2**26
DTYPE = re.compile(r"[<>|=]?[biufcSUmM][0-9]+(\[[a-z0-9]+\])?")
SPARSE = re.compile(r"(bsr|coo|csc|csr|dia|dok|lil)_(array|matrix)")
MOMENTS = ("date", "datetime", "time", "timedelta")
PLAIN = {"list": list, "set": set, "dict": dict, "bytearray": bytearray, "deque": deque}
MUTABLE = (*PLAIN, "ndarray", "object")


class CannotCross(Exception):
    """A value of a type that does not pass."""


class Malformed(Exception):
    """Bytes that are no message."""


class Handles(dict[int, Any]):
    """Objects that live on one side and are known by their number on the other."""

    def __init__(self) -> None:
        super().__init__()
        self._numbers: dict[int, int] = {}

    def __setitem__(self, number: int, value: Any) -> None:
        super().__setitem__(number, value)
        self._numbers[id(value)] = number

    def number_of(self, value: Any) -> int | None:
        return self._numbers.get(id(value))

    def add(self, value: Any) -> int:
        """The number of a value, which it has from now on."""
        number = self._numbers.setdefault(id(value), len(self))
        self[number] = value
        return number


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
