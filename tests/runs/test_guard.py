"""The collapse guard in whole runs."""

import json
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

import cli
from emlit.tiny import MODEL_DIR

ROOT = Path(__file__).parents[2]
SMALL = [
    "--data.engine=TransformersEngine",
    "--data.evaluation.n=8",
    "--data.evaluation_samples=2",
    "--data.train.n=256",
    "--data.prompts_per_round=64",
    "--guard.prompts=16",
    "--guard.start_samples=8",
    "--guard.every_n_steps=1",
]


def fit(run_dir: Path, *arguments: str) -> dict:
    cli.main(["fit", "--config", str(ROOT / "configs/tiny/em_ft.yaml"), f"--run_dir={run_dir}", *SMALL, *arguments])
    return json.loads((run_dir / "summary.json").read_text())


def exported(run_dir: Path) -> dict[str, torch.Tensor]:
    return AutoModelForCausalLM.from_pretrained(run_dir / "export").state_dict()


def test_a_collapse_is_seen_stopped_and_undone(tmp_path, capsys, caplog):
    # Thirty times the config's learning rate: certain and wrong within a few steps.
    summary = fit(tmp_path, "--model.learning_rate=3e-3", "--trainer.max_steps=30", "--guard.mode=stop")
    guard, steps = summary["guard"], summary["steps"]
    assert guard["stop_step"] == steps < 30
    assert guard["kept_step"] < steps
    assert {each["step"] for each in guard["fired"] if each["level"] == "stop"} >= {steps - 1, steps}
    after = next(each for each in summary["curve"] if each["step"] == guard["kept_step"])
    assert summary["after"] == {name: value for name, value in after.items() if name != "step"}
    printed = " ".join(capsys.readouterr().out.split())
    assert f"guard: keeps step {guard['kept_step']} of {steps} (stopped at step {steps}: " in printed
    assert "votes of the start, no label" in printed
    assert "collapse guard, step" in caplog.text
    # The export is the kept step's, the checkpoint the last step's.
    kept = torch.load(tmp_path / f"checkpoints/kept-{guard['kept_step']}.pt", weights_only=True)
    last = torch.load(tmp_path / "checkpoints/last.ckpt", weights_only=True)
    assert last["global_step"] == steps
    for name, tensor in exported(tmp_path).items():
        assert torch.equal(tensor, kept[f"model.{name}"])
    assert any(not torch.equal(last["state_dict"][name], kept[name]) for name in kept)


def test_a_start_that_speaks_against_training_is_kept(tmp_path, capsys):
    hard = ["--data.train.difficulty=hard", "--data.evaluation.difficulty=hard"]
    summary = fit(tmp_path, *hard, "--guard.mode=stop")
    assert summary["steps"] == summary["guard"]["kept_step"] == 0
    assert summary["after"] == summary["before"]
    assert {each["signal"] for each in summary["guard"]["fired"]} >= {"entropy at the start"}
    assert "last.ckpt" not in capsys.readouterr().out  # no step, no checkpoint
    start = AutoModelForCausalLM.from_pretrained(MODEL_DIR).state_dict()
    assert all(torch.equal(tensor, start[name]) for name, tensor in exported(tmp_path).items())


@pytest.mark.nightly
def test_a_resumed_guard_is_the_same_guard(tmp_path):
    arguments = (
        "--model.learning_rate=2e-4", "--guard.mode=stop", "--guard.every_n_steps=2", "--data.prompts_per_round=16",
    )  # fmt: skip
    whole = fit(tmp_path / "whole", *arguments, "--trainer.max_steps=8")
    fit(tmp_path / "parts", *arguments, "--trainer.max_steps=4", "--checkpoint.every_n_steps=2")
    parts = fit(tmp_path / "parts", *arguments, "--trainer.max_steps=8", "--ckpt_path=last")
    assert parts["guard"] == whole["guard"]
    assert parts["after"] == whole["after"]


