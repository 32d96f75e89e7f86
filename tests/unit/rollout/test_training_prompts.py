"""Prompts that are made when they are drawn, and the stream over them."""

import json
import logging
from types import SimpleNamespace

import pytest

from emlit.engines import Sampling
from emlit.errors import ConfigError, DataError
from emlit.rewards import VerifiedAnswerReward
from emlit.rollout import LazyPrompts, PromptList, RolloutStream, RoundPlan, render, training_prompts
from emlit.tasks import PromptFile, StreamedPrompts
from tests.unit.rollout.test_stream import Echo

END = 1


@pytest.fixture
def prompts_of(tmp_path, tokenizer):
    def make(rows: list[dict], longest: int = 100, check=lambda prompts: None, solutions=None, **options):
        path = tmp_path / "set.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        task = StreamedPrompts(str(path), cache_dir=str(tmp_path / "cache"), **options)
        return training_prompts(task, tokenizer, longest, check, solutions)

    return make


def stream_over(prompts, tokenizer, per_round: int = 6, rank: int = 0, ranks: int = 1, seed: int = 0) -> RolloutStream:
    clock = SimpleNamespace(step=0)
    shape = RoundPlan(per_round, 2, 1, rank, ranks)
    return RolloutStream(prompts, Echo(), tokenizer, Sampling(), shape, seed, lambda: clock.step)


def ids(drawn) -> list[tuple[int, str]]:
    return [(place, prompt.row.id) for place, prompt in drawn]


GOOD = [{"prompt": f"{i}+1?", "answer": str(i + 1), "solution": f"{i + 1}"} for i in range(40)]


def test_prompts_are_those_of_a_file_that_is_read_whole(tmp_path, prompts_of, tokenizer):
    lazy = prompts_of(GOOD, solutions=(END, 100))
    assert isinstance(lazy, LazyPrompts)
    whole = training_prompts(
        PromptFile(str(tmp_path / "set.jsonl")), tokenizer, 100, lambda prompts: None, solutions=(END, 100)
    )
    assert isinstance(whole, PromptList)
    assert [(p.row, p.tokens, p.solution) for p in lazy] == [(p.row, p.tokens, p.solution) for p in whole]


def test_nothing_is_read_before_it_is_drawn(prompts_of, tokenizer):
    made = []
    prompts = prompts_of(GOOD, check=made.extend)
    assert len(made) == 4  # the first rows
    stream_over(prompts, tokenizer).draw(3)
    assert len(made) == 4 + 6


