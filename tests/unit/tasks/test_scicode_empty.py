"""What has no elements passes any comparison by element: no solution of SciCode's may give it for what has some."""

from collections import deque
from decimal import Decimal

import numpy as np
import pytest
import scipy.sparse

from emlit.sandbox import run_tests
from emlit.tasks import scicode_tests
from emlit.tasks.program_names import defined_names, in_one
from emlit.tasks.scicode_compare import has_empty, has_infinity, has_nan


def graded(solution: str, case: str, target: str = "np.float64(5)", reference: str = ""):
    setup = "import numpy as np"
    wanted = defined_names(solution)
    tests, names = scicode_tests.tests_of([case], f"{setup}\ntargets = [{target}]", setup, wanted, reference)
    program = in_one(solution, scicode_tests.RANDOM_STATE)
    return run_tests(program, tests, names, setup=setup, timeout=60, memory_mb=2048)


EMPTY = [
    [],
    (),
    {},
    set(),
    frozenset(),
    {}.keys(),
    {}.values(),
    {}.items(),
    deque(),
    range(0),
    "",
    b"",
    np.zeros((3, 0)),
    scipy.sparse.csr_matrix((0, 3)),
    scipy.sparse.coo_array((3, 0)),
]


@pytest.mark.parametrize("value", EMPTY, ids=repr)
def test_what_is_empty(value):
    for whole in (
        value,
        [1, value],
        {"a": (value,)},
        deque([value]),
        {1: value}.values(),
        iter([value]),
        iter([*value]),
    ):
        assert has_empty(whole)


@pytest.mark.parametrize(
    "value",
    [None, 0, np.float64(0), np.array(0), "a", range(10**12), {"": 1}, {1, (2,)}, b"0",
     scipy.sparse.csr_matrix((3, 3)), scipy.sparse.dok_array((10**6, 10**6))],
)  # fmt: skip
def test_what_is_not(value):
    assert not has_empty(value)
    assert not has_empty([value])


def test_an_iterator_is_looked_at_and_kept():
    found = iter([1, 2])
    assert not has_empty(found)
    assert list(found) == [1, 2]
    assert has_empty(found)
    assert graded("def f(x): return iter([5.0])", "assert list(f(1)) == [target]").ok


@pytest.mark.parametrize(
    "case",
    ["assert (f(1) == target).all()", "assert np.all(f(1) == target)", "assert np.linalg.norm(f(1) - target) < 1e-6",
     "assert not np.any(np.abs(f(1) - target) > 1e-6)", "assert all(np.allclose(a, target) for a in np.ravel(f(1)))"],
)  # fmt: skip
def test_it_is_refused_whatever_compares(case):
    assert "f gives nothing to compare" in graded("def f(x): return []", case).reason
    assert "f gives nothing to compare" in graded("def f(x): return iter([])", case).reason
    assert graded("import numpy as np\ndef f(x): return np.float64(5)", case).ok


def test_an_iterator_of_its_own_that_ends_at_once_is_empty():
    solution = "class f:\n def __init__(s, *n): s.n = [*n]\n def __iter__(s): return s\n def __next__(s):\n"
    solution += "  if not s.n: raise StopIteration\n  return s.n.pop()"
    case = "assert all(a == b for a, b in zip(f({}), [target]))"
    assert "nothing to compare" in graded(solution, case.format("")).reason
    assert graded(solution, case.format("5")).ok


@pytest.mark.parametrize(
    ("given", "case"),
    [
        ("complex(1.5e308, 1.5e308)", "assert np.allclose(target, f(1))"),
        ("np.full(2, complex(1.5e308, 1.5e308))", "assert np.isclose(target, f(1)).all()"),
        *((f"[{large}]", "r = f(1)\nassert np.linalg.norm(r - target) <= 1e-3 * np.linalg.norm(r)")
          for large in ("1e200", "10**200", "np.float32(1e30)")),
        ("np.array([1e30], 'f')", "r = f(1)\nassert np.linalg.norm(r - target) <= 1e-3 * np.linalg.norm(r)"),
    ],
)  # fmt: skip
def test_what_is_infinite_once_it_is_squared_is_close_to_nothing(given, case):
    assert not graded(f"def f(x): return {given}", case.replace("r = f(1)", "r = np.array(f(1))")).ok
    assert graded("def f(x): return [5.0]", case.replace("r = f(1)", "r = np.array(f(1))")).ok


