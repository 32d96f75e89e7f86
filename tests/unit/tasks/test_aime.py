import json

import pytest

from emlit.tasks import AIME24, AIME22to24


@pytest.mark.parametrize("task", [AIME24, AIME22to24])
def test_leading_zeros_and_solutions_without_the_box(task, tmp_path):
    file = tmp_path / f"{task.name}.jsonl"
    rows = [
        {"id": 7, "problem": "One?", "answer": "033", "solution": r"so \boxed{33} or so, \boxed{033}"},
        {"id": 8, "problem": "Two?", "answer": 204, "solution": r"it is $\framebox{204}$"},
        {"id": 9, "problem": "Three?", "answer": "5", "solution": r"first \boxed{3}, then 5"},
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    read = task(str(file)).rows()
    assert [row.id for row in read] == ["7", "8", "9"]
    assert read[0].solution == rows[0]["solution"]  # it ends in the answer's box already
    assert read[1].solution.endswith(r"the final answer is $\boxed{204}$.")
    assert [task(str(file)).grade(row, row.solution).correct for row in read] == [True] * 3
    assert task(str(file)).grade(read[0], r"\boxed{33}").correct
    assert not task(str(file)).grade(read[0], r"\boxed{330}").correct
