"""SciCode's tests and a solution draw from one generator, though they are two processes."""

import pytest

from emlit.sandbox import run_tests
from emlit.tasks import scicode_tests
from emlit.tasks.program_names import in_one

SETUP = "import random\nimport numpy as np\n"
HONEST = """
def f(n): return np.random.randn(n)
def g(n): return [random.gauss(0, 1) for _ in range(n)]
"""
DRAWS = "np.random.seed({seed})\nrandom.seed({seed})\n"
DRAWN = "[*f(3), *f(700), np.random.rand(), *g(3), *g(901), random.random()]"


def graded(solution, case, target):
    program, names = scicode_tests.tests_of([case], f"{SETUP}{target}", SETUP, "fgA", "")
    return run_tests(
        in_one(solution, scicode_tests.RANDOM_STATE), program, names, setup=SETUP, timeout=60, memory_mb=2048
    )


def test_draws_go_on_where_the_solution_left_off():
    target = f"{HONEST}{DRAWS.format(seed=7)}targets = [{DRAWN}]"
    result = graded(HONEST, f"{DRAWS.format(seed=7)}assert np.allclose({DRAWN}, target)", target)
    assert result.ok, result.stderr


def test_a_solution_that_seeds_itself_seeds_the_tests_too_as_in_one_process():
    solution = "def f(n):\n    np.random.seed(1)\n    random.seed(1)\n    return np.random.rand(n)\n"
    target = f"{SETUP}{DRAWS.format(seed=1)}targets = [[*np.random.rand(4), random.random()]]"
    case = f"{DRAWS.format(seed=5)}assert np.allclose([*f(3), np.random.rand(), random.random()], target)"
    many = "\nfor _ in range(100): f(1)"
    assert graded(solution, case + many, target).ok


@pytest.mark.parametrize(
    "fake",
    [
        "np.random.get_state = lambda: ('MT19937', np.zeros(624, 'uint32'), 10**9, 0, 0.0)",
        "np.random.get_state = lambda: ('MT19937', np.zeros(624, 'uint32'), -(2**40), 0, 0.0)",
        "np.random.get_state = lambda: ('MT19937', np.zeros(3, 'uint32'), 0, 0, 0.0)",
        "np.random.get_state = lambda: 5",
        "random.getstate = lambda: (3, (0,) * 624 + (10**9,), None)",
    ],
)
def test_a_state_that_is_none_reads_nothing_else(fake):
    result = graded(f"{fake}\n{HONEST}", "f(1)\nassert np.random.rand() + random.random() > 2", "targets = [1.0]")
    assert result.reason.startswith("exception")


def test_methods_and_constructors_draw_from_it_too():
    solution = (
        "class A:\n  def __init__(self): self.a = np.random.rand()\n  def f(self): return [self.a, np.random.rand()]"
    )
    case = "np.random.seed(3)\nassert np.allclose([*A().f(), np.random.rand()], target)"
    assert graded(solution, case, "np.random.seed(3)\ntargets = [np.random.rand(3)]").ok
