"""The tests' side of a solution that lives in another process."""

import builtins
import contextlib
import time
from collections.abc import Callable
from typing import Any, NoReturn, Self

from decode import Decoder
from encode import Encoder, Parts, attributes, drained
from functions import pickled
from wire import CannotCross, Malformed, is_drained, receive, send

# Raised into a loop of the tests, these would end it quietly instead of failing it.
_SILENT = (StopIteration, StopAsyncIteration)


class Remote:
    """Stands for an object of the solution's, in whose process its methods run. Two are equal where they are one."""

    _solution: "Solution"
    _far: str | int  # of an object its number, of a class its name

    def __new__(cls, /, *arguments: Any, **keywords: Any) -> Any:
        return cls._solution.ask("call", cls._far, arguments, keywords)

    def __call__(self, /, *arguments: Any, **keywords: Any) -> Any:
        return self._solution.ask("call", self._far, arguments, keywords)

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        return self._solution.ask("attribute", self._far, (attribute,))

    def __setattr__(self, attribute: str, value: Any) -> None:
        self._solution.ask("set", self._far, (attribute, value))


class Endless(Remote):
    """An iterator that is not drained, as it is one of the solution's own, or does not end."""

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        found = self._solution.ask("next", self._far)
        if type(found) is not list or not found:
            raise StopIteration
        return found[0]


class Solution:
    """Calls into the other process, one at a time.

    Args:
        peer: socket to it
        fatal: what ends the tests, with the reason; must not return
        classes: classes of the setup, whose instances may pass, by name
    """

    def __init__(self, peer: Any, fatal: Callable[[str, str], NoReturn], classes: dict[str, type]) -> None:
        self._peer, self._fatal, self._classes = peer, fatal, classes
        self._kinds = dict[tuple[type, str], type]()
        # What passed by a number, to the end: of the other side's by its numbers, of ours by numbers below zero.
        self._held = dict[int, Any]()
        self._sent = dict[int, tuple[int, str]]()
        self._last = 0

    def names(self, wanted: list[str]) -> dict[str, Any]:
        """What stands for the solution's names in the tests; names that it lacks are left out."""
        loaded = self._exchange(None).get("loaded")
        if type(loaded) is not dict:
            self._fatal("protocol", "the solution's process did not say what it holds")
        found: dict[str, Any] = {}
        for name in wanted:
            kind = loaded.get(name)
            if kind == "class":
                found[name] = self._classes.get(name) or self._remote_class(Remote, name)
            elif kind == "callable":
                found[name] = self._made(Remote, name, name)
            elif kind == "value":
                found[name] = self.ask("value", name)
        return found

    def ask(self, do: str, target: str | int, arguments: tuple = (), keywords: dict | None = None) -> Any:
        """One request and its answer, an exception of the solution's raised here as the nearest builtin one."""
        encoder = Encoder(self._given, _far)
        try:
            root = encoder.add((tuple(arguments), dict(keywords or {})))
            answer = self._exchange({"do": do, "target": target, "heap": encoder.heap, "root": root})
        except CannotCross as refused:
            self._fatal("crossing", f"the tests pass {refused}, which cannot pass to the solution")
        if "refused" in answer:
            self._fatal("crossing", f"the solution {answer['refused']!s:.300}")
        try:
            return self._taken(encoder, answer)
        except Malformed as error:
            return self._fatal("protocol", f"the solution's process sent {error}")

    def _taken(self, encoder: Encoder, answer: dict[str, Any]) -> Any:
        decoder = Decoder(self._stand_in, self._make, encoder.numbered)
        heap, changes = answer.get("heap"), answer.get("changes")
        if type(heap) is not list or type(changes) is not dict:
            raise Malformed("an answer without its parts")
        decoder.read(heap, len(encoder.heap))
        for number, node in changes.items():
            decoder.change(number, node, encoder.heap)
        if "raised" in answer:
            if type(answer["raised"]) is not list:
                raise Malformed("an exception without a type")
            raise self._exception(answer)
        return decoder.value(answer.get("result"))

    def _exception(self, answer: dict[str, Any]) -> Exception:
        kinds = [getattr(builtins, name, None) for name in answer["raised"] if type(name) is str]
        if Exception not in kinds:
            self._fatal("exit", "the solution asks to end the program")
        text, arguments = str(answer.get("text")), answer.get("arguments")
        for kind in kinds:
            if isinstance(kind, type) and issubclass(kind, Exception):
                if issubclass(kind, _SILENT):
                    break
                with contextlib.suppress(Exception):  # some take more than a text
                    return kind(*arguments) if type(arguments) is list else kind(text)
        return RuntimeError(f"the solution raised {answer['raised'][0]}: {text}")

    def _exchange(self, request: dict[str, Any] | None) -> dict[str, Any]:
        try:
            if request is not None:
                send(self._peer, request)
            answer = receive(self._peer)
        except Malformed as error:
            return self._fatal("protocol", f"the solution's process sent {error}")
        except OSError:
            answer = None
        if answer is None:
            time.sleep(5)  # whoever started both sees why it ended, and ends us
            return self._fatal("exit", "the solution's process closed its line")
        return answer

    def _make(self, name: Any) -> Any:
        if type(name) is not str or name not in self._classes:
            raise Malformed("an object of no class of the setup")
        return object.__new__(self._classes[name])

    def _given(self, value: Any) -> Parts:
        """What the tests pass that is no plain data. As long as it is what it was it goes once: it may change there."""
        name = type(value).__name__
        if type(value) is self._classes.get(name):
            return attributes(name, value)
        if is_drained(type(value)):
            items = drained(value)
            if not isinstance(items, list):
                raise CannotCross("an iterator of too many items")
            return "iterator", items
        text = pickled(value, _far)
        number, before = self._sent.get(id(value), (0, ""))
        if text == before:
            return "far", [number]
        self._last -= 1
        self._held[self._last] = value
        self._sent[id(value)] = self._last, text
        return "pickle", [text, self._last]

    def _stand_in(self, tag: str, parts: list[Any]) -> Any:
        """What stands for an object that stays with the solution."""
        if tag not in ("handle", "endless") or [type(part) for part in parts] != [int, str]:
            raise Malformed("a value of no type that passes")
        number, name = parts
        if number not in self._held:
            if number < 0:
                raise Malformed("an object that it was not given")
            self._held[number] = self._made(Remote if tag == "handle" else Endless, name, number)
        return self._held[number]

    def _made(self, base: type, name: str, target: str | int) -> Any:
        far: Any = object.__new__(self._remote_class(base, name))
        object.__setattr__(far, "_far", target)
        return far

    def _remote_class(self, base: type, name: str) -> type:
        return self._kinds.setdefault((base, name), type(name, (base,), {"_solution": self, "_far": name}))


def _far(value: Any) -> Parts | None:
    """What tells the solution's process of its object that something here stands for."""
    kind = value if isinstance(value, type) else type(value)
    return ("far", [value._far]) if issubclass(kind, Remote) else None
