"""Prompts that training leaves out, to be evaluated on."""

import json

import pytest

from emlit.errors import ConfigError
from emlit.rollout import Chat, RolloutDataModule, training_prompts
from emlit.rollout.held_out import held_out_prompts, how_many
from emlit.tasks import PromptFile, StreamedPrompts


@pytest.fixture
def task_of(tmp_path):
    def make(rows: list[dict], streamed: bool = False, **options):
        path = tmp_path / "p.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return (
            StreamedPrompts(str(path), cache_dir=str(tmp_path), **options)
            if streamed
            else PromptFile(str(path), **options)
        )

    return make


ROWS = [{"prompt": f"{i}+1?", "solution": str(i + 1)} for i in range(40)]


def split(task, tokenizer, hold_out, **options) -> tuple[list[str], list[str]]:
    chat = Chat(tokenizer)
    train = training_prompts(task, tokenizer, 100, lambda prompts: None, chat=chat, hold_out=hold_out, **options)
    held = held_out_prompts(task, chat, 100, hold_out)
    return [prompt.row.prompt for prompt in train], [prompt.row.prompt for prompt in held]


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(("hold_out", "expected"), [(None, 4), (7, 7), (0.5, 20), (100, 39), (0, 0)])
def test_what_is_held_out_is_not_trained_on(streamed, hold_out, expected, task_of, tokenizer):
    train, held = split(task_of(ROWS, streamed), tokenizer, hold_out)
    assert (len(held), len(train)) == (expected, 40 - expected)
    assert {*train, *held} == {row["prompt"] for row in ROWS}
    assert split(task_of(ROWS, streamed), tokenizer, hold_out) == (train, held)
    assert split(task_of(ROWS, streamed), tokenizer, hold_out, solutions=(1, 100)) == (train, held)


def test_it_follows_from_the_text_and_not_from_the_place(task_of, tokenizer):
    _, held = split(task_of(ROWS), tokenizer, 5)
    _, again = split(task_of(ROWS[::-1]), tokenizer, 5)
    assert sorted(held) == sorted(again)
    train, held = split(task_of(ROWS * 2), tokenizer, 5)  # each problem twice
    assert not {*train} & {*held}
    assert len(held) == 6


def test_rows_that_cannot_be_used_do_not_move_the_border(task_of, tokenizer):
    rows = [*ROWS, {"prompt": "9" * 300}, {"prompt": "8" * 300}]
    for streamed in (False, True):
        train, held = split(task_of(rows, streamed, skip_bad_rows=True), tokenizer, 20)
        assert not {*train} & {*held}


def test_too_few_to_hold_any_out(task_of, tokenizer):
    assert split(task_of(ROWS[:1]), tokenizer, None) == (["0+1?"], [])
    assert split(task_of(ROWS[:1] * 3), tokenizer, None) == (["0+1?"] * 3, [])
    assert [how_many(None, n) for n in (1, 2, 19, 20, 2000, 10**6)] == [0, 1, 1, 2, 128, 128]


def test_settings(task_of):
    task = task_of(ROWS)
    data = RolloutDataModule(train=task)
    assert (data.evaluation_tasks, data.hold_out) == ([task], None)
    assert RolloutDataModule(train=task, hold_out=0.2).hold_out == 0.2
    assert (RolloutDataModule(train=task, evaluation=None).evaluation_tasks) == []
    other = task_of(ROWS)
    assert RolloutDataModule(train=task, evaluation=other).evaluation_tasks == [other]
    assert RolloutDataModule(train=task, evaluation=other).hold_out == 0
    for wrong in (0, -1, 1.5, 0.0):
        with pytest.raises(ConfigError, match="data.hold_out is"):
            RolloutDataModule(train=task, hold_out=wrong)
    with pytest.raises(ConfigError, match=r"data.hold_out is set, and so is data\.evaluation"):
        RolloutDataModule(train=task, evaluation=other, hold_out=3)
