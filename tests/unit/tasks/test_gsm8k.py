import json

import pytest

from emlit.errors import DataError
from emlit.tasks import GSM8K


def gsm8k(tmp_path, answer):
    file = tmp_path / "gsm8k.jsonl"
    file.write_text(json.dumps({"question": "How many nuts?", "answer": answer}) + "\n")
    return GSM8K(str(file))


def test_the_label_stands_after_the_hashes(tmp_path):
    task = gsm8k(tmp_path, "500+500=<<500+500=1000>>1000\n#### 1,000")
    (row,) = task.rows()
    assert row.answer == "1000"
    assert row.solution == "500+500=1000\n\nTherefore, the final answer is $\\boxed{1000}$."
    for boxed in ("1000", "1,000", r"\$1000", "1000.00", r"1000 \text{ nuts}", "1000 nuts"):
        assert task.grade(row, rf"\boxed{{{boxed}}}").correct
    assert not task.grade(row, r"\boxed{100}").correct
    stated = task.grade(row, "The answer is 1000.")
    assert (stated.correct, stated.format_ok) == (True, False)


def test_no_hashes(tmp_path):
    with pytest.raises(DataError, match="does not end in ####"):
        gsm8k(tmp_path, "1000").rows()
