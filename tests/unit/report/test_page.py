"""The page of runs: all in one file, nothing of a completion taken for HTML, changed answers counted both ways."""

import json
import sys

import pytest
from torch.utils.tensorboard import SummaryWriter

import cli
from emlit.report.__main__ import main
from emlit.report.figures import accuracy_by_entropy, accuracy_by_tokens, curve
from emlit.report.page import Fit
from tests.unit.metrics.test_completions import prediction

STEPS = [
    {"step": 0, "pass@1": 0.25, "mean_entropy": 0.9, "greedy": None},
    {"step": 5, "pass@1": 0.5, "mean_entropy": 0.4, "greedy": None},
]


@pytest.fixture
def runs(tmp_path):
    """A fit and a predict run with two decodings."""
    fit, predicted = tmp_path / "fit", tmp_path / "predict"
    predicted.mkdir()
    with SummaryWriter(str(fit / "tensorboard")) as writer:
        for step in range(4):
            writer.add_scalar("entropy/token_mean", 1 / (step + 1), step)
    summary = {"before": STEPS[0], "after": STEPS[1], "curve": STEPS, "steps": 5, "guard": {"kept_step": 5}}
    (fit / "summary.json").write_text(json.dumps(summary))
    answers = [
        *(("a", "1", False, "T=1"), ("b", "<b>2</b>", True, "T=1"), ("c", "3", True, "T=1")),
        *(("a", "4", True, "greedy"), ("b", "5", False, "greedy"), ("c", "3", True, "greedy")),
    ]
    lines = [
        prediction(name, 0, answer, right, decoding=decoding, sampled_tokens=20)
        for name, answer, right, decoding in answers
    ]
    (predicted / "predictions.jsonl").write_text("".join(json.dumps(each.to_dict()) + "\n" for each in lines))
    return fit, predicted


def page(monkeypatch, tmp_path, *directories) -> str:
    target = tmp_path / "page.html"
    monkeypatch.setattr(sys, "argv", ["report", *map(str, directories), "--html", str(target)])
    main()
    return target.read_text()


def test_fits_and_predictions_stand_in_one_file(monkeypatch, tmp_path, runs):
    text = page(monkeypatch, tmp_path, *runs)
    assert "0.250 → 0.500" in text
    assert "step 5" in text
    assert text.count("<svg") == 3  # a curve, accuracy by entropy, accuracy by tokens
    assert "t: from wrong to right, T=1 → greedy: 1</h3>" in text
    assert "from right to wrong" in text
    assert "&lt;b&gt;2&lt;/b&gt;" in text
    assert "<b>2</b>" not in text
    assert "src=" not in text
    assert "<script" not in text


def test_the_command(monkeypatch, tmp_path, runs, capsys):
    monkeypatch.chdir(tmp_path)
    cli.main(["report", str(runs[0])])
    assert "<svg" in (tmp_path / "report.html").read_text()
    assert "report.html" in capsys.readouterr().out


def test_a_fit_alone_with_another_logger(monkeypatch, tmp_path, runs):
    (next((runs[0] / "tensorboard").iterdir())).unlink()
    text = page(monkeypatch, tmp_path, runs[0])
    assert text.count("<svg") == 1
    assert "Answers" not in text


def test_a_fit_that_has_not_ended(monkeypatch, tmp_path, runs):
    (runs[0] / "summary.json").unlink()
    with SummaryWriter(str(runs[0] / "tensorboard")) as writer:
        writer.add_scalar("loss/total", 1.0, 7)
        for each in STEPS:
            writer.add_scalar("evaluation/pass@1", each["pass@1"], each["step"])
            writer.add_scalar("evaluation/mean_entropy", each["mean_entropy"], each["step"])
    text = page(monkeypatch, tmp_path, runs[0])
    assert "<td>7 so far</td>" in text
    assert "0.250 →" in text
    assert text.count("<svg") == 2


def test_a_directory_without_a_run_is_one_sentence(monkeypatch, tmp_path, capsys):
    with pytest.raises(SystemExit):
        page(monkeypatch, tmp_path, tmp_path)
    assert "has no predictions.jsonl" in capsys.readouterr().err


ROUNDS = {
    "entropy/token_mean": {1: 0.9, 2: 0.6, 3: 0.4, 4: 0.3},
    "accuracy/pass@1": {1: 0.25, 2: 0.4, 3: 0.5, 9: 0.1},
}


def test_a_run_that_was_measured_at_its_ends_alone_is_drawn_by_its_rounds():
    summary = {"curve": STEPS, "guard": {"kept_step": 2}}
    assert [each["step"] for each in Fit("x", summary, ROUNDS).course()] == [1, 2, 3]
    assert [each["step"] for each in Fit("x", summary).course()] == [0, 5]
    measured = {"curve": [*STEPS, {"step": 10, "pass@1": 0.4, "mean_entropy": 0.2}]}
    assert [each["step"] for each in Fit("x", measured, ROUNDS).course()] == [0, 5, 10]
    unlabelled = {"curve": [{"step": 0, "pass@1": None, "mean_entropy": 0.9}]}
    assert Fit("x", unlabelled).course() == []


def test_the_ring_is_at_the_point_nearest_to_what_the_guard_keeps():
    points = [{"step": step, "entropy": 1 / (step + 1), "pass@1": step / 10} for step in (0, 4, 8)]
    line, square, ring = accuracy_by_entropy({"x": points}, {"x": 7}).axes[0].lines
    assert list(line.get_ydata()) == [0.0, 0.4, 0.8]
    assert list(square.get_ydata()) == [0.0]
    assert (list(ring.get_xdata()), list(ring.get_ydata())) == ([1 / 9], [0.8])


def test_rewards_below_0_are_seen():
    assert curve({"x": {0: -0.5, 1: -0.1}}, "reward").axes[0].get_ylim()[0] < -0.5
    assert curve({"x": {0: 0.5, 1: 0.1}}, "entropy").axes[0].get_ylim()[0] == 0


ROW = {"pass@1": 0.0, "intervals": {"pass@1": (0.0, 0.1)}, "sampled_tokens": 300, "samples": 10, "decoding": "T=1"}


def test_no_axis_of_accuracies_goes_below_0():
    axes = accuracy_by_tokens([ROW, {**ROW, "sampled_tokens": 3000}], "t").axes[0]
    assert axes.get_ylim()[0] == 0


def test_decodings_of_the_same_length_do_not_lie_on_each_other():
    """Nine decodings of short answers differ by one token in twenty, beside one that votes."""
    rows = [{**ROW, "decoding": str(n), "sampled_tokens": 300 + n} for n in range(8)]
    figure = accuracy_by_tokens([*rows, {**ROW, "decoding": "votes", "sampled_tokens": 1200}], "t")
    figure.canvas.draw()
    bars = figure.axes[0].containers
    at = sorted(bar[0].get_transform().transform(bar[0].get_xydata())[0, 0] for bar in bars)
    assert min(b - a for a, b in zip(at, at[1:], strict=False)) > bars[0][0].get_markersize()
    ticks = [text.get_text() for text in figure.axes[0].get_xticklabels() if text.get_text()]
    assert {"50", "100"} <= {*ticks}
