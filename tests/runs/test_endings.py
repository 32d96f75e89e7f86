"""The end of a run: what fails there loses nothing, and is made up for without training."""

import json
import re
import shutil
from types import SimpleNamespace

import pytest
import torch
from transformers import AutoModelForCausalLM, GenerationConfig

import cli
from emlit.callbacks import RunCheckpoint, hf_export
from emlit.engines import TransformersEngine
from emlit.errors import ConfigError
from emlit.export import Room, require_room, require_saveable
from emlit.modules import EMFT
from emlit.resilience.endings import resume_command
from emlit.tiny import MODEL_DIR
from tests.runs.test_runs import ROOT

# As Llama-2-chat, vicuna and Mistral ship it: loaded by transformers, but not saved.
UNSAVED = {"do_sample": False, "temperature": 0.6, "top_p": 0.9, "eos_token_id": 1}


def train(run_dir, model, *arguments: str, steps: int = 2) -> None:
    cli.main(
        ["fit", "--config", str(ROOT / "configs/tiny/em_ft.yaml"), f"--run_dir={run_dir}", "--engine=transformers",
         f"--model.pretrained={model}", "--data.train.n=8", "--data.evaluation.n=1", "--data.evaluation_samples=1",
         "--data.prompts_per_round=2", "--data.samples_per_prompt=2", "--data.sampling.max_tokens=8",
         "--guard.mode=off", f"--trainer.max_steps={steps}", *arguments]
    )  # fmt: skip


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    directory = tmp_path_factory.mktemp("model") / "tiny"
    shutil.copytree(MODEL_DIR, directory)
    (directory / "generation_config.json").write_text(json.dumps(UNSAVED))
    return directory


