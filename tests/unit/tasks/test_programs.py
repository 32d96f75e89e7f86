"""Programs in completions, and the benchmarks that they answer, on small rows in the published schemas."""

import base64
import json
import pickle
import time
import zlib

import h5py
import numpy as np
import pytest

from emlit.engines import NEXT_TURN
from emlit.errors import ConfigError, DataError
from emlit.tasks import MBPP, HumanEval, LeetCode, LiveCodeBench, SciCode, extract_code
from emlit.tasks.livecodebench import _same_output


@pytest.mark.parametrize(
    ("text", "code", "closed"),
    [
        ("Here:\n```python\ndef f():\n    return 1\n```\nDone.", "def f():\n    return 1", True),
        ("```python\ndef f(): pass\n```\nand then\n```python\nf()\n```", "def f(): pass", True),  # what defines counts
        ("```python\nprint(1)\n```", "print(1)", True),
        ("```\ndef f(): pass\n```", "def f(): pass", False),
        ("```python\ndef f():\n    retu", "def f():\n    retu", False),  # cut short
        ("def f():\n    return 1\n", "def f():\n    return 1\n", False),
        ("I do not know.", None, False),
        ("", None, False),
        ("```", None, False),
    ],
)
def test_extract_code(text, code, closed):
    assert extract_code(text) == (code, closed)


HUMANEVAL = {
    "task_id": "HumanEval/x",
    "prompt": 'from typing import List\n\n\ndef twice(n: int) -> int:\n    """Double it."""\n    return 2 * n\n\n\n'
    'def quadruple(numbers: List[int]) -> List[int]:\n    """ Four times each.\n    """\n',
    "entry_point": "quadruple",
    "canonical_solution": "    return [twice(twice(n)) for n in numbers]\n",
    "test": "def check(candidate):\n    assert candidate([1, 2]) == [4, 8]\n    assert candidate([]) == []\n",
}
MBPP_ROW = {
    "source_file": "x", "task_id": 7, "prompt": "Write a function to add. https://www.example.org/add",
    "code": "def add(a, b):\n  return a + b", "test_imports": ["import math"],
    "test_list": ["assert add(1, 2) == 3", "assert math.isclose(add(0.1, 0.2), 0.3)"],
}  # fmt: skip
LEETCODE_ROW = {
    "task_id": "sum", "prompt": "", "prompt_sft": "Add them.\n", "meta": {"difficulty": "Easy"},
    "test": "my_solution = Solution()\n\ntest_input = {'numbers': [1, 2]}\n"
    "assert my_solution.total(**test_input) == 3\n",
}  # fmt: skip


def task(cls, tmp_path, *rows, **options):
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return cls(str(path), **options)


def test_humaneval(tmp_path):
    made = task(HumanEval, tmp_path, HUMANEVAL)
    row = made.rows()[0]
    assert "Write a Python function `quadruple(numbers: List[int]) -> List[int]`" in row.prompt
    whole = made.grade(row, row.solution)
    assert (whole.correct, whole.format_ok) == (True, True)
    # The function alone, whose helper stands in the prompt; its body alone; another function.
    assert made.grade(
        row, "```python\ndef quadruple(numbers):\n    return [twice(twice(n)) for n in numbers]\n```"
    ).correct
    assert made.grade(row, "```python\n    return [n * 4 for n in numbers]\n```").correct
    assert not made.grade(row, "```python\ndef quadruple(numbers):\n    return [n * 3 for n in numbers]\n```").correct
    assert not made.grade(row, "no").correct
    # Under another name, and that bound to the one that is tested.
    for name, right in (("twice(twice(n))", True), ("twice(n)", False)):
        alias = f"```python\ndef solve(numbers):\n    return [{name} for n in numbers]\n\nquadruple = solve\n```"
        assert made.grade(row, alias).correct is right
    assert made.grade(row, "   ").answer is None
    # What a base model goes on with.
    for more in (
        "",
        "\n\ndef other():\n    return 1\n",
        "\nThis is four times each.\n",
        "\n\nassert quadruple([1]) == 5",
    ):
        grade = made.grade(row, f"    found = [twice(twice(n)) for n in numbers]\n    return found\n{more}")
        assert (grade.correct, grade.format_ok) == (True, False)
    assert not made.grade(row, "    return [n * 3 for n in numbers]\n").correct


