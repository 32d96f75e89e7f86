"""AEPO's second wave, and which of its completions are trained on."""

import pytest

from emlit.engines import Completion
from emlit.rollout.waves import Trainee
from emlit.rollouts import AEPO
from tests.unit.rollout.rollouts import (
    DIGITS,
    Numbers,
    described,
    first_digit,
    make_stream,
    resumed_is_the_same,
    rounds,
    score,
)
from tests.unit.rollout.several import together


class Tempered(Numbers):
    """At the run's temperature all say 1; at another, of each prompt's four the first says 9."""

    def generate(self, requests, sampling, on_finished=None):
        self.seen.extend(requests)
        self.temperatures += [sampling.temperature] * len(requests)
        plain = sampling.temperature == 1
        return [
            Completion([DIGITS + (1 if plain or i % 4 else 9), 1], [-0.3, -0.1], "stop") for i in range(len(requests))
        ]


def test_the_second_wave_by_hand(tokenizer):
    stream = make_stream(tokenizer, AEPO(rows=4), engine=Tempered(), prompts=16, per_round=8, micro_batches=1)
    first, second = rounds(stream, 2)
    # Below the target, as the entropy is 0 at the start: a quarter of 8 prompts again, 4 of each, at 1.2.
    assert stream.engine.temperatures[: 8 * 4 + 2 * 4] == [1.0] * 32 + [1.2] * 8
    plain, apart = first
    assert not plain.apart
    assert len(plain.groups) == 8  # 2 // 4 of them give way
    assert apart.apart
    assert apart.advantages.tolist() == [1.0, 1.0]
    assert apart.samples_per_prompt == 1
    assert {c.temperature for group in apart.groups for c in group.completions} == {1.2}
    # Log p is the policy's own, by the hand-written policy -1 and -2, and not the sampler's.
    assert apart.sampler_logprobs[apart.completion_mask].tolist() == [-1.0, -2.0] * 2
    # They are averaged with the others.
    assert plain.normaliser == apart.normaliser == (8 * 4 * 2 + 2 * 2, 34)
    assert stream.waves.rollouts.entropy == pytest.approx((32 * 0.4 + 2 * 3.0) / (64 + 4))
    assert (second[0].ends_round, second[1].ends_round) == (False, True)


def test_above_the_target_it_cools_and_takes_half(tokenizer):
    stream = make_stream(
        tokenizer, AEPO(target=0.1, rows=60), engine=Tempered(), prompts=16, per_round=8, micro_batches=1
    )
    first, second = rounds(stream, 2)
    assert stream.engine.temperatures[40:] == [1.0] * 32 + [0.8] * 8
    assert len(first[1].groups) == 2
    assert len(second[1].groups) == 1


def test_whole_groups_give_way(tokenizer):
    class Half(Tempered):
        def generate(self, requests, sampling, on_finished=None):
            found = super().generate(requests, sampling)
            return [Completion([DIGITS + 9, 1], c.logprobs, "stop") if i % 2 else c for i, c in enumerate(found)]

    # Three of each four at 1.2 say 9: six above the threshold, and one group of four gives way to them.
    stream = make_stream(tokenizer, AEPO(), engine=Half(), prompts=16, per_round=8, micro_batches=1)
    ((plain, apart),) = rounds(stream, 1)
    places = {prompt.row.id: place for place, prompt in stream.draw(0)}
    assert sorted(places[group.prompt.row.id] for group in plain.groups) == [1, 2, 3, 4, 5, 6, 7]
    assert len(apart.groups) == 6


@pytest.mark.parametrize("tokens", [[DIGITS + 9, 1], [DIGITS + 1, 1]])
def test_a_round_without_a_positive_completion_is_trained_on_as_it_is(tokens, tokenizer):
    class Same(Numbers):
        def completion(self, seed):
            return Completion(tokens, [-0.1, -0.1], "stop")

    ((one, other, apart),) = rounds(make_stream(tokenizer, AEPO(), engine=Same()), 1)
    assert len(one.groups) + len(other.groups) == 4
    assert apart.tokens.shape == (0, 0)
    assert apart.advantages.shape == (0,)
    assert one.normaliser == (4 * 4 * 2, 16)


def test_a_resumed_run_is_the_same_run(tokenizer):
    options = {"prompts": 16, "per_round": 8}
    resumed_is_the_same(tokenizer, lambda: AEPO(target=0.3), 2, 2, **options)
    resumed_is_the_same(tokenizer, lambda: AEPO(target=0.3, share=1.0), 1, 3, updates=2, micro_batches=1, **options)


def test_a_round_broken_off_is_not_learnt_from(tokenizer):
    stream = make_stream(tokenizer, AEPO())
    next(iter(stream))
    assert stream.waves.rollouts.entropy > 0
    assert stream.state_dict() == {"round": 0, "prompts": "8 prompts", "rollouts": {"AEPO": {"entropy": 0.0}}}


def test_two_processes_choose_what_one_chooses(tokenizer):
    options = {"prompts": 16, "per_round": 8, "micro_batches": 1}
    whole = make_stream(tokenizer, AEPO(target=0.3, rows=3), **options)
    alone = rounds(whole, 4)
    parts = [make_stream(tokenizer, AEPO(target=0.3, rows=3), rank=rank, ranks=2, **options) for rank in range(2)]
    found = together(parts, lambda stream: rounds(stream, 4))
    assert {stream.waves.rollouts.entropy for stream in parts} == {whole.waves.rollouts.entropy}
    for batches, *others in zip(alone, *found, strict=True):
        for number in (0, 1):  # the round's own, and those apart
            groups = sorted(named(batches[number]))
            assert groups == sorted(name for each in others for name in named(each[number]))
            assert {each[number].normaliser for each in others} == {batches[number].normaliser}


def named(batch) -> list[tuple[str, tuple[str, ...]]]:
    return [(group.prompt.row.id, tuple(group.texts)) for group in batch.groups]


def test_truncated_ones_are_left_out_where_asked(tokenizer):
    class Cut(Tempered):
        def generate(self, requests, sampling, on_finished=None):
            return [Completion(c.tokens, c.logprobs, "length") for c in super().generate(requests, sampling)]

    ((plain, apart),) = rounds(make_stream(tokenizer, AEPO(), engine=Cut(), mask_truncated=True, micro_batches=1), 1)
    assert plain.normaliser == (0, 0)
    assert len(apart.groups) == 1
    assert not apart.loss_mask.any()


def test_the_cut_does_not_matter(tokenizer):
    one, other = (
        sum(rounds(make_stream(tokenizer, AEPO(), trainee=Trainee(score, first_digit), micro_batches=parts), 2), [])
        for parts in (1, 4)
    )
    assert sorted(sum(map(named, one), [])) == sorted(sum(map(named, other), []))
    assert {batch.normaliser for batch in one} == {batch.normaliser for batch in other}
    assert described(batch for batch in one if batch.apart) == described(batch for batch in other if batch.apart)
