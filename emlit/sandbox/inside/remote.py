"""The tests' side of a solution that lives in another process."""

import builtins
import time
from collections.abc import Callable
from typing import Any, NoReturn

from decode import Decoder
from encode import Encoder
from functions import pickled
from wire import CannotCross, Handles, Malformed, receive, send

# Raised into a loop of the tests, these would end it quietly instead of failing it.
_SILENT = (StopIteration, StopAsyncIteration)


class Solution:
    """Calls into the other process, one at a time.

    Args:
        peer: socket to it
        seconds: wall time that one call may take; None for no bound of its own
        fatal: what ends the tests, with the reason; must not return
        classes: classes of the setup, whose instances may pass, by name
    """

    def __init__(
        self, peer: Any, seconds: float | None, fatal: Callable[[str, str], NoReturn], classes: dict[str, type]
    ) -> None:
        self._peer, self._seconds, self._fatal, self._classes = peer, seconds, fatal, classes
        self._handles, self._kinds = Handles(), dict[str, type]()

    def names(self, wanted: list[str]) -> dict[str, Any]:
        """What stands for the solution's names in the tests; names that it lacks are left out."""
        loaded = self._exchange(None).get("loaded")
        if type(loaded) is not dict:
            self._fatal("protocol", "the solution's process did not say what it holds")
        found: dict[str, Any] = {}
        for name in wanted:
            kind = loaded.get(name)
            if kind == "class":
                found[name] = self._classes.get(name) or self._remote_class(name)
            elif kind == "callable":
                found[name] = self._calling("call", name)
            elif kind == "value":
                found[name] = self.ask("value", name)
        return found

    def ask(self, do: str, name: str, arguments: tuple = (), keywords: dict | None = None, owner: Any = None) -> Any:
        """One request and its answer, an exception of the solution's raised here as the nearest builtin one."""
        encoder = Encoder(None, self._name_of, self._handles, _given)
        try:
            root = encoder.add((tuple(arguments), dict(keywords or {})))
            request = {"do": do, "name": name, "heap": encoder.heap, "root": root}
            if owner is not None:
                request["handle"] = self._handles.number_of(owner)
            answer = self._exchange(request)
        except CannotCross as refused:
            self._fatal("crossing", f"the tests pass {refused}, which cannot pass to the solution")
        if "refused" in answer:
            self._fatal("crossing", f"the solution gives {answer['refused']!s:.200}, which cannot pass to the tests")
        if answer.get("callable") is True:
            return self._calling("method", name, owner)
        try:
            return self._taken(encoder, answer)
        except Malformed as error:
            return self._fatal("protocol", f"the solution's process sent {error}")

    def _taken(self, encoder: Encoder, answer: dict[str, Any]) -> Any:
        decoder = Decoder(encoder.numbered, self._make, self._handles, self._far)
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
        if SystemExit in kinds or KeyboardInterrupt in kinds:
            self._fatal("exit", "the solution asks to end the program")
        kind = next((k for k in kinds if isinstance(k, type) and issubclass(k, Exception)), RuntimeError)
        text = str(answer.get("text"))
        if issubclass(kind, _SILENT):
            return RuntimeError(f"the solution raised {text}")
        arguments = answer.get("arguments")
        try:
            return kind(*arguments) if type(arguments) is list else kind(text)
        except Exception:
            return RuntimeError(text)

    def _exchange(self, request: dict[str, Any] | None) -> dict[str, Any]:
        try:
            self._peer.settimeout(self._seconds)
            if request is not None:
                send(self._peer, request)
            answer = receive(self._peer)
        except TimeoutError:
            return self._fatal("timeout", f"one call took more than {self._seconds:g} s")
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

    def _name_of(self, value: Any) -> str | None:
        name = type(value).__name__
        return name if type(value) is self._classes.get(name) else None

    def _calling(self, do: str, name: str, owner: Any = None) -> Callable[..., Any]:
        def call(*arguments: Any, **keywords: Any) -> Any:
            return self.ask(do, name, arguments, keywords, owner)

        call.far = name, owner  # type: ignore[attr-defined]
        return call

    def _far(self, tag: str, parts: list[Any]) -> Any:
        """What stands for an object that stays with the solution."""
        if tag != "handle" or [type(part) for part in parts] != [int, str]:
            raise Malformed("a value of no type that passes")
        number, name = parts
        far: Any = object.__new__(self._remote_class(name))
        self._handles[number] = far
        return far

    def _remote_class(self, name: str) -> type:
        if name in self._kinds:
            return self._kinds[name]
        solution = self

        class Remote:
            """Its methods run in the solution's process. Two of them are equal where they are the same object."""

            def __init__(self, *arguments: Any, **keywords: Any) -> None:
                number = solution.ask("new", name, arguments, keywords)
                if type(number) is not int or number in solution._handles:
                    solution._fatal("protocol", "the solution's process sent an object without its number")
                solution._handles[number] = self

            def __call__(self, *arguments: Any, **keywords: Any) -> Any:
                return solution.ask("method", "__call__", arguments, keywords, self)

            def __getattr__(self, attribute: str) -> Any:
                if attribute.startswith("__"):
                    raise AttributeError(attribute)
                return solution.ask("attribute", attribute, owner=self)

        Remote.__name__ = Remote.__qualname__ = name
        self._kinds[name] = Remote
        return Remote


def _given(value: Any) -> tuple[str, list[Any]]:
    """What the tests pass that is no plain data: the solution's own functions by name, others as they are."""
    return ("far", list(value.far)) if hasattr(value, "far") else ("pickle", [pickled(value)])
