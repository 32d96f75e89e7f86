"""Given completions in place of sampled ones."""

import json

import pytest
import torch

from emlit.callbacks.entropy_curves import EntropyCurves
from emlit.engines import Sampling
from emlit.errors import DataError
from emlit.rollout import RoundPlan, SolutionStream, render, with_solutions
from emlit.tasks import PromptFile, TinyArithmetic
from tests.unit.rollout.test_stream import Echo

END = 7


def prompts_of(tmp_path, tokenizer, *rows: dict, **options):
    path = tmp_path / "p.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return render(PromptFile(str(path), **options), tokenizer, 100)


def stream_of(prompts, tokenizer, **shape) -> SolutionStream:
    return SolutionStream(prompts, Echo(), tokenizer, Sampling(), RoundPlan(2, 1, 1, **shape), 0, lambda: 0)


def test_a_round_holds_the_solutions_and_the_end_token(tmp_path, tokenizer):
    rows = [{"prompt": "1+1?", "solution": r"It is \boxed{2}"}, {"prompt": "2+2?", "solution": "4"}]
    prompts = with_solutions(prompts_of(tmp_path, tokenizer, *rows), tokenizer, tokenizer.eos_token_id, 100)
    stream = stream_of(prompts, tokenizer)
    batch = next(iter(stream))
    assert stream.engine.seen == []  # nobody was asked
    assert batch.sampler_logprobs is None
    for row, group in enumerate(batch.groups):
        text = group.prompt.row.solution
        assert tokenizer.decode(batch.tokens[row][batch.completion_mask[row]]) == text + tokenizer.eos_token
        assert group.texts == [text]
        assert batch.tokens[row][: len(group.prompt.tokens)].tolist() == group.prompt.tokens
    assert batch.normaliser.tokens == batch.completion_mask.sum()
    assert batch.finish_reasons == ["stop", "stop"]
    assert batch.to("meta").tokens.device.type == "meta"


def test_the_tiny_task_has_right_solutions_of_its_corpus(tokenizer):
    for difficulty in ("default", "hard"):
        task = TinyArithmetic("train", n=50, difficulty=difficulty)
        opening = "Step by step:\n" if difficulty == "default" else "Product first:\n"
        for row in task.rows():
            assert task.grade(row, row.solution).correct
            assert row.solution.startswith(opening)
            for line in row.solution.splitlines()[1:-1]:
                left, _, right = line.partition("=")
                assert eval(left) == int(right)
    hard = TinyArithmetic("train", n=1, difficulty="hard").rows()[0]
    assert (hard.prompt, hard.solution) == ("What is 69+9*5?", "Product first:\n9*5=45\n69+45=114\n\\boxed{114}")


def test_rows_without_a_solution(tmp_path, tokenizer):
    rows = [{"prompt": "a", "solution": "b"}, {"prompt": "c"}, {"prompt": "d", "solution": "  "}]
    with pytest.raises(DataError, match=r"p\.jsonl, line 2: no solution to learn from; set solution_column"):
        with_solutions(prompts_of(tmp_path, tokenizer, *rows), tokenizer, END, 100)
    found = with_solutions(prompts_of(tmp_path, tokenizer, *rows, skip_bad_rows=True), tokenizer, END, 100)
    assert [prompt.row.prompt for prompt in found] == ["a"]
    with pytest.raises(DataError, match="no row has a solution that fits"):
        with_solutions(prompts_of(tmp_path, tokenizer, *rows[1:], skip_bad_rows=True), tokenizer, END, 100)


def test_a_solution_fits_the_context_with_its_end_token(tmp_path, tokenizer, caplog):
    rows = [{"prompt": "a", "solution": "1"}, {"prompt": "b", "solution": "1" * 50}]
    prompts = prompts_of(tmp_path, tokenizer, *rows)
    longest = len(prompts[1].tokens) + 50 + 1
    assert len(with_solutions(prompts, tokenizer, END, longest)) == 2
    with pytest.raises(DataError, match=r"p\.jsonl, line 2: the solution has 51 tokens, .* leaves room for 50 after"):
        with_solutions(prompts, tokenizer, END, longest - 1)
    prompts = prompts_of(tmp_path, tokenizer, *rows, skip_bad_rows=True)
    assert len(with_solutions(prompts, tokenizer, END, longest - 1)) == 1
    assert "skipped 1 rows" in caplog.text


def test_solution_columns(tmp_path):
    path = tmp_path / "numina.jsonl"
    rows = [
        {"problem": "a", "solution": r"First \boxed{1}, then \boxed{\frac{3}{4}}.", "answer": "unused"},
        {"problem": "b", "solution": "This is a proof."},
        {"problem": "c"},
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    plain = PromptFile(str(path), prompt_column="problem").rows()
    assert [row.solution for row in plain] == [rows[0]["solution"], rows[1]["solution"], None]
    assert [row.answer for row in plain] == ["unused", None, None]
    with pytest.raises(DataError, match=r"line 2: the solution has no \\boxed\{\}.*skip_bad_rows"):
        PromptFile(str(path), prompt_column="problem", answer_from_solution=True).rows()
    task = PromptFile(str(path), prompt_column="problem", answer_from_solution=True, skip_bad_rows=True)
    assert [(row.prompt, row.answer) for row in task.rows()] == [("a", r"\frac{3}{4}")]
    with pytest.raises(DataError, match="line 1: no text in column 'proof'"):
        PromptFile(str(path), prompt_column="problem", solution_column="proof", answer_from_solution=True).rows()


def test_many_bad_rows_are_counted_rather_than_named(tmp_path, caplog):
    path = tmp_path / "p.jsonl"
    path.write_text('{"prompt": "good"}\n' + "[]\n" * 30)
    assert len(PromptFile(str(path), skip_bad_rows=True).rows()) == 1
    assert caplog.text.count("not a JSON object") == 5
    assert "skipped 30 rows in all" in caplog.text


def test_no_curve_compares_solutions_with_a_sampler(tmp_path, tokenizer):
    from types import SimpleNamespace

    from emlit.curves.scalars import completion_scalars
    from emlit.functional import TokenStats
    from emlit.modules import StepOutput

    prompts = with_solutions(
        prompts_of(tmp_path, tokenizer, *[{"prompt": str(i), "solution": "1", "answer": "1"} for i in range(2)]),
        tokenizer, tokenizer.eos_token_id, 100,
    )  # fmt: skip
    stream = stream_of(prompts, tokenizer)
    batch = next(iter(stream))
    zeros = torch.zeros(batch.tokens.shape)
    curves = EntropyCurves()
    curves.records = [StepOutput(batch, TokenStats(zeros, zeros), {}, torch.tensor(1.0), zeros)]
    curves.last_end = 1.0
    optimizer = SimpleNamespace(param_groups=[{"lr": 0.1}])
    trainer = SimpleNamespace(
        datamodule=SimpleNamespace(stream=stream), callbacks=[], optimizers=[optimizer], global_step=1
    )
    found = curves._machinery(trainer, tokens=4, began=0.0) | completion_scalars(curves.records)
    assert found["loss/total"] == 1
    assert not {name for name in found if name.startswith(("sync/", "accuracy/", "format/"))}
