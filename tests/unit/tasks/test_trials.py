"""What a model writes to try its own function out is no test of it."""

import ast
import json
import re

import pytest

from emlit.sandbox import run_tests
from emlit.tasks import MBPP
from emlit.tasks.trials import without_trials
from tests.linear import seconds

F = "def f(x):\n    return x + C"


def shown(program: str) -> str:
    """A program with what runs unheeded in brackets."""
    run = re.compile(r"^try: exec\((.*)\)\nexcept BaseException: pass$", re.MULTILINE)
    return run.sub(lambda found: f"<{ast.literal_eval(found[1])}>", program)


@pytest.mark.parametrize(
    ("program", "kept"),
    [
        (f"C = 1\n{F}\n\n# try\nassert f(1) == 3\nprint(f(2))", f"C = 1\n{F}\n\n# try\n"),
        (f"{F}\nC = 1\nassert f(1) == 3", f"{F}\n\n<C = 1>"),  # read by the function
        (f"{F}\nresult = f('a')\nprint(result)", f"{F}\n"),
        (f"C = 1\n{F}\nfor y in (1, 2):\n    print(f(y))\nif __name__ == '__main__':\n    f(1)", f"C = 1\n{F}\n"),
        (f"import math as m\n{F}\nassert m.isclose(f(1), 2)", f"import math as m\n{F}\n"),
        (f"{F}\ndef main():\n    print(f(1))\nmain()", f"{F}\ndef main():\n    print(f(1))\n"),
        (f"{F}\ny = 2\nC = [y]\nassert f('é') == '''\n'''; C[0] = 1; z = 1", f"{F}\n\n<y = 2>\n<C = [y]>\n<C[0] = 1>"),
        (f"{F}\nassert f(1) == C\nmap(f, [1])\nf.y = 1", f"{F}\n\n<assert f(1) == C>\n<map(f, [1])>\n<f.y = 1>"),
        *(
            (program, program)  # more than trials: it is judged by what it does
            for program in (
                f"{F}\nprint(f(1))\nwith open('a') as a:\n    a.read()",
                f"import os\n{F}\nfor n in range(3, 64):\n    os.write(n, b'x')",
                f"from os import write as w\n{F}\nassert f(1)\nw(3, b'x')",
                f"import os.path\n{F}\nos._exit(0)",
                f"{F}\nif f(1):\n    import os\n    os._exit(0)",
                f"{F}\nexec('import os')",
            )
        ),
        ("import sys\nsys.setrecursionlimit(9999)\n" + F, "import sys\nsys.setrecursionlimit(9999)\n" + F),
        (f"{F}\nassert f(1)\ndef g(x):\n    return f(x)", f"{F}\nassert f(1)\ndef g(x):\n    return f(x)"),
        ("def g(x): return x\nf = g\nprint(2)", "def g(x): return x\n\nf = g"),  # the wanted name
        ("def f(x): return x; assert False", "def f(x): return x; assert False"),
        ("def f(x): return x\nassert False; y = 1", "def f(x): return x\n"),
        ("import math; assert f(1); C = 1", "import math; \n<assert f(1)>"),  # one line
        ("x = 1\nprint(x)", "x = 1\nprint(x)"),  # nothing is defined
        ("def f(:", "def f(:"),
    ],
)
def test_what_is_left(program, kept):
    assert shown(without_trials(program, ["f"])) == kept


ADD = "def add_all(xs):\n    return sum(xs)"


