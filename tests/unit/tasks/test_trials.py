"""What a model writes to try its own function out is no test of it."""

import json

import pytest

from emlit.tasks import MBPP
from emlit.tasks.trials import without_trials

F = "def f(x):\n    return x + C"


@pytest.mark.parametrize(
    ("program", "kept"),
    [
        (f"C = 1\n{F}\n\n# try\nassert f(1) == 3\nprint(f(2))", f"C = 1\n{F}\n\n# try"),
        (f"{F}\nC = 1\nassert f(1) == 3", f"{F}\nC = 1"),  # read by the function
        (f"{F}\nresult = f('a')\nprint(result)", F),
        (f"C = 1\n{F}\nfor x in (1, 2):\n    print(f(x))\nif __name__ == '__main__':\n    f(1)", f"C = 1\n{F}"),
        (f"import math as m\n{F}\nassert m.isclose(f(1), 2)", f"import math as m\n{F}"),
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
        ("def g(x): return x\nf = g\nprint(f(1))", "def g(x): return x\nf = g"),  # the wanted name
        ("def f(x): return x; assert False", "def f(x): return x; assert False"),
        ("def f(x): return x\nassert False; y = 1", "def f(x): return x"),
        (f"{F}\nassert f(1); C = 1\nprint(C)", f"{F}\nassert f(1); C = 1"),  # one line
        ("x = 1\nprint(x)", "x = 1\nprint(x)"),  # nothing is defined
        ("def f(:", "def f(:"),
    ],
)
def test_what_is_left(program, kept):
    assert without_trials(program, ["f"]) == kept


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
