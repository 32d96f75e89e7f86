"""Tests of an untrusted solution, in two sandboxes."""

import select
import textwrap

import pytest

from emlit.sandbox import Limits, run_tests
from emlit.sandbox.process import Process

NODES = """
class ListNode:
    def __init__(self, val=0, next=None):
        self.val, self.next = val, next
"""


def graded(solution, tests, *names, **arguments):
    return run_tests(textwrap.dedent(solution), textwrap.dedent(tests), names or ("f",), **arguments)


def test_right_and_wrong_at_each_level(level):
    assert graded("def f(n):\n return n + 1", "assert f(1) == 2", level=level).ok
    wrong = graded("def f(n):\n return n", "assert f(1) == 2, 'one'", level=level)
    assert (wrong.ok, wrong.reason) == (False, "exception: AssertionError: one")


@pytest.mark.parametrize(
    "value",
    [
        "None", "True", "-3", "10**40", "1.5", "float('inf')", "-0.0", "1 + 2j", "'h\\xe4\\ud800'", "b'\\x00\\xff'",
        "bytearray(b'x')", "[1, [2, (3, {4})]]", "(1, (2, ()))", "{1, (2, 3)}", "frozenset({frozenset()})",
        "{'a': [1], (1, 2): None}", "range(1, 9, 2)", "__import__('collections').deque([1, 2])",
        "__import__('fractions').Fraction(1, 3)", "__import__('decimal').Decimal('1.10')",
    ],
)  # fmt: skip
def test_plain_values_pass_both_ways_with_their_exact_types(value):
    tests = f"""
        value = {value}
        for found in (f(value), g()):
            assert found == value and type(found) is type(value) and repr(found) == repr(value), found
    """
    assert graded(f"def f(x): return x\ndef g(): return {value}", tests, "f", "g").reason == "ok"


def test_nan_numpy_iterators_and_subclasses_pass():
    solution = """
        import collections, enum, numpy
        def f(which):
            return {
                "nan": float("nan"), "array": numpy.arange(6.0).reshape(2, 3), "scalar": numpy.float64(0.5),
                "iterator": (n for n in range(3)), "map": map(str, [1]), "counter": collections.Counter("aab"),
                "named": collections.namedtuple("P", "x y")(1, 2), "enum": enum.IntEnum("E", "A").A,
                "keys": {1: 2}.keys(), "deep": deep(),
            }[which]
        def deep():
            inner = []
            for _ in range(20000):
                inner = [inner]
            return inner
    """
    tests = """
        import numpy
        assert f("nan") != f("nan")
        assert type(f("array")) is numpy.ndarray and (f("array") == numpy.arange(6.0).reshape(2, 3)).all()
        assert type(f("scalar")) is numpy.float64 and f("scalar") == 0.5
        assert list(f("iterator")) == [0, 1, 2] and next(f("map")) == "1"
        assert f("counter") == {"a": 2, "b": 1} and type(f("counter")) is dict
        assert f("named") == (1, 2) and f("enum") == 1 and f("keys") == {1}
        depth, found = 0, f("deep")
        while found:
            depth, found = depth + 1, found[0]
        assert depth == 20000
    """
    assert graded(solution, tests).reason == "ok"


def test_arguments_are_changed_in_place_and_keep_their_identity():
    solution = """
        def f(a, b, c, d, array):
            a.append(b)
            b["k"] = a
            c.add(9)
            d.reverse()
            array *= 2
            return a
    """
    tests = """
        import numpy
        a, b, c, d, array = [1], {}, {1}, [[1], [2]], numpy.ones(2)
        first, untouched = d[0], array
        assert f(a, b, c, d, array) is a
        assert a[1] is b and b["k"] is a and c == {1, 9}
        assert d[1] is first and array is untouched and array.tolist() == [2.0, 2.0]
    """
    assert graded(solution, tests).reason == "ok"


def test_classes_live_with_the_solution_and_helper_classes_pass():
    solution = """
        class Solution:
            def reverse(self, head):
                last = None
                while head:
                    head.next, last, head = last, head, head.next
                return last
        class Cache:
            def __init__(self, size): self.size, self.content = size, {}
            def put(self, key, value): self.content[key] = value
            def get(self, key): return self.content.get(key, -1)
            def __eq__(self, other): return True
    """
    tests = """
        head = None
        for value in range(3000):
            head = ListNode(value, head)
        found = Solution().reverse(head)
        values = []
        while found:
            assert type(found) is ListNode
            values.append(found.val)
            found = found.next
        assert values == list(range(3000))
        cache = Cache(size=2)
        cache.put("a", 1)
        assert (cache.get("a"), cache.get("b"), cache.size) == (1, -1, 2)
        assert cache != 3 and cache == cache
    """
    assert graded(solution, tests, "Solution", "Cache", setup=NODES).reason == "ok"