@pytest.mark.parametrize(
    ("program", "right"),
    [
        # What fills a table that the function reads.
        (f"FACT = [0]\n{ADD} + FACT[1]\nfor i in range(3):\n    FACT.append(0)", True),
        (f"N = 100\nsieve = [True] * N\n{ADD} if not sieve[4] else -1\n"
         "for i in range(2, N):\n    for j in range(2 * i, N, i):\n        sieve[j] = False", True),
        (f"T = []\ndef init():\n    T.append(0)\n{ADD} + T[0]\ninit()", True),
        (f"T = []\n{ADD} + T[0]\ndef init():\n    T.append(0)\nif True:\n    print(init())", True),
        (f"def init():\n    global Z; Z = 0\n{ADD} + Z\ninit()", True),
        (f"{ADD} + Z\nglobal Z; Z = 0", True),
        (f"{ADD} + T[0]\nT = []; fill = T.append\nlist(map(fill, [0]))", True),
        (f"T = [9]\n{ADD} + T[0]\nother = T\nzero = add_all([]) * 0\nother[0] = zero", True),
        (f"T = {{}}\n{ADD} + T['z']\nT['z'] = 0", True),
        (f"T = {{}}\n{ADD} + T['z']\nT.update(z=0)", True),
        (f"{ADD} + add_all.z\nadd_all.z = 0", True),
        (f"class P:\n    pass\n{ADD} + P.z\nP.z = 0", True),
        (f"class P:\n    z = 0\n    @classmethod\n    def init(cls): cls.z = -1\n{ADD} + P.z\nP().init()", False),
        # What fails is passed over, also where it knows of what the function is made of.
        (f"T = [0]\n{ADD} + T[0]\nassert add_all([1]) == T[0]\nT[1] = 9\nadd_all()", True),
        (f"T = [0]\n{ADD} + T[0]\ndef main():\n    assert add_all([1]) == T[0]\n    raise SystemExit\nmain()", True),
        (f"{ADD}\ndef test():\n    assert add_all([1]) == 2\ntest()", True),
        (f"{ADD}\nprint(add_all(range(10**12)))", True),
        # It is what it does that counts.
        (f"import os\n{ADD}\nos._exit(0)", False),
        (f"import os\n{ADD}\ndef end():\n    os._exit(0)\nadd_all.end = end\nadd_all.end()", False),
        (f"{ADD}\nadd_all = len", False),
        # An alias is the function.
        ("def total(xs):\n    return sum(xs)\nadd_all = total\nassert add_all([1]) == 2", True),
        ("class Solution:\n    def add_all(self, xs):\n        return sum(xs)\nadd_all = Solution().add_all", True),
        ("def total(xs):\n    return len(xs)\nadd_all = total", False),
    ],
)  # fmt: skip
def test_what_a_program_does_behind_its_functions(program, right):
    tested = without_trials(program, ["add_all"])
    assert run_tests(tested, "assert add_all([1, 2]) == 3", ["add_all"]).ok is right


def test_a_long_tail_takes_time_in_proportion():
    for tail in ("a=b;", "C=b;", "f(1);", "C\n", "'é';"):
        texts = [f"{F}\n{tail * n}" for n in (2000, 4000)]
        for _ in range(3):  # a busy machine is no slow scanner
            half, whole = (seconds(lambda text: without_trials(text, ["f"]), text) for text in texts)
            if whole < max(3 * half, 0.1):
                break
        else:
            pytest.fail(f"{tail}: {half:.3f} s, then {whole:.3f} s")
    for deep in ("+".join("C" * 4000), "-" * 80 + "C", "(" * 80 + "C" + ")" * 80):
        assert without_trials(f"{F}\n{deep}", ["f"])


def test_a_wrong_test_of_the_models_own_costs_nothing(tmp_path):
    row = {
        "task_id": 1,
        "prompt": "Add one.",
        "code": "def add(x):\n    return x + 1",
        "test_list": ["assert add(1) == 2"],
    }
    (tmp_path / "mbpp.jsonl").write_text(json.dumps({**row, "test_imports": []}) + "\n")
    task = MBPP(str(tmp_path / "mbpp.jsonl"))
    (found,) = task.rows()
    for body, right in (("return x + 1", True), ("return x + 2", False)):
        completion = f"```python\ndef add(x):\n    {body}\n\n# Test cases\nassert add(1) == 3\n```"
        grade = task.grade(found, completion)
        assert grade.correct is right
        assert grade.answer.endswith("assert add(1) == 3")  # it stays what the model wrote
