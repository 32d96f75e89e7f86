"""SciCode's tests as a program of their own: it compares out of the solution's reach, and shares its random numbers.

The authors run tests and solution in one process, so that a seed set by either reaches what the other draws. Here the
state of the random generators goes along with each call, and the one that comes back with its result is taken.
"""

from collections.abc import Collection, Sequence
from pathlib import Path

from emlit.tasks import scicode_compare
from emlit.tasks.program_names import free_names, imports_of
from emlit.tasks.scicode_checks import checked_at_use

_CALL = "_with_random_state"

# Behind the solution.
RANDOM_STATE = f"""
def {_CALL}(call, state, arguments, keywords):
    import random, numpy.random
    random.setstate(state[0])
    numpy.random.set_state(state[1])
    result = call(*arguments, **keywords)
    return result, (random.getstate(), numpy.random.get_state())
"""

_HEAD = f"""
import sys as _sys, types as _types, numpy as _numpy
for _name in ("scicode", "scicode.compare", "scicode.compare.cmp"):
    _compare = _sys.modules[_name] = _types.ModuleType(_name)
exec({Path(scicode_compare.__file__).read_text()!r}, _compare.__dict__)
_numpy.allclose, _numpy.isclose = _compare.allclose, _compare.isclose
"""

_SHARED = f"""
from remote import Remote as _Remote, Solution as _Solution
_later, _begun = [], set()

def _whole(name, result):
    for has in (_compare.has_empty, _compare.has_nan, _compare.has_infinity):
        if has(result) and not has(target):
            raise AssertionError(f"{{name}} gives nothing to compare, which many a comparison would pass")
    return result

def _bare(function):
    def call(*arguments, **keywords):
        _later.append(function)
        try:
            return function(*arguments, **keywords)
        finally:
            _later.pop()
    return call

def _sharing(ask):
    import random, numpy.random
    def shared(self, do, found, arguments=(), keywords=None):
        name = found if isinstance(found, str) else "an object"
        if do == "call":
            state = random.getstate(), numpy.random.get_state()
            called = self._made(_Remote, "called", found)
            result, after = ask(self, do, {_CALL!r}, (called, state, arguments, keywords or {{}}))
            random.setstate(after[0])
            kind, key, position, *drawn = after[1]
            numpy.random.set_state((kind, key, int(position) % 625, *drawn))  # numpy would read elsewhere in memory
        else:
            result = ask(self, do, found, arguments, keywords)
            if do == "next" and found not in _begun:
                _begun.add(found)
                result = result or []  # an iterator that ends at once is as empty
        return result if _later else _whole(name, result)
    return shared

_Solution.ask = _sharing(_Solution.ask)
"""


def tests_of(
    cases: Sequence[str], targets: str, setup: str, wanted: Collection[str], reference: str
) -> tuple[str, list[str]]:
    """The program of a step's tests, and the names that it needs of the solution.

    Args:
        cases: of the row
        targets: a program that leaves what they compare with in the list `targets`
        setup: what is run in front of both sides
        wanted: functions and classes that a solution is asked for
        reference: a program whose imports the tests may read
    """
    body = "\n".join(f"target = targets[{index}]\n{case}" for index, case in enumerate(cases))
    names = [name for name in free_names(f"targets = target = 0\n{body}", setup) if name in wanted]
    return f"{_HEAD}\n{imports_of(reference)}\n{targets}\n{_SHARED}\n{checked_at_use(body, names)}", names
