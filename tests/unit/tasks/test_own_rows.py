"""Each mathematics and physics benchmark on rows of our own: prompt, label, gold completion, grade."""

import json

import pytest

from benchmarks.grading_rows import ROWS, write_rows
from emlit.errors import ConfigError, DataError
from emlit.tasks import AIME24, AMC, GSM8K, MATH500, AIME22to24, MinervaMath, OlympiadBench, UGPhysics
from emlit.tasks.templates import REASON_STEP_BY_STEP

TASKS = [MATH500, AMC, AIME24, AIME22to24, MinervaMath, OlympiadBench, UGPhysics, GSM8K]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return write_rows(tmp_path_factory.mktemp("benchmarks"))


@pytest.mark.parametrize("make", TASKS)
def test_gold_completions_are_right_and_others_are_not(make, place):
    task = make()
    task.read_from(place)
    rows = task.rows()
    assert len(rows) == len(ROWS[task.name])
    assert len({row.id for row in rows}) == len(rows)
    assert task.system_prompt == REASON_STEP_BY_STEP
    for row, other in zip(rows, [*rows[1:], rows[0]], strict=True):
        grade = task.grade(row, row.solution)
        assert (grade.correct, grade.format_ok) == (True, True)
        assert not task.grade(other, row.solution).correct
        assert not task.grade(row, "I do not know.").correct
        assert not task.grade(row, "I do not know.").format_ok


@pytest.mark.parametrize("make", TASKS)
def test_a_missing_column_is_named(make, tmp_path):
    task = make()
    (tmp_path / f"{task.name}.jsonl").write_text(json.dumps({"id": 1, "unique_id": 1, "extra": 2}) + "\n")
    task.read_from(tmp_path)
    with pytest.raises(DataError, match=r"line 1: no column .*extra"):
        task.rows()


@pytest.mark.parametrize("make", TASKS)
def test_a_directory_without_its_file(make, tmp_path):
    with pytest.raises(ConfigError, match="has no file for"):
        make().read_from(tmp_path)
