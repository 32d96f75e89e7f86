"""Holds an untrusted solution and answers the tests' calls of it with plain data.

Whatever the solution does to this process, all that leaves it is bytes that the tests' side decodes into plain values.
"""

import __future__

import json
import os
import sys
from typing import Any

from decode import Decoder
from encode import Encoder
from functions import unpickled
from start import Job, classes_of, described, main_module, traceback_of, with_source
from wire import MUTABLE, CannotCross, Handles, receive, send

# Hints are not evaluated: some name classes that only their contest defines.
_LAZY_HINTS = __future__.annotations.compiler_flag


class Solution:
    """The solution's names, and the objects of its classes that the tests hold.

    Args:
        names: its module's
        classes: those that the setup defines on both sides, by name
    """

    def __init__(self, names: dict[str, Any], classes: dict[str, type]) -> None:
        self._names, self._classes = names, classes
        self._handles = Handles()

    def kind(self, name: str) -> str:
        if name not in self._names:
            return "missing"
        value = self._names[name]
        return "class" if isinstance(value, type) else "callable" if callable(value) else "value"

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Do what a request asks for."""
        decoder = Decoder(None, self._make, self._handles, self._given)
        decoder.read(request["heap"])
        arguments, keywords = decoder.value(request["root"])
        try:
            result = self._do(request, arguments, keywords)
        except (Exception, SystemExit, KeyboardInterrupt) as error:
            traceback_of(error, 2)
            answer = self._raised(error)
        else:
            answer = {"result": None}
        encoder = Encoder(decoder.known, self._name_of, self._handles, self._kept)
        if "raised" not in answer:
            if request["do"] == "new":
                result = self._handles.add(result)
            elif request["do"] == "attribute" and callable(result):
                return {"callable": True}
            answer["result"] = encoder.add(result)
        changes = {}
        for number, node in enumerate(request["heap"]):
            if node[0] in MUTABLE:
                now = encoder.change(decoder.known[number])
                if json.dumps(now) != json.dumps(node):
                    changes[number] = now
        return {**answer, "changes": changes, "heap": encoder.heap}

    def _do(self, request: dict[str, Any], arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        todo, name = request["do"], request["name"]
        if todo in ("call", "new"):
            return self._names[name](*arguments, **keywords)
        if todo == "value":
            return self._names[name]
        owner = self._handles[request["handle"]]
        found = getattr(owner, name)
        return found(*arguments, **keywords) if todo == "method" else found

    def _raised(self, error: BaseException) -> dict[str, Any]:
        plain = [part for part in error.args if type(part) in (str, int, float, bool, type(None))]
        kinds = [kind.__name__ for kind in type(error).__mro__]
        whole = len(plain) == len(error.args)
        return {"raised": kinds, "text": described(error), "arguments": plain if whole else None}

    def _given(self, tag: str, parts: list[Any]) -> Any:
        """What the tests pass that is no plain data: one of our own functions or methods, or theirs."""
        if tag == "far":
            name, owner = parts
            return self._names[name] if owner is None else getattr(owner, name)
        return unpickled(*parts)

    def _kept(self, value: Any) -> tuple[str, list[Any]]:
        """What is no plain data stays here, and the tests have its number; sympy's numbers and names pass."""
        kind = type(value)
        if kind.__module__.partition(".")[0] == "sympy" and not isinstance(value, type):
            if getattr(value, "is_number", False):
                number = complex(value)
                return ("complex", [number.real, number.imag]) if number.imag else ("float", [number.real])
            return "Symbol", [str(value)]
        return "handle", [self._handles.add(value), kind.__name__]

    def _make(self, name: str) -> Any:
        kind = self._names[name]
        return object.__new__(kind)

    def _name_of(self, value: Any) -> str | None:
        name = type(value).__name__
        return name if name in self._classes and type(value) is self._names.get(name) else None


def serve(job: Job) -> None:
    # Its tests call it, as they would call a module: what it guards with __name__ == "__main__" is not run.
    module = main_module("solution")
    process = os.getpid()
    job.key()
    try:
        exec(with_source(job.work["setup"], "<setup>"), module.__dict__)
        classes = classes_of(module.__dict__)
        exec(with_source(job.work["solution"], "<solution>", _LAZY_HINTS), module.__dict__)
    except BaseException as error:
        if os.getpid() == process:
            traceback_of(error, 1)
            job.report_exception(error)
            job.control.recv(1)
        os._exit(1)
    solution = Solution(module.__dict__, classes)
    send(job.peer, {"loaded": {name: solution.kind(name) for name in job.work["names"]}})
    while (request := receive(job.peer)) is not None and os.getpid() == process:
        try:
            answer = solution.answer(request)
            send(job.peer, answer)
        except CannotCross as refused:
            send(job.peer, {"refused": str(refused)})
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
    if os.getpid() == process:
        job.control.recv(1)  # the tests are gone: how they ended is the result, not how we do
    os._exit(0)


if __name__ == "__main__":
    serve(Job())
