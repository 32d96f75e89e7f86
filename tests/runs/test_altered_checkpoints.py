"""Checkpoints whose plain values were altered: one sentence with the file and the way out, and the cause behind it."""

import shutil

import pytest
import torch

import cli
from tests.runs.test_runs import ROOT, SMALL, fit


def probe_token(content):
    start = content["callbacks"]["CollapseGuard"]["probe"]["start"]
    next(iter(start.values()))["completions"][0]["tokens"][0] = -7


def optimizer_state(content):
    content["optimizer_states"][0]["state"][16] = "boo"


def total(content):
    content["loops"]["fit_loop"]["epoch_loop.batch_progress"]["total"]["completed"] = None


def epochs(content):
    content["loops"]["fit_loop"]["epoch_progress"]["current"] = {}


def generators(content):
    content["callbacks"]["RunCheckpoint"]["generators"] = [{}]


def schedule(content):
    content["lr_schedulers"] = [3]


def curve(content):
    content["callbacks"]["RunSummary"]["curve"] = None


def lora(content):
    content["emlit"]["lora"] = "boo"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    run_dir = tmp_path_factory.mktemp("altered") / "run"
    fit("em_ft", run_dir, "--trainer.max_steps=1", "--guard.prompts=16")
    return run_dir


@pytest.mark.parametrize(
    "alter",
    [probe_token, optimizer_state, total, epochs, generators, schedule, curve, lora],
    ids=lambda each: each.__name__,
)
def test_altered_values_are_one_sentence(alter, run, tmp_path, run_sentence):
    shutil.copytree(run, tmp_path / "run")
    path = tmp_path / "run/checkpoints/last.ckpt"
    content = torch.load(path, weights_only=True)
    alter(content)
    torch.save(content, path)
    words = ["fit", "--config", str(ROOT / "configs/tiny/em_ft.yaml"), f"--run_dir={tmp_path / 'run'}", *SMALL]
    sentence = run_sentence(
        cli.main,
        [
            *words,
            "--engine=transformers",
            "--trainer.max_steps=4",
            "--guard.prompts=16",
            "--guard.every_n_steps=1",
            "--ckpt_path=last",
        ],
    )
    assert "last.ckpt, which holds" in sentence
    assert "another checkpoint" in sentence or "set --model.lora" in sentence


def test_a_checkpoint_without_measurements_says_so(run, tmp_path, caplog):
    shutil.copytree(run, tmp_path / "run")
    path = tmp_path / "run/checkpoints/last.ckpt"
    content = torch.load(path, weights_only=True)
    del content["callbacks"]["RunSummary"]
    torch.save(content, path)
    fit("em_ft", tmp_path / "run", "--trainer.max_steps=2", "--ckpt_path=last")
    assert "summary.json's `before` is of step 1" in caplog.text