@pytest.mark.parametrize(
    "fake",
    [
        "import os\nos._exit(0)",
        "import sys\nsys.exit(0)",
        "class Same(int):\n    def __eq__(self, other): return True\ndef add(a, b): return Same()",
        "import builtins\nbuiltins.AssertionError = type('E', (Exception,), {})\ndef add(a, b): return 0",
        "def add(a, b):\n    import os\n    os._exit(0)",
    ],
)
def test_what_fakes_success_is_wrong(tmp_path, fake):
    made = task(MBPP, tmp_path, MBPP_ROW)
    assert not made.grade(made.rows()[0], f"```python\n{fake}\n```").correct


def test_mbpp(tmp_path):
    made = task(MBPP, tmp_path, MBPP_ROW)
    row = made.rows()[0]
    assert "https" not in row.prompt
    assert "`add(a, b)`" in row.prompt
    assert ">>> assert add(1, 2) == 3" in row.prompt
    grades = made.grade_all([(row, row.solution), (row, "```python\ndef add(a, b): return a\n```"), (row, "?")])
    assert [each.correct for each in grades] == [True, False, False]
    assert [each.format_ok for each in grades] == [True, True, False]


def test_what_tests_read_besides_functions_is_the_references(tmp_path):
    code = "import math as np\nfrom math import *\nfrom math import isclose, floor\ndef floor(x): return 2 * x"
    given = ["assert np.isclose(floor(2), 4)", "assert isclose(floor(2), 4)", "assert ceil(floor(2.1)) == 5"]
    made = task(MBPP, tmp_path, {**MBPP_ROW, "code": code, "test_imports": [], "test_list": given})
    row = made.rows()[0]
    right = "def floor(x): return 2 * x"
    fake = "import types\ndef isclose(*a): return True\nnp = types.SimpleNamespace(isclose=isclose, ceil=lambda x: 5)\n"
    fake += "ceil = np.ceil\ndef floor(x): return 7"
    answers = [row.solution, *(f"```python\n{program}\n```" for program in (right, fake))]
    assert [each.correct for each in made.grade_all([(row, answer) for answer in answers])] == [True, True, False]


def test_leetcode(tmp_path):
    made = task(LeetCode, tmp_path, LEETCODE_ROW)
    row = made.rows()[0]
    right = (
        "```python\nclass Solution:\n    def total(self, numbers: List[int]) -> int:\n        return sum(numbers)\n```"
    )
    assert made.grade(row, right).correct
    assert not made.grade(row, right.replace("sum(numbers)", "len(numbers) - 1")).correct
    assert row.messages(made.system_prompt)[0]["content"].strip().startswith("When tackling")


def livecode(**changes):
    private = [{"input": "5\n", "output": "25\n", "testtype": "stdin"}]
    packed = base64.b64encode(zlib.compress(pickle.dumps(json.dumps(private)))).decode()
    return {
        "question_id": "q1", "question_content": "Square it.", "contest_date": "2023-08-01T00:00:00",
        "starter_code": "",
        "public_test_cases": json.dumps([{"input": "3\n", "output": "9\n", "testtype": "stdin"}]),
        "private_test_cases": packed, "metadata": "{}", **changes,
    }  # fmt: skip


def test_livecodebench_by_standard_input(tmp_path):
    made = task(LiveCodeBench, tmp_path, livecode(), livecode(question_id="late", contest_date="2024-08-01T00:00:00"))
    assert [row.id for row in made.rows()] == ["q1"]
    row = made.rows()[0]
    assert "Read the inputs from stdin" in row.prompt
    assert made.grade(row, "```python\nprint(int(input()) ** 2)\n```").correct
    assert made.grade(row, "```python\nprint(int(input()) ** 2)\nexit()\n```").correct
    future = "from __future__ import annotations\nprint(int(input()) ** 2)"
    assert made.grade(row, f"```python\n{future}\n```").correct
    assert not made.grade(row, "```python\nprint(int(input()) ** 2)\n1 / 0\n```").correct
    assert not made.grade(row, "```python\nprint(9)\n```").correct  # the private test
    square = "import sys\nn = int(input()) ** 2"
    for blanks, right in ((10, True), (70_000, False)):  # nothing is right that was not read to its end
        printed = f"print(str(n) + '\\n' * {blanks} + 'x' * {int(not right)})"
        assert made.grade(row, f"```python\n{square}\n{printed}\n```").correct is right
    flood = f"{square}\nsys.stderr.write('x' * 99999)\nprint(n)"
    assert made.grade(row, f"```python\n{flood}\n```").correct