def test_methods_and_attributes_too():
    solution = "import numpy as np\nclass C:\n    a = np.array([])\n    def f(self, x): return self.a"
    for case in ("assert np.all(C().f(1) == target)", "assert np.all(C().a == target)"):
        assert "gives nothing to compare" in graded(solution, case).reason
        assert graded(solution.replace("[]", "[5]"), case).ok


def test_a_target_without_elements_is_answered_by_nothing():
    same = "assert np.size(f(1)) == np.size(target) == 0"
    parts = "from scicode.compare.cmp import cmp_tuple_or_list\nassert cmp_tuple_or_list(f(1), target)"
    for result, case, target in (
        ("[]", same, "[]"),
        ("[]", same, "np.zeros(0)"),
        ("(1, [])", parts, "(1, np.zeros(0))"),
    ):
        assert graded(f"def f(x): return {result}", case, target).ok
        assert not graded(f"def f(x): return {result}", f"{case}\ntarget = 5\nassert np.all(f(1) == target)", target).ok


@pytest.mark.parametrize(
    "given",
    [
        *("float('nan')", "np.array([5.0, np.nan])", "[5.0, complex('nan')]", "{'a': np.nan}", "np.inf"),
        *("[5.0, -np.inf]", "complex(5, float('inf'))"),
    ],
)
def test_what_is_no_number_passes_no_comparison_that_is_turned_round(given):
    case = "assert not np.any(np.abs(np.asarray(list(f(1).values()) if isinstance(f(1), dict) else f(1)) - target) > 1)"
    assert not graded(f"def f(x): return {given}", case).ok
    # Unless it is what the step asks for.
    assert graded("def f(x): return np.nan", "assert np.isnan(f(1)) and np.isnan(target)", "np.float64('nan')").ok
    assert graded("def f(x): return np.inf", "assert f(1) == target", "np.inf").ok


@pytest.mark.parametrize(
    "value",
    [
        *(Decimal("NaN"), np.datetime64("NaT"), np.timedelta64("NaT"), np.array(["NaT"], "datetime64[s]")),
        *(np.array([1, Decimal("NaN")], object), np.array([None, np.nan]), np.longdouble("nan"), {float("nan"): 5}),
        {"a": {(np.nan, 1): 5}},
    ],
    ids=repr,
)
def test_what_is_no_number_or_time(value):
    assert has_nan([1, value])
    assert not has_infinity([value])


def test_what_is_infinite():
    for value in (np.inf, -np.inf, complex(0, np.inf), Decimal("-Infinity"), np.array([1, np.inf], object), 10**400):
        assert has_infinity({"a": value})
        assert not has_nan(value)
    for value in (5, "inf", None, np.array(["inf"]), Decimal(5), np.datetime64(0, "s"), True, 10**99):
        assert not has_infinity([value])
        assert not has_nan([value])


def test_close_somewhere_takes_the_same_shape():
    case = "assert np.isclose(f(1), target).any()"
    assert graded("def f(x): return [5.0]", case).ok
    for given in ("1.0", "[1.0, 5.0]", "[[1.0], [2.0]]"):
        assert not graded(f"def f(x): return {given}", case, "np.array([1.0, 2.0, 3.0])").ok
    assert graded("def f(x): return [0, 0]", "assert np.isclose(f(1), 0).all()").ok  # a number stands beside an array
    assert graded("def f(x): return [[1, 2]]", "assert np.isclose(f(1), target).all()", "np.array([1, 2])").ok
    assert not graded("def f(x): return [[1], [2]]", "assert not np.isclose(f(1), [2, 1]).any()\n" + case, "[2, 1]").ok


@pytest.mark.parametrize("given", ["5.0", "5", "np.array(5)", "np.int64(5)", "[np.arange(3), 'text', None, 5]"])
def test_what_has_no_nan_passes(given):
    case = "found = f(1); assert not abs((found[-1] if isinstance(found, list) else found) - target) > 1e-6"
    assert graded(f"def f(x): return {given}", case).ok


NAN = [
    "import scipy.sparse\ndef f(x): return scipy.sparse.csr_array([[np.nan]])",
    "class A:\n def toarray(self): return [np.nan]\ndef f(x): return A()",
    "def f(x):\n x[:] = np.nan\n return x",
]


