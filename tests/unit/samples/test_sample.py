"""Which completions are shown, and what is kept of them."""

import json
from dataclasses import asdict, replace

import pytest
import torch

from emlit.samples import choose, sample_of
from tests.conftest import make_batch
from tests.unit.samples.rounds import make_record, make_text_group


def test_a_sample_by_hand(tokenizer):
    group = make_text_group(tokenizer, "What is 1+1?", ["so \\boxed{2}", "\\boxed{3}"], answer="2")
    record = make_record(
        make_batch([group]), reward=[0.25, -0.25], entropy=[[0.125, 2.0], [0.5]], logprob=[[-0.25, -1.0], [-2.0]]
    )
    right, wrong = (sample_of(7, record, 0, i, tokenizer, max_tokens=99) for i in (0, 1))
    count = len(group.completions[0].tokens)
    assert "".join(text for text, *_ in right.tokens) == "so \\boxed{2}" + tokenizer.eos_token
    assert [entropy for _, entropy, _ in right.tokens] == [0.125, 2.0] + [0.0] * (count - 2)
    assert [logprob for _, _, logprob in right.tokens] == [-0.25, -1.0] + [0.0] * (count - 2)
    assert right.mean_entropy == pytest.approx(2.125 / count, abs=1e-4)
    assert right.mean_logprob == pytest.approx(-1.25 / count, abs=1e-4)
    assert (right.step, right.correct, right.answer, right.label, right.reward) == (7, True, "2", "2", 0.25)
    assert (wrong.correct, wrong.answer, wrong.sample, wrong.reward, wrong.advantage) == (False, "3", 1, -0.25, -0.5)
    assert (right.length, right.finish_reason, right.omitted) == (count, "stop", None)
    assert right.prompt == "What is 1+1?"
    assert right.input == "What is 1+1?"


def test_no_label_no_reward(tokenizer):
    record = make_record(make_batch([make_text_group(tokenizer, "1?", ["1+"], answer=None)]))
    sample = sample_of(1, record, 0, 0, tokenizer, 99)
    assert (sample.correct, sample.reward, sample.advantage, sample.answer) == (None, None, None, None)


def test_long_completions_keep_their_two_ends(tokenizer):
    text = "0123456789" * 10
    record = make_record(make_batch([make_text_group(tokenizer, "1?", [text])]))
    sample = sample_of(1, record, 0, 0, tokenizer, max_tokens=20)
    assert "".join(line[0] for line in sample.tokens) == text[:15] + text[-4:] + tokenizer.eos_token
    # 101 with the end token: 15 in front, 5 behind, 81 between.
    assert sample.omitted == (15, 81)
    assert sample.length == 101


def test_values_that_json_does_not_know(tokenizer):
    record = make_record(
        make_batch([make_text_group(tokenizer, "1?", ["1"])]), entropy=[[float("nan")]], logprob=[[-float("inf")]]
    )
    sample = sample_of(1, record, 0, 0, tokenizer, 9)
    assert sample.tokens[0][1:] == (None, None)
    assert "NaN" not in json.dumps(asdict(sample))


def test_the_choice_does_not_depend_on_micro_batches(tokenizer):
    groups = [make_text_group(tokenizer, f"{i}?", [str(i)] * 8) for i in range(10)]
    whole = [make_record(make_batch(groups))]
    cut = [make_record(make_batch(groups[:3])), make_record(make_batch(groups[3:]))]

    def prompts(records, completions):
        found = choose(records, completions, seed=5)
        return [(record.batch.groups[group].prompt.row.id, completion) for record, group, completion in found]

    assert prompts(whole, 16) == prompts(cut, 16)
    # Four prompts, four completions of each.
    assert len(prompts(whole, 16)) == 16
    assert len({name for name, _ in prompts(whole, 16)}) == 4
    assert [completion for _, completion in prompts(whole, 16)] == [0, 1, 2, 3] * 4
    assert len(prompts(whole, 3)) == 3
    assert len(prompts(whole, 1000)) == 40
    assert choose(whole, 16, seed=5) != choose(whole, 16, seed=6)


def test_one_completion_a_prompt(tokenizer):
    record = make_record(make_batch([make_text_group(tokenizer, f"{i}?", ["1"]) for i in range(30)]))
    assert len({group for _, group, _ in choose([record], 16, seed=0)}) == 16


def test_bfloat16_stats(tokenizer):
    record = make_record(make_batch([make_text_group(tokenizer, "1?", ["12"])]), entropy=[[0.5, 1.0]])
    stats = type(record.stats)(*(value.to(torch.bfloat16) for value in record.stats))
    assert sample_of(1, replace(record, stats=stats), 0, 0, tokenizer, 9).tokens[1][1] == 1.0
