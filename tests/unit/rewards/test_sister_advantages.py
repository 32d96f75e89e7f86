"""Advantages and rewards of the field's other methods, by hand; the published code's numbers are beside the losses."""

import math
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from emlit.errors import ConfigError, DataError
from emlit.functional import MoreStats, Normaliser, TokenStats
from emlit.modules import EMRL
from emlit.records import Completion, Group
from emlit.rewards import (
    CANON,
    DCPO,
    EMPG,
    GRPO,
    SEEDGRPO,
    CertainResponses,
    EMPOReward,
    HardPrompts,
    MajorityReward,
    PEARReward,
    SequenceLogProbReward,
    TokenEntropyReward,
    TokenLevelGRPO,
    UncertainTokens,
    VerifiedAnswerReward,
    VoteFractionReward,
)
from emlit.rollout import collate
from tests.conftest import make_batch, make_group
from tests.unit.losses.test_token_weights import lagged
from tests.unit.modules.test_objectives import GROUPS, gradient, ready
from tests.unit.rewards.test_answers import answered

ADVANTAGES = {
    "CANON": CANON,
    "CANON, mixed": lambda: CANON(0.5, 0.9),
    "SEED-GRPO": SEEDGRPO,
    "PSHW": HardPrompts,
    "token-level GRPO": TokenLevelGRPO,
    "uncertain tokens": UncertainTokens,
    "ETTRL": CertainResponses,
    "EMPG": EMPG,
    "DCPO": lambda: lagged(DCPO(), entropy=0.4, right=0.5),
}


def made(name):
    return {"advantage": ADVANTAGES[name](), "kl_weight": 0.0}


@pytest.mark.parametrize("name", ADVANTAGES)
def test_eight_by_one_is_one_by_eight(name):
    whole = make_batch(GROUPS)
    parts = [make_batch([group], normaliser=whole.normaliser) for group in GROUPS]
    one = gradient(ready(EMRL(**made(name))), [whole])
    eight = gradient(ready(EMRL(**made(name)), micro_batches=3), parts)
    for parameter in one:
        torch.testing.assert_close(one[parameter], eight[parameter], rtol=1e-4, atol=1e-8)


REWARDS = {
    "EM-RL-token": TokenEntropyReward,
    "RENT": lambda: TokenEntropyReward(no_answer=-7.0),
    "EM-RL-sequence": SequenceLogProbReward,
    "verified": VerifiedAnswerReward,
    "votes": VoteFractionReward,
    "majority": MajorityReward,
    "EMPO": EMPOReward,
    "PEAR": PEARReward,
}


@pytest.mark.parametrize("name", REWARDS)
def test_rewards_do_not_depend_on_how_a_round_is_cut_or_shared(name):
    whole = make_batch(GROUPS)
    one = gradient(ready(EMRL(reward=REWARDS[name](), kl_weight=0.0)), [whole])
    parts = [make_batch([group], normaliser=whole.normaliser) for group in GROUPS]
    cut = gradient(ready(EMRL(reward=REWARDS[name](), kl_weight=0.0), micro_batches=3), parts)
    halves = [make_batch(part, normaliser=whole.normaliser) for part in (GROUPS[:1], GROUPS[1:])]
    first, second = (
        gradient(ready(EMRL(reward=REWARDS[name](), kl_weight=0.0), world_size=2), [half]) for half in halves
    )
    for parameter in one:
        torch.testing.assert_close(one[parameter], cut[parameter], rtol=1e-4, atol=1e-8)
        torch.testing.assert_close(one[parameter], (first[parameter] + second[parameter]) / 2, rtol=1e-4, atol=1e-8)


@pytest.mark.parametrize("name", [*REWARDS, *ADVANTAGES])
def test_a_process_without_a_group_takes_part(name):
    options = {"reward": REWARDS[name](), "kl_weight": 0.0} if name in REWARDS else made(name)
    nothing = collate([], 0, Normaliser(18.0, 6.0), 1.0, False, 0, 0, samples_per_prompt=2)
    assert ready(EMRL(**options)).training_step(nothing) == 0


