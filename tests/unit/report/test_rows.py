"""Costs, parts, the paper's rows, and runs beside each other."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from emlit.errors import DataError, EmlitError
from emlit.printable import printable
from emlit.report import Run, compare, published_rows, read_run, summarise, to_markdown
from emlit.report.__main__ import labelled, main
from emlit.report.figures import accuracy_by_tokens
from emlit.report.published import TABLES
from tests.unit.metrics.test_completions import prediction

ROOT = Path(__file__).parents[3]


def test_costs():
    made = [prediction("a", i, "1", True, sampled_tokens=30, prompt_tokens=5) for i in range(2)]
    row = summarise(made, parameters=10, seconds={("T=1", "t"): 3.0})[0]
    assert (row["sampled_tokens"], row["prompt_tokens"], row["seconds"]) == (60, 10, 3.0)
    assert row["flops"] == 2 * 10 * 70
    assert "flops" not in summarise(made)[0]


def test_accuracy_given_format():
    made = [prediction(str(i), 0, "1", right, format_ok=ok) for i, (right, ok) in enumerate([(1, 1), (0, 1), (1, 0)])]
    row = summarise(made)[0]
    assert row["pass@1"] == pytest.approx(2 / 3)
    assert row["accuracy_given_format"] == 0.5


def test_sub_problems():
    made = [prediction("a", 0, "x", False, parts=[True, True, False]), prediction("b", 0, "x", True, parts=[True])]
    row = summarise(made)[0]
    assert row["sub-problems"] == 0.75
    assert "sub-problems" in to_markdown([row])


def test_published_rows_stand_beside_and_are_marked():
    rows = summarise([prediction("a", 0, "1", True, task="aime22-24")])
    published = published_rows("Qwen/Qwen2.5-Math-7B-Instruct", ["aime22-24"])
    em_inf = next(row for row in published if row["decoding"] == "EM-INF")
    assert em_inf["pass@1"] == pytest.approx(0.144)
    text = to_markdown(rows, published=published)
    assert "| *EM-INF* (published, Table 3) |  |  | 0.144 |" in text
    tables = [line for line in text.splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in tables}) == 1
    assert published_rows("somebody/else", ["aime22-24"]) == []
    physics = published_rows("Qwen/Qwen2.5-7B-Instruct", ["ugphysics_semiconductor_zh", "scicode"])
    scicode = {row["decoding"]: row for row in physics if row["task"] == "scicode"}
    assert scicode["EM-INF"]["sub-problems"] == pytest.approx(0.167)
    physics = [row for row in physics if row["task"] == "ugphysics_semiconductor_zh"]
    assert len(physics) == 6
    assert physics[0]["source"] == "published, Table 3, English and Chinese together"
    # The paper's coding columns are of another model.
    assert published_rows("Qwen/Qwen2.5-Math-7B", ["leetcode"]) == []
    assert len(published_rows("PRIME-RL/Eurus-2-7B-SFT", ["leetcode"])) == 7


def test_published_tables_are_whole():
    for tables in TABLES.values():
        for _, columns, methods in tables:
            assert all(len(values) == len(columns) for values in methods.values())


def write(directory: Path, *predictions, **settings) -> Path:
    directory.mkdir(parents=True)
    lines = "".join(json.dumps(p.to_dict()) + "\n" for p in predictions)
    (directory / "predictions.jsonl").write_text(lines)
    (directory / "predictions.settings.json").write_text(json.dumps(settings))
    return directory


def test_seconds_are_summed_over_processes_and_filled_up(tmp_path):
    made = [prediction(str(i), 0, "1", True) for i in range(4)]
    directory = write(tmp_path / "run", *made)
    for rank in (0, 1):
        line = {"decoding": "T=1", "task": "t", "predictions": 1, "seconds": 2.0}
        (directory / f"costs.rank{rank}.jsonl").write_text(json.dumps(line) + "\n" + '{"deco')
    # Two of four are timed, at 4 seconds together.
    assert read_run(directory).seconds == {("T=1", "t"): 8.0}


def test_runs_beside_each_other(tmp_path, monkeypatch, capsys):
    plain = write(tmp_path / "mine/plain", prediction("a", 0, "1", False), parameters=7)
    tuned = write(tmp_path / "mine/tuned", prediction("a", 0, "1", True), parameters=7)
    runs = labelled([plain, tuned])
    assert [run.predictions[0].decoding for run in runs] == ["plain: T=1", "tuned: T=1"]
    monkeypatch.setattr("sys.argv", ["emlit.report", str(plain), str(tuned), "--out", str(tmp_path / "both")])
    monkeypatch.setattr("emlit.report.__main__.outlast_readers", lambda: None)  # it takes the process's own streams
    main()
    assert "| tuned: T=1 | plain: T=1 | 1 | +1.000" in capsys.readouterr().out
    for name in ("report.md", "report.json", "comparisons.json", "figures/t.png"):
        assert (tmp_path / "both" / name).is_file()


def test_runs_are_paired_decoding_by_decoding(tmp_path):
    made = [prediction("a", 0, "1", True, decoding=name) for name in ("greedy", "T=1")]
    runs = labelled([write(tmp_path / name, *made) for name in ("base", "tuned")])
    text = to_markdown(
        [row for run in runs for row in summarise(run.predictions)],
        compare([each for run in runs for each in run.predictions]),
    )
    assert "| tuned: T=1 | base: T=1 |" in text
    assert "| tuned: greedy | base: greedy |" in text
    assert "| tuned: T=1 | tuned: greedy |" not in text


@pytest.mark.parametrize("broken", ["twice", "settings", "empty"])
def test_odd_runs_are_one_sentence(broken, tmp_path):
    run = write(tmp_path / "run", prediction("a", 0, "1", True))
    if broken == "settings":
        (run / "predictions.settings.json").write_text("{")
    if broken == "empty":
        (run / "predictions.jsonl").write_text("")
    (run / "costs.rank0.jsonl").write_text("[1]\n")
    with pytest.raises(EmlitError, match="twice" if broken == "twice" else "JSON|empty"):
        labelled([run, run] if broken == "twice" else [run])


@pytest.mark.parametrize(
    "settings",
    [
        *("[1]", "5", '"[', "[" * 100_000, '{"parameters":' + "1" * 5000 + "}", "\xff"),
        *(f'{{"parameters":{value}}}' for value in ('"x"', "[1]", "1e999", "true", "1" * 400)),
        *('{"pretrained":[1]}', '{"pretrained":{"a":1}}', '{"strategies":1}'),
        *('{"problems":5}', '{"problems":{"t":[1]}}'),
    ],
)  # fmt: skip
def test_settings_that_somebody_else_wrote(settings, tmp_path):
    run = write(tmp_path / "run", prediction("a", 0, "1", True))
    (run / "predictions.settings.json").write_bytes(settings.encode("latin-1"))
    with pytest.raises(DataError, match=r"settings\.json does not hold a run's settings \(.*\); delete it") as caught:
        labelled([run])
    assert len(str(caught.value)) < 500
    assert "\n" not in str(caught.value)


def test_costs_that_somebody_else_wrote_are_skipped(tmp_path):
    run = write(tmp_path / "run", prediction("a", 0, "1", True))
    cost = {"decoding": "T=1", "task": "t", "predictions": 1, "seconds": 2.0}
    changes = [
        {"decoding": ["a"]},
        {"predictions": -1},
        {"predictions": 0},
        {"predictions": True},
        {"predictions": 10**400},
    ]
    changes += [{"seconds": value} for value in ("nan", float("nan"), float("inf"), -1, None, 10**400)]
    lines = [json.dumps(cost | change) for change in changes]
    lines += ["[" * 100_000, "1" * 5000, "[]", "null", '{"seconds": 1e400}', "\xff\xfe", ""]
    (run / "costs.rank0.jsonl").write_bytes("\n".join([*lines, json.dumps(cost), ""]).encode("latin-1"))
    assert read_run(run).seconds == {("T=1", "t"): 2.0}


@pytest.mark.parametrize("name", ["_hidden", "$x_{$", "$$", "$\\frac{$", "a" * 5000, "\x00a\nb"])
def test_any_name_stands_in_the_legend(name, tmp_path):
    made = [prediction("a", 0, "1", True, decoding=each, task=name, sampled_tokens=5) for each in (name, "b")]
    rows = summarise(made)
    figure = accuracy_by_tokens(rows, name)
    figure.savefig(tmp_path / "a.png")
    assert [each.get_text() for each in figure.axes[0].get_legend().get_texts()] == [printable(name, 60), "b"]
    assert figure.axes[0].get_title(loc="left") == printable(name, 100)


@pytest.mark.nightly
def test_a_run_without_predictions_is_one_sentence(tmp_path):
    with pytest.raises(DataError, match="has no predictions"):
        read_run(tmp_path)
    command = [sys.executable, "-m", "emlit.report", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1


def test_one_run_keeps_its_names(tmp_path):
    directory = write(tmp_path / "run", prediction("a", 0, "1", True))
    assert isinstance(labelled([directory])[0], Run)
    assert labelled([directory])[0].predictions[0].decoding == "T=1"
