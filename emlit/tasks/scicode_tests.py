"""SciCode's tests as a program of their own: it compares out of the solution's reach, and shares its random numbers.

The authors run tests and solution in one process, so that a seed set by a test reaches what the solution draws. Here
the state of the random generators goes along with each call, and comes back with its result.
"""

from collections.abc import Sequence
from pathlib import Path

from emlit.tasks import scicode_compare
from emlit.tasks.program_names import free_names

_CALL = "_with_random_state"

# Behind the solution.
RANDOM_STATE = f"""
def {_CALL}(name, state, arguments, keywords):
    import random, numpy.random
    random.setstate(state[0])
    numpy.random.set_state(state[1])
    result = globals()[name](*arguments, **keywords)
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
def _whole(name, result, compare=sys.modules["scicode.compare.cmp"]):
    for has in (compare.has_empty, compare.has_nan, compare.has_infinity):
        if has(result) and not has(target):
            raise AssertionError(f"{{name}} gives nothing to compare, which many a comparison would pass")
    return result

def _sharing(name, call={_CALL}):
    import random, numpy.random
    def shared(*arguments, **keywords):
        state = random.getstate(), numpy.random.get_state()
        result, after = call(name, state, arguments, keywords)
        _go_on(state, after)
        return _whole(name, result)
    shared.far = name, None
    return shared

def _go_on(before, after, limit=20_000):
    # Take the generators to where the solution left its own, if they come there from where they are.
    import random, numpy.random
    def comes_to(key, position, wanted):
        twister = numpy.random.MT19937()
        twister.state = dict(bit_generator="MT19937", state=dict(key=key, pos=position))
        for _ in range(limit):
            if numpy.array_equal(twister.state["state"]["key"], wanted):
                return True
            twister.random_raw(624, output=False)
        return False
    try:
        (_, words, normal), (_, key, position, has, cached) = after
        if abs(normal or 0.0) < 9 and comes_to(numpy.array(before[0][1][:-1]), before[0][1][-1], words[:-1]):
            random.setstate((3, tuple(words), normal))
        if abs(cached) < 9 and comes_to(*before[1][1:3], key):
            numpy.random.set_state(("MT19937", key, position, has, cached))
    except (TypeError, ValueError, OverflowError):
        pass

def _of_object(get):
    def attribute(owner, name):
        found = get(owner, name)
        call = lambda *arguments, **keywords: _whole(name, found(*arguments, **keywords))
        return call if callable(found) else _whole(name, found)
    return attribute

def _guard(name):
    found = globals().get(name)
    if isinstance(found, types.FunctionType):
        globals()[name] = _sharing(name)
    elif isinstance(found, type) and "__getattr__" in vars(found):
        found.__getattr__ = _of_object(found.__getattr__)
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
    guards = "\n".join(f"_guard({name!r})" for name in names)
    return f"{_HEAD}\n{targets}\n{_SHARED}\n{guards}\n{body}", [_CALL, *names]