def test_centring_tokens_leaves_padding_out():
    found = []
    for groups in ([GROUPS[1]], [GROUPS[1], make_group([3], [[4] * 12, [4] * 12])]):
        batch = make_batch(groups)
        entropy = torch.zeros(batch.tokens.shape)
        entropy[:2, 1:7][batch.completion_mask[:2, 1:7]] = torch.tensor([0.3, 0.2, 0.5, 0.1, 0.4, 0.9])
        stats = TokenStats(-entropy, entropy)
        rewards = torch.tensor([[1.0, 0.0]] * len(groups))
        advantage = EMPG(UncertainTokens())(rewards, replace(batch, old=stats), stats)
        found.append(advantage[:2][batch.completion_mask[:2]])
    torch.testing.assert_close(*found)
    assert found[0].mean() == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("advantage", [GRPO(eps=0), TokenLevelGRPO(eps=0)])
def test_equal_rewards_have_no_advantage_where_nothing_is_added_to_the_deviation(advantage):
    assert not advantage(torch.tensor([[1.0, 1.0], [0.3, 0.3], [0.0, 0.0]]), make_batch(GROUPS), None).any()


# CANON with an alpha other than 1 prefers a half, and DCPO imitates right answers, equal or not: both as published.
@pytest.mark.parametrize("name", sorted(ADVANTAGES.keys() - {"CANON, mixed", "DCPO"}))
@pytest.mark.parametrize("reward", [0.0, 1.0, 0.3])
def test_a_group_of_equal_rewards_has_no_advantage(name, reward):
    batch = make_batch(GROUPS)
    stats = ready(EMRL(**made(name))).rollout_stats(batch)
    batch = replace(batch, old=stats)
    assert not ADVANTAGES[name]()(torch.full((3, 2), reward), batch, stats).any()


@pytest.mark.parametrize("name", ADVANTAGES)
def test_one_sample_is_refused_before_a_model_loads(name):
    assert ADVANTAGES[name]().min_samples == 2


def test_seed_grpo():
    batch = make_batch([answered(r"\boxed{1}", r"\boxed{1}", r"\boxed{2}", "none")])
    rewards = torch.tensor([[1.0, 1.0, 0.0, 0.0]])
    share = (0.5 * math.log(2) + 0.5 * math.log(4)) / math.log(4)
    for shape, factor in (
        ("linear", 1 - 0.4 * share), ("exponential", math.exp(-0.4 * share)), ("focal", (1 - share) ** 0.4),
    ):  # fmt: skip
        found = SEEDGRPO(0.4, shape)(rewards, batch, None)
        assert found.flatten().tolist() == pytest.approx([0.5 * factor, 0.5 * factor, -0.5 * factor, -0.5 * factor])


def test_hard_prompts_count_more():
    batch = make_batch(GROUPS[:1])
    found = HardPrompts()(torch.tensor([[1.0, 0.0, 0.0, 0.0]]), batch, None)
    mean = -0.5
    weight = 1.256 - 0.256 * mean
    assert found.flatten().tolist() == pytest.approx([1.5 * weight] + [-0.5 * weight] * 3)


def test_certain_responses_gain():
    batch = make_batch(GROUPS[1:2])  # of 5 tokens and of 1
    entropy = torch.tensor([[0.0, 0.2, 0.4, 0.2, 0.4, 0.3], [0.0, 0.9, 0.0, 0.0, 0.0, 0.0]])
    stats = TokenStats(entropy, entropy)
    rewards = torch.tensor([[1.0, 0.0]])
    plain = GRPO()(rewards, batch, stats).flatten()
    found = CertainResponses(clip=0.5)(rewards, batch, stats).flatten()
    mean = (0.3 + 0.9) / 2
    assert found.tolist() == pytest.approx([0.5 * (1 + (mean - 0.3) / mean), -0.5 * (1 + (mean - 0.9) / mean)])
    assert CertainResponses(clip=None, reshape=False)(rewards, batch, stats).flatten().tolist() == plain.tolist()


def thought(*texts, tokens):
    pieces = [f"<{number}>" for number in range(tokens)]
    group = answered(*texts)
    completions = [Completion(list(range(tokens)), [-1.0] * tokens, "stop") for _ in texts]
    return Group(group.prompt, completions, list(texts), lambda ids: "".join(pieces[i] for i in ids))


