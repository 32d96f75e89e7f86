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
numpy.allclose = sys.modules["scicode.compare.cmp"].allclose
"""

_SHARED = f"""
def _sharing(name, call={_CALL}, has_empty=sys.modules["scicode.compare.cmp"].has_empty):
    import random, numpy.random
    def shared(*arguments, **keywords):
        state = random.getstate(), numpy.random.get_state()
        result, (plain, arrays) = call(name, state, arguments, keywords)
        random.setstate(plain)
        numpy.random.set_state(arrays)
        if has_empty(result) and not has_empty(targets):
            raise AssertionError(f"{{name}} gives an empty array, which any comparison would pass")
        return result
    return shared
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
    sharing = "\n".join(
        f"if isinstance(globals().get({name!r}), types.FunctionType): {name} = _sharing({name!r})" for name in names
    )
    return f"{_HEAD}\n{targets}\n{_SHARED}\n{sharing}\n{body}", [_CALL, *names]
