"""Holds an untrusted solution and answers the tests' calls of it with plain data.

Whatever the solution does to this process, all that leaves it is bytes that the tests' side decodes into plain values.
"""

import __future__

import json
import os
import sys
from fractions import Fraction
from itertools import islice
from typing import Any

from decode import Decoder
from encode import Encoder, Parts, attributes, drained
from functions import unpickled
from start import Job, classes_of, main_module, message_of, traceback_of, with_source
from wire import MUTABLE, CannotCross, Malformed, is_drained, receive, send

# Hints are not evaluated: some name classes that only their contest defines.
_LAZY_HINTS = __future__.annotations.compiler_flag


class Solution:
    """The solution's names, and the objects that the tests hold, by their numbers.

    Args:
        names: its module's
        classes: those that the setup defines on both sides, by name
    """

    def __init__(self, names: dict[str, Any], classes: dict[str, type]) -> None:
        self._names, self._classes = names, classes
        self._held, self._numbers, self._given = dict[int, Any](), dict[int, int](), 0

    def kind(self, name: str) -> str:
        if name not in self._names:
            return "missing"
        value = self._names[name]
        return "class" if isinstance(value, type) else "callable" if callable(value) else "value"

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Do what a request asks for."""
        decoder = Decoder(self._taken, self._make)
        decoder.read(request["heap"])
        arguments, keywords = decoder.value(request["root"])
        try:
            result = self._do(request["do"], self._near(request["target"]), arguments, keywords)
            encoder = Encoder(self._kept, self._far, decoder.known)
            answer = {"result": encoder.add(result)}
        except CannotCross:
            raise
        except BaseException as error:
            traceback_of(error, 2)
            encoder = Encoder(self._kept, self._far, decoder.known)
            answer = self._raised(error)
        changes = {}
        for number, node in enumerate(request["heap"]):
            if node[0] in MUTABLE:
                now = encoder.change(decoder.known[number])
                if json.dumps(now) != json.dumps(node):
                    changes[number] = now
        return {**answer, "changes": changes, "heap": encoder.heap}

    def _do(self, todo: str, target: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        if todo == "call":
            result = target(*arguments, **keywords)
            if type(result) is target and target.__module__ == "solution":  # and not what it calls by another name
                self._hold(result)
            return result
        if todo == "next":
            return list(islice(target, 1)) or None
        do = {"attribute": getattr, "set": setattr}.get(todo, lambda value: value)
        return do(target, *arguments)

    def _raised(self, error: BaseException) -> dict[str, Any]:
        plain = [part for part in error.args if type(part) in (str, int, float, bool, type(None))]
        kinds = [kind.__name__ for kind in type(error).__mro__]
        return {
            "raised": kinds,
            "text": message_of(error),
            "arguments": plain if len(plain) == len(error.args) else None,
        }

    def _near(self, target: str | int) -> Any:
        return self._names[target] if isinstance(target, str) else self._held[target]

    def _taken(self, tag: str, parts: list[Any]) -> Any:
        """What the tests pass that is no plain data: one of our own objects, or theirs."""
        if tag == "far":
            return self._near(parts[0])
        text, number = parts
        value = unpickled(text, self._taken)
        self._held[number], self._numbers[id(value)] = value, number
        return value

    def _hold(self, value: Any) -> int:
        """The number of a value, which it has from now on."""
        if id(value) not in self._numbers:
            self._given += 1
            self._held[self._given], self._numbers[id(value)] = value, self._given
        return self._numbers[id(value)]

    def _far(self, value: Any) -> Parts | None:
        return self._handle(value) if id(value) in self._numbers else None

    def _handle(self, value: Any) -> Parts:
        kind = type(value)
        return "endless" if hasattr(kind, "__next__") else "handle", [self._hold(value), kind.__name__]

    def _kept(self, value: Any) -> Parts:
        """What is no plain data stays here, and the tests have its number; sympy's numbers and names pass."""
        kind = type(value)
        name = kind.__name__
        if name in self._classes and kind is self._names.get(name):
            return attributes(name, value)
        if is_drained(kind):
            items = drained(value)
            return ("iterator", items) if isinstance(items, list) else self._handle(items)
        sympy = sys.modules.get("sympy")
        if sympy and isinstance(value, sympy.Basic):
            if value.is_Boolean and value.is_Atom and not value.is_Symbol:
                return "plain", [bool(value)]
            if value.is_Rational:
                return "plain", [int(value) if value.is_Integer else Fraction(value.p, value.q)]
            if getattr(value, "is_number", False):  # which not all of sympy's objects have
                number = complex(value)
                return "plain", [number if number.imag else number.real]
            if value.is_Symbol and value.name.isidentifier():
                return "Symbol", [value.name]
        return self._handle(value)

    def _make(self, name: str) -> Any:
        return object.__new__(self._names[name])


def serve(job: Job) -> None:
    # Its tests call it, as they would call a module: what it guards with __name__ == "__main__" is not run.
    module = main_module("solution")
    job.key()
    try:
        exec(with_source(job.work["setup"], "<setup>"), module.__dict__)
        classes = classes_of(module.__dict__)
        exec(with_source(job.work["solution"], "<solution>", _LAZY_HINTS), module.__dict__)
    except BaseException as error:
        traceback_of(error, 1)
        job.report_exception(error)
        job.control.recv(1)
        os._exit(1)
    solution = Solution(module.__dict__, classes)
    send(job.peer, {"loaded": {name: solution.kind(name) for name in job.work["names"]}})
    while (request := receive(job.peer)) is not None:
        try:
            answer = solution.answer(request)
            send(job.peer, answer)
        except CannotCross as refused:
            send(job.peer, {"refused": f"gives {refused}, which cannot pass to the tests"})
        except Malformed as refused:
            send(job.peer, {"refused": f"cannot read what the tests pass: {refused}"})
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
    job.control.recv(1)  # the tests are gone: how they ended is the result, not how we do
    os._exit(0)


if __name__ == "__main__":
    serve(Job())