def test_pear():
    right = r"<0><1>\boxed{\frac{1}{2}}"
    groups = [thought(right, "<0><1>none", tokens=4)]
    batch = make_batch(groups)
    entropy = torch.tensor([[0.0, 0.8, 0.4, 0.1, 0.3], [0.0, 0.5, 0.5, 0.5, 0.5]])
    batch = replace(batch, old=TokenStats(entropy, entropy))
    found = PEARReward(marker="<1>")(batch, None)
    assert found.tolist() == pytest.approx([1 - (0.6 - 0.2), 0.0])
    assert PEARReward(marker="<1>", alpha=5.0)(batch, None).tolist() == pytest.approx([1.0, 0.0])
    # Without the marker all is thinking.
    assert PEARReward(marker="never")(batch, None).tolist() == pytest.approx([1 - 0.4, 0.0])
    with pytest.raises(DataError, match="no label, and PEARReward compares"):
        PEARReward().check([answered("x", label=None).prompt])


def test_a_penalty_does_not_make_wrong_answers_right():
    batch, advantage = make_batch(GROUPS), lagged(DCPO(), entropy=0.4, right=0.5)
    logprob = -torch.ones(batch.tokens.shape)
    stats = MoreStats(logprob, -logprob, {advantage.hot: logprob, advantage.cold: logprob})
    found = advantage(torch.tensor([[1.001, 0.001], [0.999, -0.001], [0.001, 0.001]]), batch, stats)
    assert (found[[0, 2]] > 0.1).all()  # imitated, beside their advantages of 0.7
    assert found[1].max() < 0
    assert found[4:].abs().max() < 1e-6
    advantage.update(lambda value, how: value)
    assert advantage.right.value == pytest.approx(1 / 3)


def test_programs_have_no_semantic_entropy():
    prompt = answered("x", task=SimpleNamespace(votes=False, name="code")).prompt
    for advantage in (SEEDGRPO(), UncertainTokens(CertainResponses(SEEDGRPO()))):
        with pytest.raises(DataError, match="answers of code are programs, on which SEEDGRPO cannot vote"):
            EMRL(advantage=advantage).check_prompts([prompt])
    EMRL().check_prompts([prompt])


def test_silence_has_its_own_reward():
    batch = make_batch([answered(r"\boxed{3}", "none")])
    stats = TokenStats(torch.zeros(2, 3), torch.tensor([[0.0, 0.5, 0.7], [0.0, 0.1, 0.1]]))
    assert TokenEntropyReward()(batch, stats).tolist() == pytest.approx([-0.6, -0.1])
    assert TokenEntropyReward(no_answer=-7.0)(batch, stats).tolist() == pytest.approx([-0.6, -7.0])


def test_wrapped_needs_are_passed_on():
    assert UncertainTokens(EMPG()).needs_old
    assert len(CertainResponses(DCPO()).needs) == 2
    outer = UncertainTokens(CertainResponses(DCPO()))
    module = ready(EMRL(advantage=outer, kl_weight=0.0))
    gradient(module, [make_batch(GROUPS)])
    for plug_in in module.lagged.values():
        plug_in.update(lambda value, how: value)
    assert outer.base.base.entropy.value > 0  # its statistics are kept too
    assert outer.lagged_state().keys() == {"base.base.entropy", "base.base.right"}


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: CANON(2), "inter of CANON is 2"),
        (lambda: SEEDGRPO(1.5), "alpha of SEEDGRPO is 1.5"),
        (lambda: SEEDGRPO(shape="square"), "must be linear, exponential or focal"),
        (lambda: HardPrompts(-1), "slope of HardPrompts"),
        (lambda: TokenLevelGRPO(-1), "eps of TokenLevelGRPO"),
        (lambda: TokenLevelGRPO(largest=0), "largest of TokenLevelGRPO"),
        (lambda: UncertainTokens(kappa=0), "kappa 0"),
        (lambda: CertainResponses(clip=0), "clip of CertainResponses is 0"),
        (lambda: EMPG(k=-1), "k of EMPG is -1"),
        (lambda: DCPO(hot=0.9), "one must be below 1, the other above"),
        (lambda: DCPO(target=0), "target of DCPO is 0"),
        (lambda: PEARReward(marker=""), "marker of PEARReward is empty"),
    ],
)
def test_values_out_of_range(make, sentence):
    with pytest.raises(ConfigError, match=sentence):
        make()