@pytest.mark.parametrize(
    "program",
    [
        "print(int(sys.stdin.read()) ** 2)",
        "def f(n): return 1 + f(n - 1) if n else 0\nprint(f(9_000) // 1_000 * int(input()) ** 2 // 9)",
        "x = deepcopy([int(input())])\nprint(json.loads(str(x[0] ** 2)))",
        "datetime.date(2020, 1, 1), randint(1, 2), itemgetter(0), stdin\nprint(pow(int(input()), 2, 99))",
        "n = int(input())\nif n == 3: print(9)\nelse: print(len(str(10**5_000)) - 4_976)",
    ],
)
def test_the_released_graders_imports_and_limits_are_there(tmp_path, program):
    made = task(LiveCodeBench, tmp_path, livecode())
    assert made.grade(made.rows()[0], f"```python\n{program}\n```").correct


def test_printed_numbers_are_compared_as_numbers_to_the_last_digit(tmp_path):
    tests = json.dumps([{"input": "", "output": "0.5\n1000000000000000001", "testtype": "stdin"}])
    made = task(LiveCodeBench, tmp_path, livecode(public_test_cases=tests, private_test_cases="[]"))
    row = made.rows()[0]
    assert made.grade(row, "```python\nprint('0.50')\nprint(10**18 + 1)\n```").correct
    assert not made.grade(row, "```python\nprint('0.50')\nprint(10**18)\n```").correct
    assert not made.grade(row, "```python\nprint('half')\nprint(10**18 + 1)\n```").correct


@pytest.mark.parametrize(
    ("printed", "expected", "same"),
    [
        ("1 2 ", " 1  2\n", True),
        ("+.50 -3.\n1e3", "0.5 -3\r\n1000", True),
        ("0010", "10", True),  # as the released grader has it
        ("1_000", "1000", False),
        ("٣", "3", False),
        ("inf", "Infinity", False),
        ("nan", "NaN", False),
        ("1e99999999999999999999", "1e99999999999999999998", False),
        ("1\f2", "1\n2", False),  # one line, and no page
        ("1\u20282", "1\n2", False),
        ("yes 1.0", "yes 1", False),
        ("1", "1 1", False),
        ("", "", True),
    ],
)
def test_printed_lines(printed, expected, same):
    assert _same_output(printed, expected) is same
    assert _same_output(expected, printed) is same


def test_a_long_line_is_compared_in_little_time():
    for long in ("1" * 10**6, "1." + "1" * 10**6, "1" * 10**6 + "x", "1 " * 300_000):
        started = time.process_time()
        assert not _same_output(long, "2" + long[1:])
        assert time.process_time() - started < 3


def test_livecodebench_by_function(tmp_path):
    tests = json.dumps([{"input": '[1, 2]\n"x"', "output": "[[1, 2], 1]", "testtype": "functional"}])
    row = livecode(
        public_test_cases=tests, private_test_cases="[]", starter_code="class Solution:",
        metadata=json.dumps({"func_name": "pair"}),
    )  # fmt: skip
    made = task(LiveCodeBench, tmp_path, row)
    program = "```python\nclass Solution:\n    def pair(self, numbers, text):\n        return (numbers, len(text))\n```"
    assert "starter code" in made.rows()[0].prompt
    assert made.grade(made.rows()[0], program).correct
    assert not made.grade(made.rows()[0], program.replace("len(text)", "2")).correct
    deep = "def f(n): return 1 + f(n - 1) if n else 0\nassert f(9_000) == 9_000 and deepcopy and sys"
    alone = f"```python\n{deep}\ndef pair(numbers, text):\n    return numbers, len(text)\n```"
    assert made.grade(made.rows()[0], alone).correct
    assert not made.grade(made.rows()[0], alone.replace("len(text)", "2")).correct
    assert not made.grade(made.rows()[0], alone.replace("def pair", "def other")).correct


def test_private_tests_that_would_run_code_are_refused(tmp_path):
    class Evil:
        def __reduce__(self):
            return print, ("run",)

    evil = base64.b64encode(zlib.compress(pickle.dumps(Evil()))).decode()
    with pytest.raises(DataError, match=r"rows\.jsonl, line 1: .*builtins\.print"):
        task(LiveCodeBench, tmp_path, livecode(private_test_cases=evil)).rows()


