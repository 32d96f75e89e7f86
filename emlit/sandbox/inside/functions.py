"""What tests pass to a solution that is no plain data: by pickle, and functions of their own by their code.

Towards the solution alone: what comes from it is never unpickled.
"""

import builtins
import io
import marshal
import pickle
import sys
import types
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from typing import Any

from wire import CannotCross


def pickled(value: Any) -> str:
    """A value as text.

    Raises:
        CannotCross: it has something that only this process has
    """
    file = io.BytesIO()
    try:
        _Pickler(file).dump(value)
    except Exception as error:
        raise CannotCross(f"an object of type {type(value).__name__} ({error})") from None
    return file.getvalue().decode("latin-1")


def unpickled(text: str) -> Any:
    return pickle.loads(text.encode("latin-1"))


class _Pickler(pickle.Pickler):
    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, types.ModuleType):
            return import_module, (value.__name__,)
        if not isinstance(value, types.FunctionType) or value.__module__ not in (None, "__main__"):
            return NotImplemented
        cells = [cell.cell_contents for cell in value.__closure__ or ()]
        made = marshal.dumps(value.__code__), value.__name__, value.__defaults__, value.__kwdefaults__, cells
        return _function, made, dict(_globals_of(value)), None, None, _give


def _globals_of(function: types.FunctionType) -> Iterator[tuple[str, Any]]:
    """What it takes from around it, but for builtins and what lives with the solution."""
    for name in sorted(_names_in(function.__code__)):
        value = function.__globals__.get(name, function)
        if value is not function and not hasattr(builtins, name):
            with suppress(CannotCross):
                pickled(value)
                yield name, value


def _names_in(code: types.CodeType) -> set[str]:
    inner = (_names_in(each) for each in code.co_consts if isinstance(each, types.CodeType))
    return set(code.co_names).union(*inner)


def _function(code: bytes, name: str, defaults: Any, keywords: Any, cells: list[Any]) -> types.FunctionType:
    around = dict(vars(sys.modules["solution"]))
    closure = tuple(types.CellType(value) for value in cells)
    made = types.FunctionType(marshal.loads(code), around, name, defaults, closure)
    made.__kwdefaults__ = keywords
    around[name] = made
    return made


def _give(function: types.FunctionType, names: dict[str, Any]) -> None:
    function.__globals__.update(names)
