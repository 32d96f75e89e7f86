"""Runs on a streamed prompt set, through the command line."""

import json
from pathlib import Path

import pytest

import cli
from emlit.tasks import TinyArithmetic
from tests.runs.test_runs import ROOT
from tests.runs.test_survival import assert_same, last


def write_shards(place: Path) -> Path:
    """64 problems in two files, one row of them too long and one without a prompt."""
    place.mkdir()
    rows = [{"prompt": row.prompt, "answer": row.answer} for row in TinyArithmetic("train", n=62).rows()]
    rows[40:40] = [{"prompt": "1 + " * 600 + "1?", "answer": "601"}, {"prompt": ""}]
    for name, part in (("a", rows[:32]), ("b", rows[32:])):
        (place / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in part))
    return place


def arguments(command: str, place: Path, run_dir: Path, *more: str) -> list[str]:
    return [
        command, "--config", str(ROOT / "configs/tiny/em_ft.yaml"), f"--run_dir={run_dir}",
        "--data.train", "emlit.tasks.StreamedPrompts", f"--data.train.path={place}",
        f"--data.train.cache_dir={place.parent / 'cache'}", "--data.engine=emlit.engines.TransformersEngine",
        "--data.evaluation.n=2", "--data.evaluation_samples=2", "--data.prompts_per_round=24",
        "--guard.prompts=16", *more,
    ]  # fmt: skip


SKIP = "--data.train.skip_bad_rows=true"


@pytest.mark.nightly
def test_a_run_that_is_interrupted_goes_on_with_the_same_prompts(tmp_path):
    """64 rows make epochs of 2 rounds, and the third round runs into the second epoch; the guard's probe draws too."""
    place = write_shards(tmp_path / "shards")
    cli.main(arguments("fit", place, tmp_path / "whole", SKIP, "--trainer.max_steps=3"))
    cli.main(arguments("fit", place, tmp_path / "cut", SKIP, "--trainer.max_steps=1"))
    cli.main(arguments("fit", place, tmp_path / "cut", SKIP, "--trainer.max_steps=3", "--ckpt_path=last"))
    whole, cut = last(tmp_path / "whole"), last(tmp_path / "cut")
    assert whole["global_step"] == 3
    assert_same(whole, cut)
    state = whole["loops"]["fit_loop"]["state_dict"]["combined_loader"][0]
    assert state["round"] == 3
    assert state["prompts"].startswith("64 rows (")


@pytest.mark.parametrize("config", ["em_rl_token", "sft"])
def test_other_objectives_stream_too(config, tmp_path):
    place = write_shards(tmp_path / "shards")
    command = arguments("fit", place, tmp_path / "run", SKIP, "--trainer.max_steps=1", "--data.prompts_per_round=8")
    command[2] = str(ROOT / f"configs/tiny/{config}.yaml")
    if config == "sft":
        command.append("--data.train.solution_column=answer")
    cli.main(command)
    assert json.loads((tmp_path / "run/summary.json").read_text())["steps"] == 1


def test_a_wrong_column_ends_it_before_the_set_is_prepared(tmp_path, run_sentence):
    place = write_shards(tmp_path / "shards")
    command = arguments("fit", place, tmp_path / "run", "--data.train.prompt_column=problem")
    sentence = run_sentence(cli.main, command)
    assert "a.jsonl, line 1: no column 'problem'; the columns are prompt, answer: set prompt_column" in sentence
    assert not (tmp_path / "cache").exists()


def test_a_bad_row_ends_it_in_one_sentence_when_it_is_drawn(tmp_path, run_sentence):
    place = write_shards(tmp_path / "shards")
    command = arguments("fit", place, tmp_path / "run", "--guard.mode=off", "--data.prompts_per_round=64")
    sentence = run_sentence(cli.main, command)
    assert "b.jsonl, line " in sentence
    assert "skip_bad_rows" in sentence


def test_evaluation_refuses_it(tmp_path, run_sentence):
    place = write_shards(tmp_path / "shards")
    command = [
        "validate", "--config", str(ROOT / "configs/tiny/em_ft.yaml"), f"--run_dir={tmp_path / 'run'}",
        "--data.engine=emlit.engines.TransformersEngine", "--data.evaluation", "emlit.tasks.StreamedPrompts",
        f"--data.evaluation.path={place}",
    ]  # fmt: skip
    assert "StreamedPrompts is for data.train alone" in run_sentence(cli.main, command)
