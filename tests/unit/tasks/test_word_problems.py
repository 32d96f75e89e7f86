import json

import pytest

from emlit.errors import DataError
from emlit.tasks import SVAMP, ASDiv


def rows(task, tmp_path, *fields):
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps(each) + "\n" for each in fields))
    return task(str(file)).rows()


def svamp(**changes):
    return {"ID": "chal-9", "Body": "Jo had 8 pens", "Question": "How many are left?", "Answer": 5.0} | changes


def test_svamp_joins_story_and_question(tmp_path):
    (row,) = rows(SVAMP, tmp_path, svamp())
    assert (row.id, row.prompt, row.answer) == ("chal-9", "Jo had 8 pens. How many are left?", "5")


@pytest.mark.parametrize(
    ("story", "question", "joined"),
    [
        ("Pens cost 2. If Jo had 8", "How many?", "Pens cost 2. If Jo had 8, how many?"),
        ("Jo has 8 pens.", "How many?", "Jo has 8 pens. How many?"),
        ("If Jo had 8", "how many?", "If Jo had 8 how many?"),
    ],
)
def test_svamp_adds_a_full_stop_only_where_one_is_missing(tmp_path, story, question, joined):
    (row,) = rows(SVAMP, tmp_path, svamp(Body=story, Question=question))
    assert row.prompt == joined


def test_svamp_answers_may_be_text_and_fractions(tmp_path):
    # The hub's copy has text, the authors' file numbers.
    found = rows(SVAMP, tmp_path, svamp(Answer="145.00"), svamp(ID="2", Answer=0.25), svamp(ID="3", Answer="1200000.0"))
    assert [row.answer for row in found] == ["145", "0.25", "1200000"]


@pytest.mark.parametrize(
    ("answer", "label", "right", "wrong"),
    [
        ("9 (apples)", "9", "9 apples", "8"),
        ("5 (hours); 30 (minutes)", "5, 30", "5, 30", "30"),
        ("1:2", "1:2", "1:2", "2:1"),
        ("Mrs. Hilt", "Mrs. Hilt", r"\text{Mrs. Hilt}", "Mr. Hilt"),
        ("Yes", "Yes", "yes", "no"),
        ("60 (miles per hour)", "60", "60 miles per hour", "61"),
    ],
)
def test_asdiv_labels_lose_their_units(tmp_path, answer, label, right, wrong):
    task = ASDiv(None)
    (row,) = rows(ASDiv, tmp_path, {"body": "Jo walks.", "question": "How far?", "answer": answer})
    assert (row.prompt, row.answer) == ("Jo walks. How far?", label)
    assert task.grade(row, rf"\boxed{{{right}}}").correct
    assert not task.grade(row, rf"\boxed{{{wrong}}}").correct


def test_asdiv_without_an_answer(tmp_path):
    with pytest.raises(DataError, match="nothing before its unit"):
        rows(ASDiv, tmp_path, {"body": "Jo walks.", "question": "How far?", "answer": "(miles)"})


@pytest.mark.parametrize(
    ("completion", "right", "boxed"),
    [
        (r"<think>\boxed{4}?</think>The answer is \boxed{5}.", True, True),
        (r"<think>\boxed{4}?</think>The answer is 5.", True, False),
        (r"<think>\boxed{5}</think>", True, True),  # all that is there
    ],
)
def test_a_box_in_thinking_is_not_the_format(completion, right, boxed, tmp_path):
    file = tmp_path / "rows.jsonl"
    file.write_text(json.dumps(svamp()))
    task = SVAMP(str(file))
    grade = task.grade(task.rows()[0], completion)
    assert (grade.correct, grade.format_ok) == (right, boxed)
