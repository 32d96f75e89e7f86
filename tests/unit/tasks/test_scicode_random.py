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
# A generator that draws next to nothing but zeros, whatever is asked of it.
FORGED = """
words = [0] * 623 + [1]
def f(n): return np.zeros(n)
def g(n): return [0.0] * n
random.getstate = lambda: (3, (*words, 0), None)
np.random.get_state = lambda: ("MT19937", np.array(words, np.uint32), 0, 0, 0.0)
"""


def graded(solution, case, target):
    program, names = scicode_tests.tests_of([case], f"{SETUP}{target}", SETUP)
    return run_tests(
        in_one(solution, scicode_tests.RANDOM_STATE), program, names, setup=SETUP, timeout=60, memory_mb=2048
    )


def test_draws_go_on_where_the_solution_left_off():
    target = f"{HONEST}{DRAWS.format(seed=7)}targets = [{DRAWN}]"
    result = graded(HONEST, f"{DRAWS.format(seed=7)}assert np.allclose({DRAWN}, target)", target)
    assert result.ok, result.stderr


@pytest.mark.parametrize(
    "draw", ["f(1)\nx = np.random.rand(300)", "g(1)\nx = np.array([random.random() for _ in 'x' * 300])"]
)
def test_a_solution_does_not_choose_what_the_tests_draw(draw):
    assert not graded(FORGED, f"{draw}\nassert np.allclose(f(300), x)", "targets = [1.0]").ok
    assert graded(HONEST, f"{draw}\nassert not np.allclose(f(300), x)", "targets = [1.0]").ok


def test_a_solution_that_seeds_itself_leaves_the_tests_draws_alone():
    solution = "def f(n):\n    np.random.seed(1)\n    return np.random.rand(n)\n"
    target = f"{SETUP}np.random.seed(1)\na = np.random.rand(3)\nnp.random.seed(5)\ntargets = [[*a, np.random.rand()]]"
    case = "np.random.seed(5)\nassert np.allclose([*f(3), np.random.rand()], target)"
    assert graded(solution, case, target).ok


def test_methods_and_constructors_draw_from_it_too():
    solution = (
        "class A:\n  def __init__(self): self.a = np.random.rand()\n  def f(self): return [self.a, np.random.rand()]"
    )
    case = "np.random.seed(3)\nassert np.allclose([*A().f(), np.random.rand()], target)"
    assert graded(solution, case, "np.random.seed(3)\ntargets = [np.random.rand(3)]").ok