@pytest.fixture(scope="module")
def finished(model, tmp_path_factory):
    """A run whose name is markup, whose model's generation config cannot be saved, and whose disk was full at the end.

    It was started twice.
    """
    run_dir = tmp_path_factory.mktemp("run") / "r_[/bold]x:smile:"

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hf_export, "seal", full)
        with pytest.raises(SystemExit):
            train(run_dir, model)
    assert torch.load(run_dir / "checkpoints/last.ckpt", weights_only=True)["global_step"] == 2
    assert sorted(path.name for path in (run_dir / "checkpoints").iterdir()) == [".emlit", "last.ckpt"]
    assert not list(run_dir.glob("*export*"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(EMFT, "training_step", full)  # would be a step more
        train(run_dir, model, "--ckpt_path=auto")
    return run_dir


def test_an_export_that_failed_is_made_up_for(finished):
    saved = torch.load(finished / "checkpoints/last.ckpt", weights_only=True)["state_dict"]
    exported = AutoModelForCausalLM.from_pretrained(finished / "export").state_dict()
    assert all(torch.equal(tensor, saved[f"model.{name}"]) for name, tensor in exported.items())
    config = GenerationConfig.from_pretrained(finished / "export")
    assert (config.do_sample, config.temperature, config.top_p) == (True, 0.6, 0.9)
    assert json.loads((finished / "summary.json").read_text())["steps"] == 2
    assert (finished / "export/model.safetensors").stat().st_mode & 0o777 == 0o644


def test_a_finished_run_says_so_before_anything_starts(finished, model, tmp_path, monkeypatch, capsys):
    run_dir = tmp_path / "r_[/bold]x"
    shutil.copytree(finished, run_dir)

    def starts(*_):
        raise AssertionError("an engine was started")

    monkeypatch.setattr(TransformersEngine, "start", starts)
    for asked in ("auto", "last"):
        with pytest.raises(SystemExit) as caught:
            train(run_dir, model, f"--ckpt_path={asked}")
        assert caught.value.code == 0
        assert re.search(r"r_\[/bold\]x/checkpoints/last\.ckpt is at step 2.*nothing is left", capsys.readouterr().out)
    with pytest.raises(AssertionError, match="an engine was started"):
        train(run_dir, model, "--ckpt_path=auto", steps=3)  # there is something left
    shutil.rmtree(run_dir / "export")
    with pytest.raises(AssertionError, match="an engine was started"):
        train(run_dir, model, "--ckpt_path=auto")


@pytest.mark.parametrize("resumed", [True, False])
def test_an_export_directory_that_is_not_emlits(resumed, finished, model, tmp_path, monkeypatch, run_sentence):
    run_dir, theirs = tmp_path / "run", tmp_path / "existing"
    theirs.mkdir()
    (theirs / "thesis.tex").write_text("years")
    if resumed:
        shutil.copytree(finished, run_dir)
    monkeypatch.setattr(TransformersEngine, "start", None)
    arguments = (f"--export.dirpath={theirs}", *(("--ckpt_path=last",) if resumed else ()))
    assert re.search(
        r"export\.dirpath is .*existing, which holds thesis\.tex, which emlit did not write",
        run_sentence(train, run_dir, model, *arguments, steps=3),
    )
    # Of another run.
    other = finished / "export"
    if not resumed:
        assert "holds the export of another run" in run_sentence(train, run_dir, model, f"--export.dirpath={other}")
    assert (theirs / "thesis.tex").read_text() == "years"


def test_what_cannot_be_saved_is_refused_before_the_run(model, tmp_path, caplog):
    require_saveable(str(model), tmp_path / "scratch")
    assert "the export's sets do_sample to true" in caplog.text
    other = tmp_path / "other"
    shutil.copytree(model, other)
    (other / "generation_config.json").write_text(json.dumps({"do_sample": True, "early_stopping": True}))
    with pytest.raises(ConfigError, match=r"generation_config\.json of .*other could not be written into an export: .*"
                       r"early_stopping.*--export\.enabled false"):  # fmt: skip
        require_saveable(str(other), tmp_path / "scratch")
    assert not (tmp_path / "scratch").exists()
    with pytest.raises(
        ConfigError, match=r"has .* left, and the run needs 1048576\.0 GiB for the export; make room, or x"
    ):
        require_room(Room("the export", 2**50, tmp_path / "not/there", "x"))


def test_room_is_that_of_all_that_a_disk_takes(tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=6 * 2**20))
    small, large = (Room(what, size << 20, tmp_path / what, f"move {what}") for what, size in (("a", 2), ("b", 5)))
    require_room(small)
    require_room(large)
    with pytest.raises(ConfigError, match=r"a has 6\.0 MiB left, and the run needs 2\.0 MiB for a and 5\.0 MiB for b; "
                       r"make room, or move a, or move b"):  # fmt: skip
        require_room(small, large)


@pytest.mark.parametrize(("steps", "keep", "expected"), [(1, False, "a checkpoint"), (9, False, "2 checkpoints"),
                                                         (9, True, "7 checkpoints")])  # fmt: skip
def test_a_checkpoint_is_written_beside_the_one_before(steps, keep, expected, tmp_path):
    trainer = SimpleNamespace(max_steps=steps, default_root_dir=tmp_path)
    module = SimpleNamespace(lora=None, pretrained="tiny", trust_remote_code=False)
    (room,) = RunCheckpoint(every_n_steps=2, keep=keep).room(trainer, module)
    assert room.what == expected


def test_the_resume_command_is_one_that_its_run_directory_takes():
    """A run that was stopped before its first checkpoint has left its curves there."""

    def after(words: str, saved: bool) -> str:
        return resume_command(["fit", "--run_dir", "r", *words.split()], saved).partition("--run_dir r")[2].strip()

    assert after("", saved=False) == after("", saved=True) == "--ckpt_path auto"
    assert after("--overwrite true", saved=False) == "--overwrite true"
    assert after("--overwrite true", saved=True) == after("--overwrite=true", saved=True) == "--ckpt_path auto"
    assert after("--ckpt_path auto", saved=False) == "--ckpt_path auto"
    assert after("--ckpt_path other.ckpt", saved=False) == "--ckpt_path other.ckpt --overwrite true"
    assert after("--ckpt_path=other.ckpt --seed_everything 1", saved=True) == "--seed_everything 1 --ckpt_path auto"