@pytest.mark.parametrize(
    ("raised", "caught"),
    [
        ("ValueError('a', 1)", "ValueError"),
        ("type('Mine', (KeyError,), {})('a')", "KeyError"),
        ("type('Mine', (Exception,), {})('a')", "Exception"),
        ("StopIteration()", "RuntimeError"),
        ("UnicodeDecodeError('utf-8', b'x', 0, 1, 'no')", "(UnicodeDecodeError, RuntimeError)"),
    ],
)
def test_exceptions_are_raised_as_the_nearest_builtin(raised, caught):
    tests = f"""
        try:
            f()
        except {caught}:
            pass
        else:
            raise AssertionError
    """
    assert graded(f"def f(): raise {raised}", tests).reason == "ok"


EQUAL = "def __eq__(self, other): return True\n def __bool__(self): return True\n def __ne__(self, other): return False"


@pytest.mark.parametrize(
    "solution",
    [
        f"class E:\n {EQUAL}\ndef f(n): return E()",
        f"class E(int):\n {EQUAL}\ndef f(n): return E()",
        f"class E(list):\n {EQUAL}\ndef f(n): return [E()]",
        f"class E(type):\n {EQUAL}\nclass F(metaclass=E): pass\ndef f(n): return F",
        "import builtins\nbuiltins.AssertionError = Warning\nbuiltins.all = lambda x: True\ndef f(n): return n",
        "import os\nos._exit(0)",
        "raise SystemExit(0)",
        "import os\ndef f(n): os._exit(0)",
        "def f(n): raise SystemExit(0)",
        "def f(n): raise StopIteration",
        "def f(n): raise KeyboardInterrupt",
        "import os\ndef f(n):\n os.closerange(0, 64)\n os._exit(0)",
        "import os, signal\ndef f(n): os.kill(-1, signal.SIGKILL)",
        "g = 3",
        "f = 2",
        "def f(n): return lambda: 2",
        "def f(n):\n while True: pass",
        "import itertools\ndef f(n): return itertools.count()",
        "def f(n): return [0] * 10**8",
    ],
)
def test_no_fake_passes(solution):
    tests = "try:\n    assert f(1) == 2\nexcept NameError:\n    raise\nassert all(map(lambda n: f(n) == n + 1, [1, 2]))"
    result = run_tests(solution, tests, ["f"], timeout=3.0, memory_mb=256)
    assert not result.ok
    assert result.reason != "ok"


@pytest.mark.parametrize(
    "message",
    [
        {"result": 2},
        {"result": 2, "heap": [], "changes": {"0": ["list", 2]}},
        {"result": [7], "heap": [], "changes": {}},
        {"result": {"a": 1}, "heap": [], "changes": {}},
        {"result": [0], "heap": [["pickle", 1]], "changes": {}},
        {"result": [0], "heap": [["object", "os"]], "changes": {}},
        {"result": [0], "heap": [["set", [0]]], "changes": {}},
        {"result": [0], "heap": [["ndarray", "O", "1", "x"]], "changes": {}},
        {"result": [0], "heap": 3, "changes": {}},
        {"raised": 3, "heap": [], "changes": {}},
        {"raised": ["exit", "open"], "heap": [], "changes": {}},
    ],
)
def test_forged_answers_do_not_pass(message):
    solution = f"""
        import json, os, struct
        def f(n):
            text = json.dumps({message!r}).encode()
            for number in range(3, 64):
                try:
                    target = os.readlink(f"/proc/self/fd/{{number}}")
                    if target.startswith("socket:"):
                        os.write(number, struct.pack(">Q", len(text)) + text)
                except OSError:
                    pass
    """
    result = graded(solution, "assert f([1]) == 3", timeout=3.0)
    assert not result.ok
    assert not result.reason.startswith("sandbox")


CALLS = "def f(g, x): return g(x)"


