import json

import pytest

from emlit.errors import DataError
from emlit.report import read_predictions, read_run, write_report
from tests.unit.metrics.test_completions import prediction


def write(path, predictions):
    path.write_text("".join(json.dumps(p.to_dict()) + "\n" for p in predictions))


def test_one_row_a_task(tmp_path):
    rows = [prediction("a", 0, "1", True), prediction("a", 1, "2", False), prediction("x", 0, "1", None, task="u")]
    write(tmp_path / "predictions.jsonl", rows)
    assert read_predictions(tmp_path / "predictions.jsonl") == rows
    report = write_report(tmp_path, [read_run(tmp_path)])
    assert [(row["task"], row["problems"], row["samples"]) for row in report] == [("t", 1, 2), ("u", 1, 1)]
    assert report[0]["pass@1"] == 0.5
    assert report[0]["decoding"] == "T=1"
    assert "pass@1" not in report[1]
    assert json.loads((tmp_path / "report.json").read_text()) == report
    text = (tmp_path / "report.md").read_text()
    assert "## t\n" in text
    tables = [line for line in text.splitlines() if line.startswith("|")]
    assert tables[0].startswith("| decoding | problems | samples | pass@1 |")
    assert len({line.count("|") for line in tables[:3]}) == 1


def test_a_damaged_line_is_named(tmp_path):
    (tmp_path / "predictions.jsonl").write_text('{"task": "t"}\n')
    with pytest.raises(DataError, match=r"predictions\.jsonl, line 1"):
        read_predictions(tmp_path / "predictions.jsonl")


@pytest.mark.parametrize(
    "line",
    [
        *("[]", "null", "[" * 100_000, "1" * 5000, '"x', "\xff", "{}"),
        *({"task": ["t"]}, {"sample": True}, {"sample": 1.0}, {"tokens": 2**53 + 1}, {"parts": [1]}, {"parts": "x"}),
        *({"correct": 1}, {"mean_entropy": "1"}, {"id": "\ud800"}, {"more": 1}, {"decoding": None}),
    ],
)  # fmt: skip
def test_lines_that_somebody_else_wrote(line, tmp_path):
    text = line if isinstance(line, str) else json.dumps(prediction("a", 0, "1", True).to_dict() | line)
    (tmp_path / "predictions.jsonl").write_bytes(f"{text}\n".encode("latin-1"))
    with pytest.raises(
        DataError, match=r"predictions\.jsonl, line 1: not a prediction \(.+\); delete that line"
    ) as caught:
        read_predictions(tmp_path / "predictions.jsonl")
    assert "\n" not in str(caught.value)


def test_many_cut_completions_are_a_warning(tmp_path):
    cut = [prediction(f"p{i}", 0, "1", False, finish_reason="length") for i in range(7)]
    rows = [*cut, prediction("p7", 0, "1", True)]
    write(tmp_path / "predictions.jsonl", rows)
    write_report(tmp_path, [read_run(tmp_path)])
    text = (tmp_path / "report.md").read_text()
    assert "Warning: t, T=1: 88 % of completions are cut at max_tokens" in text
    write(tmp_path / "predictions.jsonl", rows[7:])
    write_report(tmp_path, [read_run(tmp_path)])
    assert "Warning" not in (tmp_path / "report.md").read_text()