def test_an_epoch_goes_through_all_prompts_in_an_order_of_its_own(prompts_of, tokenizer):
    stream = stream_over(prompts_of(GOOD), tokenizer, per_round=10)
    assert len(stream) == 4
    epochs = [[name for r in range(e * 4, e * 4 + 4) for _, name in ids(stream.draw(r))] for e in range(3)]
    assert all(sorted(epoch, key=int) == [str(i) for i in range(40)] for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 3
    other = stream_over(prompts_of(GOOD), tokenizer, per_round=10, seed=1)
    assert ids(other.draw(0)) != ids(stream.draw(0))


@pytest.mark.parametrize("ranks", [2, 3])
def test_ranks_together_draw_what_one_draws(ranks, prompts_of, tokenizer):
    rows = [*GOOD, {"prompt": ""}, {"prompt": "x " * 300}]
    alone = stream_over(prompts_of(rows, skip_bad_rows=True), tokenizer)
    shares = [stream_over(prompts_of(rows, skip_bad_rows=True), tokenizer, rank=r, ranks=ranks) for r in range(ranks)]
    for round in range(20):
        drawn = [ids(share.draw(round)) for share in shares]
        assert {len(each) for each in drawn} == {6 // ranks}
        assert sorted(sum(drawn, [])) == ids(alone.draw(round))


def test_a_run_goes_on_with_other_ranks(prompts_of, tokenizer):
    first = stream_over(prompts_of(GOOD), tokenizer, rank=1, ranks=2)
    first.round = 5
    state = first.state_dict()
    assert state["round"] == 5
    resumed = [stream_over(prompts_of(GOOD), tokenizer, rank=r, ranks=3) for r in range(3)]
    for stream in resumed:
        stream.load_state_dict(state)
    alone = stream_over(prompts_of(GOOD), tokenizer)
    assert sorted(sum((ids(s.draw(s.round)) for s in resumed), [])) == ids(alone.draw(5))


def test_another_set_is_told_when_a_run_goes_on(prompts_of, tokenizer, caplog):
    state = stream_over(prompts_of(GOOD), tokenizer).state_dict()
    stream_over(prompts_of(GOOD), tokenizer).load_state_dict(state)
    stream_over(prompts_of(GOOD), tokenizer).load_state_dict({"round": 3})  # a checkpoint of before
    assert not caplog.records
    stream = stream_over(prompts_of(GOOD[:-1]), tokenizer)
    stream.load_state_dict(state)
    assert [r.message for r in caplog.records if "data.train was changed" in r.message and "39 rows" in r.message]
    caplog.clear()
    stream_over(prompts_of(GOOD[:-1]), tokenizer, rank=1, ranks=2).load_state_dict(state)
    assert not caplog.records


def test_a_bad_row_ends_the_run_when_it_is_drawn(prompts_of, tokenizer):
    prompts = prompts_of([*GOOD, {"prompt": "x " * 300}])
    stream = stream_over(prompts, tokenizer)
    with pytest.raises(DataError, match=r"line 41: the prompt has \d+ tokens.*skip_bad_rows"):
        [stream.draw(round) for round in range(7)]  # 42 of 41 rows


def test_a_bad_row_gives_way_to_others_that_are_spread(prompts_of, caplog):
    rows = [*GOOD, *[{"prompt": " "}] * 200, *GOOD]
    prompts = prompts_of(rows, skip_bad_rows=True)
    with caplog.at_level(logging.WARNING):
        found = [prompts[index].row.prompt for index in range(40, 240)]
    assert found == [prompts[index].row.prompt for index in range(40, 240)]
    # 200 draws out of 40 texts: each about 5 times; the row behind the stretch would have been 200 times.
    assert max(found.count(each) for each in found) < 20
    assert len(set(found)) > 30
    told = [record.message for record in caplog.records]
    assert len(told) == 5 + 2
    assert told[0].startswith("replaced by another row: ")
    assert "line 41: the prompt is empty" in told[0]
    assert told[5:] == [f"set: {count} rows drawn so far could not be used and were replaced" for count in (10, 100)]


def test_rows_that_cannot_be_used_are_found_before_the_set_is_prepared(tmp_path, prompts_of):
    for options in ({}, {"skip_bad_rows": True}):
        with pytest.raises(DataError, match="line 1: no column 'problem'; the columns are prompt"):
            prompts_of(GOOD, prompt_column="problem", **options)
        with pytest.raises(DataError, match=r"line 1: the prompt has \d+ tokens"):
            prompts_of(GOOD, longest=1, **options)
        with pytest.raises(DataError, match="line 1: no solution to learn from"):
            prompts_of(GOOD, solution_column="worked", solutions=(END, 100), **options)
        with pytest.raises(DataError, match="line 1: no label, and VerifiedAnswerReward"):
            prompts_of(GOOD, answer_column="label", check=VerifiedAnswerReward().check, **options)
    assert not (tmp_path / "cache").exists()


def test_what_a_reward_cannot_judge_is_found_when_it_is_drawn(prompts_of):
    rows = [*GOOD, {"prompt": "no label"}]
    with pytest.raises(DataError, match="line 41: no label"):
        prompts_of(rows, check=VerifiedAnswerReward().check)[40]
    replaced = prompts_of(rows, check=VerifiedAnswerReward().check, skip_bad_rows=True)[40]
    assert replaced.row.answer is not None
    replaced = prompts_of([*GOOD, {"prompt": "x"}], solutions=(END, 100), skip_bad_rows=True)[40]
    assert replaced.solution[-1] == END


def test_only_training_can_stream(tmp_path, prompts_of, tokenizer):
    task = prompts_of(GOOD).task
    with pytest.raises(ConfigError, match=r"StreamedPrompts is for data\.train alone.*PromptFile"):
        render(task, tokenizer, 100)


def test_a_set_of_nothing_but_bad_rows_ends(prompts_of):
    prompts = prompts_of([*GOOD[:4], *[{"prompt": " "}] * 3], skip_bad_rows=True)
    prompts.make = lambda row: (_ for _ in ()).throw(DataError("no"))
    with pytest.raises(DataError, match="cannot be used; check its files"):
        prompts[0]
