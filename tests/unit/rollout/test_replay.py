"""A buffer of good completions, against its rules by hand."""

import math
from statistics import median
from types import SimpleNamespace

import pytest
import torch

from emlit.engines import Completion
from emlit.functional import Normaliser, grpo_advantage
from emlit.modules import EMRL, PPO
from emlit.records import Group
from emlit.rewards import GRPO, TokenEntropyReward, VerifiedAnswerReward, WeightedRewards
from emlit.rollout import collate
from emlit.rollouts import AEPO, Replay
from tests.conftest import make_batch
from tests.unit.modules.test_objectives import GROUPS, gradient, ready
from tests.unit.rollout.rollouts import Numbers, described, first_digit, make_stream, resumed_is_the_same, rounds
from tests.unit.rollout.several import together


def apart(batches):
    (found,) = (batch for batch in batches if batch.apart)
    return found


def good(batches):
    """Texts of the completions that are kept of a round, and their groups' mean rewards."""
    groups = [group for batch in batches if not batch.apart for group in batch.groups]
    texts, means = [], []
    for group, rewards in zip(groups, first_digit(groups), strict=True):
        advantages = grpo_advantage(torch.tensor([rewards]))[0]
        texts += [text for text, a in zip(group.texts, advantages.tolist(), strict=True) if a >= 1]
        means.append(sum(rewards) / len(rewards))
    return texts, means


@pytest.mark.parametrize(("size", "told"), [(160, False), (161, True)])
def test_a_size_that_is_never_reached_is_told(size, told, tokenizer, caplog):
    rounds(make_stream(tokenizer, Replay(size=size), prompts=16, per_round=8, samples=4), 2)
    assert caplog.text.count("size of Replay is 161, but 5 rounds (max_age) have 160 completions") == told


def test_what_is_kept_and_when_it_is_replayed(tokenizer):
    stream = make_stream(tokenizer, Replay(size=3, warmup=8), prompts=16, per_round=8, samples=4)
    kept, means, replays = [], [], 0
    for number, batches in enumerate(rounds(stream, 6)):
        base, replayed = median(means) if means else 0.0, apart(batches)
        # With rewards of 0 and 1 what is kept had 1; a median of 1 leaves nothing better.
        if len(kept) >= 3 and base < 1:
            weight = (1 - math.cos(math.pi * min(1, number / 8))) / 2
            assert replayed.advantages.tolist() == pytest.approx([weight * (1 - base)] * 3)
            texts = [group.texts[0] for group in replayed.groups]
            assert sorted(set(texts)) == sorted(texts)
            assert set(texts) <= {text for _, text in kept}
            assert replayed.weights_version < number == batches[0].weights_version
            assert replayed.normaliser == (3 * 5, 3)
            kept, replays = [], replays + 1
        else:
            assert len(replayed.groups) == 0
        assert batches[0].normaliser == (8 * 4 * 5, 32)  # whatever is replayed
        more, new = good(batches)
        means += new
        kept = [(age, text) for age, text in [*kept, *((number, text) for text in more)] if number - age < 5]
    assert replays >= 2


def test_what_is_replayed_is_what_was_sampled(tokenizer):
    stream = make_stream(tokenizer, Replay(size=2, warmup=0), prompts=16, per_round=8)
    found = rounds(stream, 4)
    seen = {
        (group.prompt.row.id, tuple(c.tokens), tuple(torch.tensor(c.logprobs).tolist()))
        for batches in found
        for batch in batches
        if not batch.apart
        for group in batch.groups
        for c in group.completions
    }
    replayed = [group for batches in found for group in apart(batches).groups]
    assert replayed
    for group in replayed:
        (completion,) = group.completions
        assert (group.prompt.row.id, tuple(completion.tokens), tuple(completion.logprobs)) in seen


def test_old_ones_are_forgotten(tokenizer):
    stream = make_stream(tokenizer, Replay(size=1000, max_age=2), prompts=16, per_round=8)
    rounds(stream, 5)
    assert {each["round"] for each in stream.waves.rollouts.kept} == {3, 4}
    few = make_stream(tokenizer, Replay(size=1000, baseline=5), prompts=16, per_round=8)
    rounds(few, 2)
    assert len(few.waves.rollouts.means) == 5


def test_groups_of_one_mind_keep_nothing(tokenizer):
    class Same(Numbers):
        def completion(self, seed):
            return Completion([27, 1], [-0.1, -0.1], "stop")

    for threshold in (1.0, 0.0):
        stream = make_stream(tokenizer, Replay(size=1, threshold=threshold), engine=Same())
        assert all(len(apart(batches).groups) == 0 for batches in rounds(stream, 3))
        assert stream.waves.rollouts.kept == []


def test_a_resumed_run_is_the_same_run(tokenizer):
    options = {"prompts": 16, "per_round": 8}
    resumed_is_the_same(tokenizer, lambda: Replay(size=8), 2, 3, **options)
    resumed_is_the_same(tokenizer, lambda: Replay(size=8), 3, 3, updates=2, micro_batches=1, **options)


def test_a_round_broken_off_is_not_kept(tokenizer):
    stream = make_stream(tokenizer, Replay(size=8))
    next(iter(stream))
    assert stream.waves.rollouts.means
    assert stream.state_dict()["rollouts"] == {"Replay": {"kept": [], "means": []}}


def test_what_others_remember_is_left_alone(tokenizer):
    first = make_stream(tokenizer, Replay(size=8))
    rounds(first, 1)
    second = make_stream(tokenizer, AEPO())
    second.load_state_dict(first.state_dict())
    assert (second.round, second.waves.rollouts.entropy) == (1, 0.0)


