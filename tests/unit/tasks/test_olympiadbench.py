import json

import pytest

from emlit.errors import DataError
from emlit.tasks import OlympiadBench

ROW = {"id": 1606, "context": None, "question": "Find all.", "solution": ["Short.", "Other."],
       "is_multiple_answer": False, "unit": None, "answer_type": "Numerical", "error": None}  # fmt: skip


def olympiad(tmp_path, **fields):
    file = tmp_path / "olympiadbench.jsonl"
    file.write_text(json.dumps({**ROW, **fields}) + "\n")
    task = OlympiadBench(str(file))
    return task, task.rows()[0]


@pytest.mark.parametrize(
    ("labels", "boxed", "correct"),
    [
        (["$69$,$84$"], "84, 69", True),
        (["$69$", "$84$"], "84, 69", True),
        (["$69$,$84$"], "69", False),
        (["1,3,5"], r"\{5, 3, 1\}", True),
        (["$(1,8,19), (2,7,13), (4,5,7)$"], "(2,7,13), (4,5,7), (1,8,19)", True),
        (["$(1,8,19), (2,7,13), (4,5,7)$"], "(2,7,13), (4,5,7), (8,1,19)", False),
        (["$f(x)=2 x$"], "2x", True),
        (["$f(x)=2 x$"], "f(x) = 2x + 0", True),
        (["$f(n)=n$, $g(n)=1$"], "g(n)=1, f(n)=n", True),
        (["$k=1$"], "1", True),
        (["$m_{\\max }=n^{2}-n-1$"], "n(n-1) - 1", True),
        (["$\\angle B E A_{1}=90$,$\\angle A E B_{1}=90$"], r"90^\circ, 90^\circ", True),
        (["$\\left\\lfloor\\log _{2} n\\right\\rfloor+1$"], r"\lfloor \log_2(n) \rfloor + 1", True),
        (["$-(n-1) / 2$"], r"\frac{1-n}{2}", True),
        (["$\\frac{1}{2 n+2}$"], r"\frac{1}{2(n+1)}", True),
        (["$\\frac{1}{2 n+2}$"], r"\frac{1}{2n+1}", False),
    ],
)
def test_labels(labels, boxed, correct, tmp_path):
    task, row = olympiad(tmp_path, final_answer=labels)
    assert task.grade(row, rf"So \boxed{{{boxed}}}.").correct == correct
    assert task.grade(row, row.solution).correct


@pytest.mark.parametrize(
    ("error", "boxed", "correct"),
    [
        (None, "1.21", False),
        ("1e-1", "1.21", True),
        ("1e-1", "1.31", False),
        ("None,0.1", "1.21", True),
        (0.1, "1.21", True),
        ("nan", "1.21", False),
    ],
)
def test_error_is_how_far_off_a_number_may_be(error, boxed, correct, tmp_path):
    task, row = olympiad(tmp_path, final_answer=["1.2"], error=error)
    assert task.grade(row, rf"\boxed{{{boxed}}}").correct == correct


def test_context_and_solution(tmp_path):
    _, row = olympiad(tmp_path, final_answer=["$2$"], context="Let $n>0$. ")
    assert row.prompt == "Let $n>0$.\n\nFind all."
    assert row.solution == "Short.\n\nTherefore, the final answer is $\\boxed{2}$."


def test_no_final_answer(tmp_path):
    with pytest.raises(DataError, match="'final_answer' is empty"):
        olympiad(tmp_path, final_answer=[])