def scicode_row(**changes) -> dict:
    def step(number, header, code, *tests):
        return {
            "step_number": number, "step_description_prompt": f"Step {number}.", "step_background": "Why.",
            "function_header": header, "return_line": "    return result", "test_cases": list(tests),
            "ground_truth_code": code, **changes,
        }  # fmt: skip

    return {
        "problem_id": "1", "required_dependencies": "import numpy as np", "sub_steps": [
            step("1.1", "def grow(x):", "def grow(x):\n    return 2 * np.asarray(x)",
                 "assert np.allclose(grow([1, 2]), target)"),
            step("1.2", "def total(x):", "def total(x):\n    return grow(x).sum(), {'a': 1.0}",
                 "from scicode.compare.cmp import cmp_tuple_or_list\nassert cmp_tuple_or_list(total([1, 2]), target)"),
            step("1.3", "def noise():", "def noise():\n    return np.random.rand(3)",
                 "np.random.seed(0)\nassert np.allclose(noise(), target)"),
        ],
    }  # fmt: skip


@pytest.fixture
def targets(tmp_path) -> str:
    path = tmp_path / "test_data.h5"
    with h5py.File(path, "w") as file:
        file["1.1/test1/var1"] = np.array([2, 4])
        file["1.2/test1/var1"] = 6
        file["1.2/test1/var2/a"] = 1.0
        file["1.3/test1/var1"] = np.random.default_rng(0).random(3)  # not what the legacy generator draws
    return str(path)


def test_scicode(tmp_path, targets):
    with h5py.File(targets, "a") as file:
        np.random.seed(0)
        file["1.3/test1/var1"][...] = np.random.rand(3)
    made = task(SciCode, tmp_path, scicode_row(), targets=targets)
    row = made.rows()[0]
    replies = row.solution.split(NEXT_TURN)
    second = made.next_messages(row, replies[:1])[0]["content"]
    assert "def grow(x):\n    return 2 * np.asarray(x)" in second  # the code before
    assert "Step 1.2.\nWhy.\n\ndef total(x):" in second
    assert made.next_messages(row, replies) is None
    grade = made.grade(row, row.solution)
    assert (grade.correct, grade.parts, grade.format_ok) == (True, [True, True, True], True)
    # A wrong first step spoils what builds on it, and a step that is missing is wrong.
    wrong = NEXT_TURN.join([replies[0].replace("2 *", "3 *"), replies[1]])
    assert made.grade(row, wrong).parts == [False, False, False]
    assert made.grade(row, NEXT_TURN.join(replies[:2])).parts == [True, True, False]


def test_scicode_without_background_or_targets(tmp_path):
    made = task(SciCode, tmp_path, scicode_row(), background=False)
    row = made.rows()[0]
    assert "Why." not in row.prompt
    assert made.grade(row, row.solution).correct is None


def test_sparse_targets(tmp_path):
    import scipy.sparse

    from emlit.tasks.scicode_targets import Targets

    matrices = {
        "csr_matrix": scipy.sparse.csr_matrix([[0, 1], [2, 0]]),
        "coo_matrix": scipy.sparse.coo_matrix([[0, 3]]),
    }
    with h5py.File(tmp_path / "t.h5", "w") as file:
        for number, (kind, matrix) in enumerate(matrices.items(), 1):
            group = file.create_group(f"2.1/test{number}/var1/sparse_matrix")
            group["shape"] = matrix.shape
            for part in ("data", "row", "col") if kind == "coo_matrix" else ("data", "indices", "indptr"):
                group[part] = getattr(matrix, part)
        file["2.1/test3/var1/list/a"] = 1.5
        file["2.1/test3/var1/list/b"] = b"text"
    found: dict = {}
    exec(Targets(tmp_path / "t.h5").program("2.1", 3), found)
    first, second, third = found["targets"]
    assert (first.toarray() == [[0, 1], [2, 0]]).all()
    assert (second.toarray() == [[0, 3]]).all()
    assert third == [1.5, "text"]
    with pytest.raises(DataError, match="fewer than 4 targets"):
        Targets(tmp_path / "t.h5").program("2.1", 4)


