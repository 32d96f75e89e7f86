"""What tests pass to a solution that is no plain data: by pickle, and functions of their own by their code.

Towards the solution alone: what comes from it is never unpickled.
"""

import builtins
import functools
import io
import marshal
import pickle
import sys
import types
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

from wire import CannotCross

_NAMES = ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS")


def pickled(value: Any, far: Callable[[Any], Any]) -> str:
    """A value as text.

    Args:
        value: anything
        far: what tells of an object that lives with the solution, None of all else

    Raises:
        CannotCross: it has something that only this process has
    """
    file = io.BytesIO()
    try:
        _Pickler(file, far, {}).dump(value)
    except Exception as error:
        raise CannotCross(f"an object of type {type(value).__name__} ({error})") from None
    return file.getvalue().decode("latin-1")


def unpickled(text: str, near: Callable[[Any], Any]) -> Any:
    """What was pickled, with what lives here as it is told of."""
    reader = _Unpickler(io.BytesIO(text.encode("latin-1")))
    reader.persistent_load = lambda told: near(*told)  # type: ignore[method-assign]
    return reader.load()


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        return super().find_class("solution" if module == "__main__" else module, name)


class _Pickler(pickle.Pickler):
    """With what is known of globals that were tried, by their ids."""

    def __init__(self, file: io.BytesIO, far: Callable[[Any], Any], passes: dict[int, bool]) -> None:
        super().__init__(file)
        self.persistent_id, self._passes = far, passes  # type: ignore[method-assign]

    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, types.ModuleType):
            return import_module, (value.__name__,)
        if isinstance(value, types.CellType):
            return _cell, ()
        if not isinstance(value, types.FunctionType) or value.__module__ not in (None, "__main__"):
            return NotImplemented
        # Bare first: what it takes from around it may lead back to it.
        cells = value.__closure__ or ()
        contents = [(cell, cell.cell_contents) for cell in cells if cell != types.CellType()]
        state = dict(self._globals_of(value)), contents, value.__defaults__, value.__kwdefaults__
        return _function, (_code(value.__code__), value.__name__, cells), state, None, None, _give

    def _globals_of(self, function: types.FunctionType) -> Iterator[tuple[str, Any]]:
        """What it takes from around it, but for builtins and what does not pass."""
        for name in sorted(_names_in(function.__code__)):
            value = function.__globals__.get(name, self)
            if value is not self and not hasattr(builtins, name) and self._try(value):
                yield name, value

    def _try(self, value: Any) -> bool:
        if id(value) not in self._passes:
            self._passes[id(value)] = True  # for those that lead back to it
            try:
                _Pickler(io.BytesIO(), self.persistent_id, self._passes).dump(value)
            except Exception:
                self._passes[id(value)] = False
        return self._passes[id(value)]


def _names_in(code: types.CodeType) -> set[str]:
    from dis import get_instructions

    inner = (_names_in(each) for each in code.co_consts if isinstance(each, types.CodeType))
    return {step.argval for step in get_instructions(code) if step.opname in _NAMES}.union(*inner)


_code = functools.cache(marshal.dumps)  # whose bytes depend on what else refers to its constants


def _cell() -> types.CellType:
    return types.CellType()


@functools.cache
def _around() -> dict[str, Any]:
    """The globals of the tests' functions."""
    return dict(vars(sys.modules["solution"]))


def _function(code: bytes, name: str, cells: tuple[types.CellType, ...]) -> types.FunctionType:
    return types.FunctionType(marshal.loads(code), _around(), name, None, cells)


def _give(function: types.FunctionType, state: tuple[Any, ...]) -> None:
    names, contents, function.__defaults__, function.__kwdefaults__ = state
    _around().update(names)
    for cell, content in contents:
        cell.cell_contents = content