@pytest.mark.parametrize(
    ("solution", "tests"),
    [
        ("def f(n): return lambda x: x + n", "assert f(1)(2) == 3"),
        ("class A:\n  def __init__(self, n): self.n = n\n  def twice(self): return 2 * self.n\ndef f(n): return A(n)",
         "a = f(4)\nassert (a.n, a.twice()) == (4, 8)"),
        ("class A:\n  pass\na = A()\ndef f(n): return a", "assert f(1) is f(2)"),
        (CALLS, "assert f(lambda x: x ** 2, 3) == 9"),
        (CALLS, "a = 5\ndef g(x, b=2): return a * b + x if x else g(x + 1)\nassert f(g, 0) == 11"),
        (CALLS, "import math\nfrom functools import partial\nassert f(partial(math.pow, 2), 3) == 8"),
        (f"def h(x): return x + 1\n{CALLS}", "assert f(h, 3) == 4\nassert f(lambda x: 2 * h(x), 3) == 8"),
        ("def f(d): return d.replace(year=d.year + 1)",
         "from datetime import date, datetime\nassert f(date(2020, 1, 2)) == date(2021, 1, 2)\n"
         "assert f(datetime(2020, 1, 2, 3)) == datetime(2021, 1, 2, 3)"),
        ("def f(m): return (m * 2).tocsc()",
         "from scipy.sparse import csr_array\nm = f(csr_array([[0, 1], [2, 0]]))\n"
         "assert m.format == 'csc' and m.toarray().tolist() == [[0, 2], [4, 0]]"),
        ("import sympy\ndef f(e): return {e.free_symbols.pop(): e.subs('x', 2)}",
         "import sympy\nx = sympy.Symbol('x')\nassert f(x ** 2 + 1) == {x: 5.0}"),
        ("def f(g): return g.normal()",
         "import numpy as np\nnew = np.random.default_rng\nassert f(new(0)) == new(0).normal()"),
    ],
)  # fmt: skip
def test_functions_objects_and_matrices_cross(solution, tests):
    result = run_tests(solution, tests, ["f", "h"], timeout=30.0)
    assert (result.ok, result.reason) == (True, "ok"), result.stderr


@pytest.mark.parametrize(
    "test",
    ["assert f(1) == 5", "assert not f(1) != 5", "assert len(f(1))", "assert list(f(1)) == []",
     "assert abs(f(1) - 5) < 9",
     "import numpy as np\nassert np.allclose(f(1), 5)", "assert f(1) in [5]",
     "assert isinstance(f(1), (int, list))"],
)  # fmt: skip
def test_what_stays_with_the_solution_is_no_value(test):
    solution = """
        class Anything:
            __array__ = __len__ = __sub__ = __iter__ = lambda self, *rest: self
            def __eq__(self, other): return True
            def __ne__(self, other): return False
        def f(n): return Anything()
    """
    result = graded(solution, test)
    assert not result.ok
    assert result.reason.startswith("exception")


def test_a_match_passes_by_its_truth_alone():
    solution = "import re\ndef f(text): return re.search('ab', text)"
    assert graded(solution, "assert f('xab')\nassert not f('x')\nassert f('ab') != f('ab')").ok
    assert not graded(solution, "assert f('xab') == True").ok
    assert not graded(solution, "f('xab').group()").ok


@pytest.mark.parametrize(
    ("solution", "tests", "reason"),
    [
        (
            "def f(n): return n",
            "import threading\nf(threading.Lock())",
            "solution crossing: the tests pass an object of",
        ),
        ("def f(n: (", "f(1)", "solution exception: SyntaxError"),
        ("x = 1 / 0", "f(1)", "solution exception: ZeroDivisionError"),
        ("import os\ndef f(n): os._exit(3)", "f(1)", "solution exit: 3"),
        ("def g(n): return n", "f(1)", "exception: NameError: name 'f' is not defined"),
        ("def f(n): return n", "f(1", "exception: SyntaxError"),
        ("def f(n): return n", "import os\nos._exit(0)", "exit: 0 before its last line"),
        ("while True: pass", "f(1)", "timeout: 2 s of wall time"),
        ("def f(n):\n while True: pass", "f(1)", "timeout: 2 s of wall time"),
        ("x = bytearray(2**31)", "f(1)", "solution memory: MemoryError"),
    ],
)
def test_reasons_name_the_side_that_ended(solution, tests, reason):
    result = run_tests(solution, tests, ["f"], timeout=2.0)
    assert not result.ok
    assert result.reason.startswith(reason)


def test_one_call_has_a_limit_of_its_own():
    result = run_tests("import time\ndef f(n): time.sleep(60)", "f(1)", ["f"], timeout=30.0, call_timeout=0.5)
    assert result.reason == "solution timeout: one call took more than 0.5 s"
    assert result.seconds < 5


def test_output_of_both_is_kept():
    result = graded("print('loaded')\ndef f(n): print('called')", "f(1)\nprint('tested')")
    assert (result.reason, result.stdout) == ("ok", "tested\nloaded\ncalled\n")


def test_who_is_ended_unheard_has_no_verdict_of_its_own(closed):
    # As the tests are where the solution ends before they have said that they are ready.
    process = Process(closed, "program", {"program": "pass"}, Limits())
    assert select.select([process._control], [], [], 60)[0]
    process.kill()
    assert process.verdict is None
