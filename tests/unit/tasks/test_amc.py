import json

import pytest

from emlit.tasks import AMC


@pytest.mark.parametrize(
    ("published", "label"),
    [(142.0, "142"), (142, "142"), ("142.0", "142"), ("-4.0", "-4"), ("142", "142"), (0.5, "0.5")],
)
def test_a_label_published_as_a_decimal_is_a_whole_number(published, label, tmp_path):
    file = tmp_path / "amc.jsonl"
    file.write_text(json.dumps({"id": 0, "problem": "How many?", "answer": published}) + "\n")
    (row,) = AMC(str(file)).rows()
    assert row.answer == label
    assert AMC(str(file)).grade(row, rf"so \boxed{{{label}}}").correct


def test_the_text_column_has_two_names(tmp_path):
    file = tmp_path / "amc.jsonl"
    file.write_text(
        json.dumps({"id": 0, "problem": "One?", "answer": 1})
        + "\n"
        + json.dumps({"id": 1, "question": "Two?", "answer": 2})
    )
    assert [row.prompt for row in AMC(str(file)).rows()] == ["One?", "Two?"]