@pytest.mark.parametrize(
    ("cls", "rows", "sentence"),
    [
        (HumanEval, [{**HUMANEVAL, "entry_point": "other"}], "line 1: .*does not define other"),
        (HumanEval, [{"task_id": "x"}], "line 1: no column 'prompt'"),
        (
            HumanEval,
            [{**HUMANEVAL, "prompt": "class C:\n    def quadruple(self):\n"}],
            "not define quadruple at the",
        ),
        (HumanEval, [{**HUMANEVAL, "entry_point": "quad"}], "does not define quad at the start of a line"),
        (HumanEval, [{**HUMANEVAL, "prompt": 5}], "not a row of humaneval"),
        (HumanEval, [HUMANEVAL, HUMANEVAL], "line 2: the id 'HumanEval/x' is there twice"),
        (MBPP, [{**MBPP_ROW, "test_list": []}], "no function or no test"),
        (MBPP, [{**MBPP_ROW, "test_list": "assert add(1, 2) == 3"}], "test_list is no list of lines"),
        (MBPP, [{**MBPP_ROW, "test_imports": [5]}], "test_imports is no list of lines"),
        (MBPP, [{**MBPP_ROW, "test_imports": 5}], "not a row of mbpp"),
        (LiveCodeBench, [livecode(contest_date="soon")], "no contest_date that is a date"),
        (LiveCodeBench, [livecode(private_test_cases="?")], "its tests cannot be read"),
        (LiveCodeBench, [livecode(private_test_cases="[" * 100_000)], "its tests cannot be read"),
        (LiveCodeBench, [livecode(metadata="[" * 100_000)], "not a row of livecodebench"),
        (LiveCodeBench, [livecode(metadata='{"func_name": "a b"}')], "func_name is no name of a function"),
        (LiveCodeBench, [livecode(private_test_cases='[{"input": "1"}]')], "whose input or output is no text"),
        (LiveCodeBench, [livecode(private_test_cases='[{"input": 1, "output": "1"}]')], "whose input or output is no"),
        (LiveCodeBench, [livecode(private_test_cases="[1]")], "not a row of livecodebench"),
        (SciCode, [{**scicode_row(), "sub_steps": []}], "it has no step"),
        (SciCode, [{**scicode_row(), "sub_steps": [{"step_number": "1.1"}]}], "no column 'step_description_prompt'"),
        (SciCode, [scicode_row(function_header=None)], "it has a function_header that is no text"),
        (SciCode, [scicode_row(test_cases=[5])], "it has test_cases that are no texts"),
        (SciCode, [{**scicode_row(), "required_dependencies": None}], "it has required_dependencies that are no text"),
    ],
)
def test_bad_rows_are_named(tmp_path, cls, rows, sentence):
    with pytest.raises(DataError, match=sentence):
        task(cls, tmp_path, *rows).rows()


def test_one_rows_mistake_does_not_end_the_grading_of_others(tmp_path, monkeypatch, caplog):
    made = task(MBPP, tmp_path, MBPP_ROW, {**MBPP_ROW, "task_id": 8})
    first, second = made.rows()
    first.fields["test_imports"] = 5
    grades = made.grade_all([(first, first.solution), (second, second.solution)])
    assert [each.correct for each in grades] == [False, True]
    assert "line 1: a program cannot be tested, and counts as wrong" in caplog.text
    monkeypatch.setattr(made, "timeout", -1)  # everybody's
    with pytest.raises(ConfigError, match="timeout"):
        made.grade(second, second.solution)


def test_nor_do_targets_that_cannot_be_read(tmp_path, targets, caplog):
    with h5py.File(targets, "a") as file:
        np.random.seed(0)
        file["1.3/test1/var1"][...] = np.random.rand(3)
        del file["1.2/test1/var1"]
        file["1.2/test1/var1/sparse_matrix/x"] = 1
    made = task(SciCode, tmp_path, scicode_row(), targets=targets)
    row = made.rows()[0]
    assert made.grade(row, row.solution).parts == [True, False, True]
    assert "line 1: a program cannot be tested, and counts as wrong" in caplog.text


def test_bad_settings_are_named(tmp_path):
    for make, key in (
        (lambda: HumanEval(timeout=0), "timeout"),
        (lambda: HumanEval(n=0), "n is 0"),
        (lambda: HumanEval("nowhere.jsonl"), "path"),
        (lambda: LiveCodeBench(start="yesterday"), "start"),
        (lambda: LiveCodeBench(start="2024-01-01", end="2023-01-01"), "end"),
        (lambda: SciCode(targets="nowhere.h5"), "targets"),
    ):
        with pytest.raises(ConfigError, match=key):
            make()
    (tmp_path / "x.h5").write_text("no")
    with pytest.raises(DataError, match="no HDF5 file"):
        SciCode(targets=str(tmp_path / "x.h5"))


