"""Votes grade a problem without its label."""

import json

import pytest

from emlit import tasks
from emlit.tasks import Benchmark, Task, TinyArithmetic
from tests.unit.tasks.test_olympiadbench import ROW as OLYMPIAD
from tests.unit.tasks.test_ugphysics import ROW as PHYSICS

ROWS = {
    "MATH500": {"problem": "?", "answer": "1", "unique_id": "a"},
    "AMC": {"id": 0, "problem": "?", "answer": 1.0},
    "AIME24": {"id": 0, "problem": "?", "answer": "1"},
    "AIME22to24": {"id": 0, "question": "?", "answer": "1"},
    "MinervaMath": {"problem": "?", "solution": r"So $\boxed{1}$.", "idx": 0},
    "OlympiadBench": {**OLYMPIAD, "final_answer": ["1"]},
    "UGPhysics": {**PHYSICS, "answers": r"\boxed{1}", "answer_type": "NV"},
    "GSM8K": {"question": "?", "answer": "#### 1"},
    "SVAMP": {"ID": "a", "Body": "?", "Question": "?", "Answer": "1.00"},
    "ASDiv": {"body": "?", "question": "?", "answer": "1 (apple)"},
}


def test_every_benchmark_that_votes_is_here():
    found = [cls for cls in vars(tasks).values() if isinstance(cls, type) and issubclass(cls, Benchmark)]
    assert {cls.__name__ for cls in found if cls.votes and cls is not Benchmark} == ROWS.keys()


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("completion", [r"So \boxed{1}.", "No idea.", ""])
def test_a_row_without_its_label(name, completion, tmp_path):
    (tmp_path / "rows.jsonl").write_text(json.dumps(ROWS[name]) + "\n")
    task: Task = getattr(tasks, name)(path=str(tmp_path / "rows.jsonl"))
    row = task.rows()[0]
    unlabelled = type(row)(**{**vars(row), "answer": None})
    grade = task.grade(unlabelled, completion)
    assert grade.correct is None
    assert grade.answer == task.grade(row, completion).answer


def test_the_tiny_task_too():
    task = TinyArithmetic(n=1)
    row = task.rows()[0]
    assert task.grade(type(row)(**{**vars(row), "answer": None}), r"\boxed{1}").correct is None
