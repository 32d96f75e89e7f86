import json

import pytest

from emlit.errors import ConfigError, DataError
from emlit.tasks import MinervaMath


def minerva(tmp_path, *rows, **arguments):
    file = tmp_path / "minerva_math.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return MinervaMath(str(file), **arguments)


def test_both_schemas(tmp_path):
    task = minerva(
        tmp_path,
        {"problem": "How long?", "solution": r"$s=\boxed{1.6} \mathrm{~cm}$", "type": "own", "idx": 7},
        {"question": "How bright?", "answer": "4.5e33"},
    )
    first, second = task.rows()
    assert (first.id, first.prompt, first.answer) == ("7", "How long?", "1.6")
    assert first.solution == r"$s=\boxed{1.6} \mathrm{~cm}$"
    assert (second.prompt, second.answer) == ("How bright?", "4.5e33")
    assert task.grade(second, second.solution).correct


@pytest.mark.parametrize(
    ("boxed", "tolerance", "correct"),
    [
        (r"1.6 \mathrm{~cm}", 1e-4, True),
        (r"1.60 \text{ cm}", 1e-4, True),
        ("1.60015", 1e-4, True),  # 0.9e-4 off
        ("1.6002", 1e-4, False),  # 1.2e-4 off
        ("1.6002", 1e-2, True),
        (r"\frac{8}{5}", 0, True),
        ("1.61", 1e-4, False),
        ("16", 1e-4, False),
    ],
)
def test_tolerance(boxed, tolerance, correct, tmp_path):
    task = minerva(tmp_path, {"problem": "How long?", "solution": r"\boxed{1.6} cm", "idx": 0}, tolerance=tolerance)
    assert task.grade(task.rows()[0], rf"It is \boxed{{{boxed}}}.").correct == correct


def test_a_solution_without_a_box(tmp_path):
    with pytest.raises(DataError, match="line 1: the solution has no"):
        minerva(tmp_path, {"problem": "How long?", "solution": "1.6 cm", "idx": 0}).rows()


def test_a_tolerance_is_a_share():
    with pytest.raises(ConfigError, match="tolerance is 5"):
        MinervaMath(tolerance=5)
