"""The report and its pictures, and the whole command on both difficulties of the embedded reasoner."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

import cli
from emlit.preflight.expectations import Setting, expectations
from emlit.preflight.figures import figures
from emlit.preflight.measurements import measure
from emlit.preflight.model_facts import ModelFacts
from emlit.preflight.report import TaskReport, to_markdown
from tests.unit.metrics.test_answer_table import answered, table
from tests.unit.metrics.test_completions import prediction

ROOT = Path(__file__).parents[2]
MODEL = ModelFacts("m", "qwen2", False, "r")
COMMAND = ["validate", "--config", str(ROOT / "configs/tiny/em_ft.yaml"), "--data.engine=TransformersEngine"]
SMALL = ["--data.evaluation.n=32", "--data.evaluation_samples=8", "--preflight.resamples=200"]


def test_report(tmp_path):
    measured = measure(table(answered(60)).answers(), resamples=100)
    report = TaskReport("t", "plain, T=1", measured, expectations(measured, MODEL, Setting("t", 9)))
    row = json.loads(json.dumps(report.row()))
    assert {"task", "decoding", "problems", "samples", "pass@1", "maj@4", "format_rate", "auroc"} <= row.keys()
    assert row["intervals"].keys() == measured.values.keys()
    assert len(row["accuracy_by_entropy"]) == 10
    assert row["findings"][0]["rule"] == "verdict"
    text = to_markdown([report], {"model": "m"}, {"t": ["preflight/t/roc.png"]})
    assert "- model: m" in text
    assert "](<preflight/t/roc.png>)" in text
    assert "https://arxiv.org/abs/2505.15134" in text
    for name, each in measured.values.items():
        assert name in text
        assert f"{each.value:.3f}" in text
    assert all(finding.sentence in text for finding in report.findings)


def test_figures():
    answers = table(answered(60)).answers()
    drawn = figures(answers, measure(answers, resamples=100), "t")
    assert drawn.keys() == {"accuracy_by_entropy", "entropies", "roc"}
    bars = drawn["accuracy_by_entropy"].axes[0]
    measured = measure(answers, resamples=100)
    assert [bar.get_height() for bar in bars.patches] == [each.accuracy.value for each in measured.deciles]
    for figure in drawn.values():
        axes = figure.axes[0]
        assert axes.get_xlabel()
        assert axes.get_ylabel()
        assert axes.get_legend().get_texts()
    unlabelled = table([prediction(f"p{i}", 0, "1", None, mean_entropy=0.5) for i in range(20)]).answers()
    assert figures(unlabelled, measure(unlabelled, resamples=100), "t").keys() == {"entropies"}
    unscored = table([prediction(f"p{i}", 0, "1", True, mean_entropy=None) for i in range(20)]).answers()
    assert figures(unscored, measure(unscored, resamples=100), "t") == {}


def validate(run_dir: Path, *arguments: str) -> dict:
    cli.main([*COMMAND, *SMALL, f"--run_dir={run_dir}", *arguments])
    return json.loads((run_dir / "report.json").read_text())[0]


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ("--preflight.resamples=10", "resamples of PreflightReport is 10; a 95 % interval needs at least 100"),
        ("--preflight.resample=10", "preflight.resample: there is no such key"),
        (f"--run_dir={ROOT / 'README.md'}", "README.md cannot be used: it is a file; choose another --run_dir"),
        ("--data.evaluation_samples=0", "evaluation_samples is 0; it must be at least 1"),
    ],
)
def test_bad_settings(argument, expected, tmp_path, capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main([*COMMAND, f"--run_dir={tmp_path / 'run'}", argument])
    assert caught.value.code == 2
    assert expected in capsys.readouterr().err.strip().splitlines()[-1]


def test_confidence_that_tracks(tmp_path, capsys):
    row = validate(tmp_path)
    printed = capsys.readouterr().out
    levels = {finding["rule"]: finding["level"] for finding in row["findings"]}
    assert row["auroc"] > 0.85
    assert levels["confidence"] == "good"
    assert levels["entropy"] == "caution"
    assert "EM may help here, with reservations" in row["findings"][0]["sentence"]
    for finding in row["findings"]:
        assert finding["sentence"] in printed
    assert printed.count("│ pass@1 ") == 1
    assert "validation/pass@1" not in printed  # Lightning's own table
    for name in ("accuracy_by_entropy", "entropies", "roc"):
        picture = Image.open(tmp_path / f"preflight/tiny/{name}.png")
        assert min(picture.size) > 400
        assert f"](<preflight/tiny/{name}.png>)" in (tmp_path / "report.md").read_text()
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    tags = EventAccumulator(str(tmp_path / "tensorboard-validate")).Reload().Tags()
    assert {f"preflight/tiny/{name}" for name in ("accuracy_by_entropy", "entropies", "roc")} <= set(tags["images"])
    assert {"preflight/tiny/auroc", "preflight/tiny/token_entropy", "validation/pass@1"} <= set(tags["scalars"])
    assert validate(tmp_path) == row  # again, in the same directory


@pytest.mark.nightly
def test_confidence_that_misleads(tmp_path):
    row = validate(tmp_path, "--data.evaluation.difficulty=hard")
    levels = {finding["rule"]: finding["level"] for finding in row["findings"]}
    assert row["auroc"] < 0.3
    assert row["intervals"]["auroc"][1] < 0.5
    assert levels["verdict"] == levels["confidence"] == "warning"
    assert "EM is expected to hurt here" in row["findings"][0]["sentence"]


def test_one_sample_and_no_labels(tmp_path):
    row = validate(tmp_path, "--data.evaluation_samples=1")
    assert "auroc" in row
    assert "maj@k, pass@k" in next(f["sentence"] for f in row["findings"] if f["rule"] == "not measured")
    (tmp_path / "p.jsonl").write_text("".join(json.dumps({"prompt": f"What is {i}+10-4?"}) + "\n" for i in range(9)))
    cli.main(
        [*COMMAND, f"--run_dir={tmp_path / 'p'}", "--data.evaluation=emlit.tasks.PromptFile",
         f"--data.evaluation.path={tmp_path / 'p.jsonl'}", "--data.evaluation_samples=2",
         "--data.sampling.temperature=0.7"]
    )  # fmt: skip
    row = json.loads((tmp_path / "p/report.json").read_text())[0]
    rules = {finding["rule"]: finding["sentence"] for finding in row["findings"]}
    assert "None of the 9 prompts of p has a label" in rules["not measured"]
    assert "sampled with temperature 0.7" in rules["sampling"]
    assert "pass@1" not in row


def test_metrics_of_tokens(tmp_path, capsys):
    names = ("TokenEntropies", "TokenCovariance", "AnswerUtility")
    metrics = [f"--preflight.metrics+=emlit.preflight.{name}" for name in names]
    row = validate(tmp_path, "--data.evaluation_samples=4", *metrics, "--preflight.metrics.separator=\n")
    assert 0 < row["entropy_q80"] < row["entropy_max"]
    assert 0 < row["covariance_clipped"] < 1
    assert row["covariance_top"] > 1 > row["covariance"] > 0
    assert row["answer_entropy_before"] > row["answer_entropy_after"] > 0
    assert row["intervals"]["entropy_q80"] is None
    assert "| entropy_q80 (nats, 0.8 quantile over tokens) |" in (tmp_path / "report.md").read_text()
    with pytest.raises(SystemExit):
        cli.main([*COMMAND, f"--run_dir={tmp_path / 'unscored'}", "--model.class_path=emlit.modules.CausalLM",
                  "--model.score=false", metrics[0]])  # fmt: skip
    assert "model.score is false, and TokenEntropies of preflight.metrics reads" in capsys.readouterr().err


@pytest.mark.nightly
def test_two_tasks_beside_the_report_of_predict(tmp_path, capsys):
    tasks = "[{class_path: emlit.tasks.TinyArithmetic, init_args: {split: test, n: 12}}, "
    tasks += "{class_path: emlit.tasks.TinyArithmetic, init_args: {split: test, n: 12, difficulty: hard}}]"
    inf = ["--config", str(ROOT / "configs/tiny/em_inf.yaml"), f"--run_dir={tmp_path}", *COMMAND[3:], SMALL[1]]
    cli.main(["predict", *inf, "--data.evaluation.n=4"])
    predicted = (tmp_path / "report.json").read_text()
    (tmp_path / "two.yaml").write_text(f"data: {{evaluation: {tasks}}}\n")
    cli.main(["validate", *inf, "--config", str(tmp_path / "two.yaml"), "--preflight.resamples=100"])
    assert (tmp_path / "report.json").read_text() == predicted
    rows = json.loads((tmp_path / "preflight.json").read_text())
    assert [row["task"] for row in rows] == ["tiny", "tiny-hard"]
    assert all(row["decoding"] == "EntropyMinimization, T=1" for row in rows)
    assert all("sampling" in {finding["rule"] for finding in row["findings"]} for row in rows)
    assert "tiny-hard: 12 problems, 96 completions" in capsys.readouterr().out


def test_own_metrics_take_no_number_of_emlits(tmp_path, capsys):
    gives = "tests.unit.preflight.test_own_metric"
    metrics = [f"{gives}.{name}" for name in ("Gives", "Gives", "Passes", "WithPipe", "Raises")]
    row = validate(tmp_path, "--data.evaluation.n=4", *(f"--preflight.metrics+={each}" for each in metrics))
    assert (row["Gives"], row["Gives (2)"], row["pass@1 (2)"], row[r"a|b\nc"]) == (0.5,) * 4
    assert 0 <= row["pass@1"] <= 1
    assert row["pass@1"] != 0.5 or row["intervals"]["pass@1"] is not None
    text = (tmp_path / "report.md").read_text()
    assert r"| a&#124;b\\nc | 0.500 | not known |" in text
    assert "Raises has no number for tiny: its compute raised ValueError: of these" in text
    assert "preflight.metrics: Raises has no number for tiny" in capsys.readouterr().out


@pytest.mark.nightly
def test_two_processes_measure_as_one_does(tmp_path):
    rows = []
    for devices in (1, 2):
        run_dir = tmp_path / str(devices)
        subprocess.run(
            [sys.executable, "cli.py", *COMMAND, "--data.evaluation.n=15", "--data.evaluation_samples=2",
             "--preflight.resamples=100", f"--run_dir={run_dir}", "--trainer.accelerator=cpu",
             f"--trainer.devices={devices}", f"--trainer.strategy={'auto' if devices == 1 else 'ddp'}"],
            cwd=ROOT, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        rows.append(json.loads((run_dir / "report.json").read_text())[0])
    one, two = rows
    assert two["findings"] == one["findings"]
    for name, ends in one["intervals"].items():
        assert two[name] == pytest.approx(one[name], abs=1e-5), name
        assert two["intervals"][name] == pytest.approx(ends, abs=1e-5), name