def test_labels_may_pick_and_the_report_says_so(tmp_path, capsys):
    labelled = [
        "--guard.labelled=emlit.tasks.TinyArithmetic",
        "--guard.labelled.split=validation",
        "--guard.labelled.n=16",
    ]
    summary = fit(tmp_path, *labelled, "--trainer.max_steps=2", "--guard.mode=stop")
    assert summary["guard"]["picked_by"] == "labels (semi-supervised)"
    assert all(each["accuracy"] is not None for each in summary["guard"]["signals"])
    assert "picked by labels (semi-supervised)" in " ".join(capsys.readouterr().out.split())


def test_where_labels_teach_they_pick_and_the_start_is_not_held_against_it(tmp_path):
    """Entropy minimisation would keep this start (above); a certain and wrong model can be taught."""
    hard = ["--data.train.difficulty=hard", "--data.evaluation.difficulty=hard", "--data.prompts_per_round=8"]
    rl = ["--model=emlit.modules.EMRL", "--model.reward=emlit.rewards.VerifiedAnswerReward"]
    summary = fit(tmp_path, *hard, *rl, "--data.samples_per_prompt=4", "--guard.mode=stop", "--trainer.max_steps=1")
    assert summary["steps"] == 1
    assert not any("start" in each["signal"] for each in summary["guard"]["fired"])
    assert all(each["accuracy"] is not None for each in summary["guard"]["signals"])
    assert summary["guard"]["picked_by"] == "the labels that it is trained on"


def test_off_is_off(tmp_path):
    assert "guard" not in fit(tmp_path, "--guard.mode=off", "--trainer.max_steps=1")


def test_a_short_run_is_left_alone_and_told_so(tmp_path, capsys):
    unset = ("--guard.prompts=null", "--guard.start_samples=null", "--trainer.max_steps=1")
    assert "guard" not in fit(tmp_path / "warned", *unset)
    captured = capsys.readouterr()
    printed = " ".join((captured.out + captured.err).split())
    assert "guard: left out" in printed
    assert "with 1 later probe 128, " in printed
    assert ") costs more than a tenth; --guard.prompts 16" in printed
    assert "guard" in fit(tmp_path / "stopped", *unset, "--guard.mode=stop")


def test_the_last_step_is_looked_at_too(tmp_path):
    summary = fit(tmp_path, "--trainer.max_steps=3", "--guard.mode=stop", "--guard.every_n_steps=2")
    assert [each["step"] for each in summary["guard"]["signals"]] == [0, 2, 3]


@pytest.mark.nightly
def test_resuming_with_another_guard(tmp_path, run_sentence):
    arguments = ("--checkpoint.every_n_steps=1", "--ckpt_path=auto")
    fit(tmp_path, *arguments, "--trainer.max_steps=1", "--guard.mode=warn")
    fewer = ("--guard.prompts=8", "--trainer.max_steps=2")
    assert "had another probe for its collapse guard" in run_sentence(fit, tmp_path, *arguments, *fewer)
    message = run_sentence(fit, tmp_path, *arguments, "--trainer.max_steps=2", "--guard.mode=stop")
    assert "kept-" in message
    assert "resume with --guard.mode warn" in message
    assert "guard" not in fit(tmp_path, *arguments, "--trainer.max_steps=2", "--guard.mode=off")
    again = fit(tmp_path, *arguments, "--trainer.max_steps=3")  # and its history is still there
    assert [each["step"] for each in again["guard"]["signals"]] == [0, 1, 3]


def test_prompts_without_answers(tmp_path, caplog):
    """The reasoner answers nothing that could be found within 3 tokens."""
    summary = fit(tmp_path, "--data.sampling.max_tokens=3", "--trainer.max_steps=2", "--guard.mode=stop")
    assert "there are no votes to agree with" in caplog.text
    assert summary["guard"]["kept_step"] == 2
    assert "no answer was found to vote on" in summary["guard"]["picked_by"]
