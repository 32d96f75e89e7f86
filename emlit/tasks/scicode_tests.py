"""SciCode's tests as a program of their own: it compares out of the solution's reach, and shares its random numbers.

The authors run tests and solution in one process, so that a seed set by either reaches what the other draws. Here the
state of the random generators goes along with each call, and the one that comes back with its result is taken.
"""

from collections.abc import Sequence
from pathlib import Path

from emlit.tasks import scicode_compare
from emlit.tasks.program_names import free_names
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
import sys, types
for _name in ("scicode", "scicode.compare", "scicode.compare.cmp"):
    sys.modules[_name] = types.ModuleType(_name)
exec({Path(scicode_compare.__file__).read_text()!r}, sys.modules["scicode.compare.cmp"].__dict__)
import numpy
for _name in ("allclose", "isclose"):
    setattr(numpy, _name, getattr(sys.modules["scicode.compare.cmp"], _name))
"""

_SHARED = f"""
from remote import Remote, Solution
compare = sys.modules["scicode.compare.cmp"]
_nothing = compare.has_empty, compare.has_nan, compare.has_infinity
_later = []

def _whole(name, result, before=(False,) * 3):
    for has, had in zip(_nothing, before):
        if not had and has(result) and not has(target):
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
        given = [*arguments, *(keywords or {{}}).values()]
        before = [has(given) for has in _nothing]
        name = found if isinstance(found, str) else "an object"
        if do == "call":
            state = random.getstate(), numpy.random.get_state()
            called = self._made(Remote, "called", found)
            result, after = ask(self, do, {_CALL!r}, (called, state, arguments, keywords or {{}}))
            random.setstate(after[0])
            kind, key, position, *drawn = after[1]
            numpy.random.set_state((kind, key, int(position) % 625, *drawn))  # numpy would read elsewhere in memory
        else:
            result = ask(self, do, found, arguments, keywords)
        _whole(name, given, before)
        return result if _later else _whole(name, result)
    return shared

Solution.ask = _sharing(Solution.ask)
"""


def tests_of(cases: Sequence[str], targets: str, setup: str) -> tuple[str, list[str]]:
    """The program of a step's tests, and the names that it needs of the solution.

    Args:
        cases: of the row
        targets: a program that leaves what they compare with in the list `targets`
        setup: what is run in front of both sides
    """
    body = "\n".join(f"target = targets[{index}]\n{case}" for index, case in enumerate(cases))
    names = free_names(f"targets = target = 0\n{body}", setup)
    return f"{_HEAD}\n{targets}\n{_SHARED}\n{checked_at_use(body, names)}", names