def test_other_prompts_are_not_answered_by_what_was_kept(tokenizer, caplog):
    first = make_stream(tokenizer, Replay(size=4), prompts=16, per_round=8)
    rounds(first, 1)
    other = make_stream(tokenizer, Replay(size=4), prompts=17, per_round=8)
    other.load_state_dict(first.state_dict())
    other.clock.step = 1
    other.engine.load_weights([], 1)
    ((*_, replayed),) = rounds(other, 1)
    kept = {(each["place"], tuple(each["prompt"].tolist())) for each in first.waves.rollouts.kept}
    for group in replayed.groups:
        assert any(tuple(group.prompt.tokens) == prompt for _, prompt in kept)


def test_two_processes_keep_and_replay_what_one_does(tokenizer):
    options = {"prompts": 16, "per_round": 8, "micro_batches": 1}
    whole = make_stream(tokenizer, Replay(size=3), **options)
    alone = rounds(whole, 5)
    parts = [make_stream(tokenizer, Replay(size=3), rank=rank, ranks=2, **options) for rank in range(2)]
    found = together(parts, lambda stream: rounds(stream, 5))
    texts = [[each["text"] for each in stream.waves.rollouts.kept] for stream in (whole, *parts)]
    assert texts[0] == texts[1] == texts[2]
    replays = 0
    for batches, *others in zip(alone, *found, strict=True):
        expected = apart(batches)
        names = sorted(group.texts[0] for group in expected.groups)
        assert names == sorted(group.texts[0] for each in others for group in apart(each).groups)
        assert {apart(each).normaliser for each in others} == {expected.normaliser}
        replays += bool(names)
    assert replays


# In training


def set_apart(group: Group, advantages: list[float]) -> list[Group]:
    found = []
    for number, advantage in enumerate(advantages):
        c = group.completions[number]
        completion = Completion(c.tokens, c.logprobs, "stop", advantage=advantage, weights_version=0)
        found.append(Group(group.prompt, [completion], group.texts[:1]))
    return found


def test_given_advantages_are_used_as_they_are():
    groups = set_apart(GROUPS[0], [0.5, -2.0])
    batch = collate(groups, 0, Normaliser(5.0, 2.0), 1.0, False, 3, 3, 1, apart=True)
    assert batch.weights_version == 0
    module = ready(EMRL(kl_weight=0.0, advantage=GRPO()))
    found = module.training_step(batch)
    stats = module.rollout_stats(batch)
    expected = -(torch.tensor([[0.5], [-2.0]]) * stats.logprob).sum() / 5
    torch.testing.assert_close(found, expected)
    assert "reward" not in module.step_output.values
    assert batch.to("meta").advantages.device.type == "meta"


@pytest.mark.parametrize("cut", [1, 2, 4])
def test_the_gradient_does_not_depend_on_the_cut(cut):
    groups = [each for group in GROUPS[:2] for each in set_apart(group, [0.5, -2.0])]
    size = len(groups) // cut

    def cut_in(size: int):
        return [
            collate(groups[i : i + size], 0, Normaliser(11.0, 4.0), 1.0, False, 0, 0, 1, apart=True)
            for i in range(0, 4, size)
        ]

    def make(parts: int):
        return ready(EMRL(kl_weight=0.0, policy_update=PPO()), micro_batches=parts)

    one, other = gradient(make(1), cut_in(4)), gradient(make(cut), cut_in(size))
    assert any(value.abs().max() > 0 for value in one.values())
    for name in one:
        torch.testing.assert_close(one[name], other[name], rtol=1e-4, atol=1e-8)


def test_nothing_apart_adds_nothing():
    whole = make_batch(GROUPS)
    nothing = collate([], 0, Normaliser(0.0, 0.0), 1.0, False, 0, 0, 1, apart=True)
    one = gradient(ready(EMRL(kl_weight=0.0, policy_update=PPO())), [whole])
    other = gradient(ready(EMRL(kl_weight=0.0, policy_update=PPO()), micro_batches=2), [whole, nothing])
    for name in one:
        torch.testing.assert_close(one[name], other[name], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(
    "reward",
    [TokenEntropyReward(), VerifiedAnswerReward(), WeightedRewards([TokenEntropyReward(), VerifiedAnswerReward()])],
)
def test_rewards_before_training_are_those_of_training(reward):
    module = ready(EMRL(kl_weight=0.0, reward=reward), torch.float32)
    module._trainer = SimpleNamespace(
        accumulate_grad_batches=1, world_size=1,
        precision_plugin=SimpleNamespace(forward_context=torch.enable_grad),
        datamodule=SimpleNamespace(sampling=SimpleNamespace(temperature=1.0)),
    )  # fmt: skip
    branch = Completion([9, 10, 4, 1], [0.0, 0.0, -0.5, -0.5], "stop", given=2)
    groups = [*GROUPS, Group(GROUPS[0].prompt, [branch, GROUPS[0].completions[1]], ["1", "2"])]
    found = module.rewards_of(groups)
    module.training_step(make_batch(groups))
    torch.testing.assert_close(torch.tensor(found).flatten(), module.step_output.values["reward"])
    assert module.rewards_of([]) == []


def test_the_draw_is_the_seeds(tokenizer):
    one, other = (make_stream(tokenizer, Replay(size=4), prompts=16, per_round=8) for _ in range(2))
    assert described(sum(rounds(one, 4), [])) == described(sum(rounds(other, 4), []))