@pytest.mark.parametrize(
    ("cls", "row", "program"),
    [
        # a main guard that reads standard input
        (HumanEval, HUMANEVAL, "def quadruple(numbers):\n    return [4 * n for n in numbers]\n"
         'if __name__ == "__main__":\n    print(quadruple(list(map(int, input().split()))))'),
        (MBPP, MBPP_ROW, "import sys\ndef add(a, b): return a + b\n"
         "if __name__ == '__main__':\n    sys.stdin.readline().split()[0]"),
        # what must come first, behind the prompt's own imports
        (HumanEval, HUMANEVAL, "from __future__ import annotations\n"
         "def quadruple(numbers: List[int]) -> list[int] | None:\n    return [4 * n for n in numbers]"),
        # hints that name nothing
        (MBPP, MBPP_ROW, "def add(a: Optional[TreeNode], b: 'Nothing') -> Undefined[int]:\n    return a + b"),
        (LeetCode, LEETCODE_ROW, "class Solution:\n"
         "    def total(self, numbers: Optional[TreeNode]) -> Optional[ListNode]:\n"
         "        return sum(numbers) + ListNode(0).val"),
        # a body without its signature, and without its indentation
        (HumanEval, HUMANEVAL, "return [twice(twice(n)) for n in numbers]"),
        # an assigned function; a dataclass, whose fields are found through its module
        (HumanEval, HUMANEVAL, "quadruple = lambda numbers: [4 * n for n in numbers]"),
        (MBPP, MBPP_ROW, "from dataclasses import dataclass\n@dataclass\nclass Pair:\n    a: float\n    b: float\n"
         "def add(a, b):\n    pair = Pair(a, b)\n    return pair.a + pair.b"),
    ],
)  # fmt: skip
def test_right_solutions_as_models_write_them(tmp_path, cls, row, program):
    made = task(cls, tmp_path, row)
    assert made.grade(made.rows()[0], f"```python\n{program}\n```").correct


def test_imports_from_the_future_in_a_program_of_standard_input(tmp_path):
    made = task(LiveCodeBench, tmp_path, livecode())
    program = '"""Squares."""\nfrom __future__ import (\n    annotations,\n)\n'
    program += 'if __name__ == "__main__":\n    print(int(input()) ** 2)'
    assert made.grade(made.rows()[0], f"```python\n{program}\n```").correct


def test_scicode_compares_where_a_solution_cannot_reach(tmp_path, targets):
    with h5py.File(targets, "a") as file:
        np.random.seed(0)
        file["1.3/test1/var1"][...] = np.random.rand(3)
    made = task(SciCode, tmp_path, scicode_row(), targets=targets)
    row = made.rows()[0]
    replies = row.solution.split(NEXT_TURN)
    for fake in (
        "import numpy as np\ndef grow(x): return np.zeros((0, 1, 1))",
        "import numpy as np\ndef grow(x): return np.full(2, np.nan)",
        "import numpy as np\ndef grow(x): return np.full((2, 2), [2, 4])",
        "import numpy\nnumpy.allclose = lambda *a, **k: True\nnumpy.isclose = numpy.allclose\ndef grow(x): return 0",
        "import numpy as np\nclass Same(np.ndarray):\n    __eq__ = lambda *_: True\ndef grow(x): return Same(1)",
        "def grow(x): return []",
    ):
        assert made.grade(row, NEXT_TURN.join([f"```python\n{fake}\n```", *replies[1:]])).parts[0] is False
    drawing = "import numpy\nnumpy.allclose = lambda *a, **k: True\ndef noise(): return numpy.zeros(3)"
    assert made.grade(row, NEXT_TURN.join([*replies[:2], f"```python\n{drawing}\n```"])).parts == [True, True, False]


def test_what_scicode_compares_with_has_the_same_shape():
    from emlit.tasks.scicode_compare import allclose, are_dicts_close, cmp_tuple_or_list

    assert allclose(1.0, np.array([[1.0]]))
    assert allclose(np.ones((1, 3)), np.ones(3))
    assert not allclose(np.ones((3, 2)), np.ones(2))
    assert not allclose(np.zeros((0, 1)), np.ones(3))
    assert allclose([np.inf, 1], [np.inf, 1 + 1e-9])
    assert not allclose([np.inf, 1], [1, 1])
    assert not cmp_tuple_or_list((np.zeros((0, 1)), 1), (np.ones(2), 1))
    assert not are_dicts_close({"a": np.zeros((0, 1))}, {"a": np.ones(2)})
    assert cmp_tuple_or_list(("a", 1.0), ("a", 1.0 + 1e-9))