@pytest.mark.parametrize("solution", [*NAN, "class f:\n def __init__(s, x): s.a = []\n def toarray(s): return s.a"])
def test_what_is_no_number_comes_by_no_other_way(solution):
    case = "a = np.ones(3)\nr = f(a)\nr = r.toarray() if hasattr(r, 'toarray') else r\n"
    end = "assert not np.any(np.abs(r - target) > 1)"
    assert "nothing to compare" in graded(f"import numpy as np\n{solution}", case + end).reason


@pytest.mark.parametrize(
    ("solution", "case"),
    [
        ("def f(x):\n while x: x.pop()\n return 5", "a = [1]\nassert f(a) == target and not a"),
        ("import numpy as np\ndef f(x):\n np.fill_diagonal(x, np.inf)\n return x.min()",
         "assert f(np.full((2, 2), 5.0)) == target"),
        ("def compare(x): return x + 1\nclass Solution:\n def f(self): return 4\nclass Remote(Solution): pass",
         "assert compare(Solution().f()) == Remote().f() + 1 == target"),
        ("def sys(x): return x + 1\ndef types(x): return x + 2", "assert sys(4) == types(3) == target"),
        ("class f:\n def __init__(s, n): s.n = n\n def __iter__(s): return s\n"
         " def __next__(s):\n  s.n -= 1\n  if s.n < 4: raise StopIteration\n  return s.n",
         "assert [*f(6)] == [target, 4]"),
    ],
)  # fmt: skip
def test_what_an_honest_solution_does_is_not_refused(solution, case):
    result = graded(solution, case)
    assert result.ok, result.reason


def test_what_tests_read_besides_functions_is_the_references():
    fake = "import types\nm = types.SimpleNamespace(isclose=lambda *a: True)\ndef f(x): return x\n"
    for program, right in ((fake, False), (fake.replace("return x", "return 5"), True)):
        assert graded(program, "assert m.isclose(f(1), target)", reference="import math as m").ok is right
        assert not graded(program, "assert m.isclose(f(1), target)").ok  # whose test cannot be read


STEPS = """
import numpy as np
def g(x): return np.inf if x == 0 else 1 / x
def h(x): return x * 2, []
def f(v): return min(v, 5)
"""


@pytest.mark.parametrize(
    "case",
    [
        "assert np.allclose(f(g(0)), target)",
        "assert np.allclose(f(v=g(0)), target)",
        "assert f(h(2.5)[0]) == target",
        "assert np.allclose(h(2.5)[0], target)",
        "r = g(0)\nassert f(r) == target",
        "a, b = h(2.5)\nassert a == target",
        "a, _ = h(2.5)\nassert f(a) == target",
        "assert f(*[g(0)]) or f(g(x=0)) == target",
        "r = g(0.2)\nassert r == target",
    ],
)
def test_what_goes_into_another_call_or_is_not_looked_at_may_be_anything(case):
    result = graded(STEPS, case)
    assert result.ok == ("[g(0)]" not in case), result.reason


@pytest.mark.parametrize(
    "case",
    [
        "assert not abs(g(0) - target) < 1",
        "r = g(0)\nf(r)\nassert r > target",
        "a, b = h(2.5)\nassert np.all(b == target)",
        "assert np.all(h(2.5)[1] == target)",
        "r = g(0)\nr -= 1\nassert f(1) and r > target",
        "assert f(1) and max(map(g, [0]))",
        "a = b = g(0)\nassert f(a)",
        "assert g(0) and f(g(0))",
        "for r in [g(0)]:\n    assert f(r)",
        "r = h(1)\nassert np.all(r[1] == target)",
        "(lambda r=g(0): f(r))()",
    ],
)
def test_what_is_looked_at_is_refused_as_ever(case):
    assert "gives nothing to compare" in graded(STEPS, case).reason


def test_what_one_test_gives_a_name_another_may_look_at():
    setup = "import numpy as np"
    tests, names = scicode_tests.tests_of(["r = g(0)", "assert r > 5"], f"{setup}\ntargets = [5, 5]", setup, "gh", "")
    result = run_tests(in_one(STEPS, scicode_tests.RANDOM_STATE), tests, names, setup=setup, timeout=60, memory_mb=2048)
    assert "g gives nothing to compare" in result.reason
