import pytest
import torch

from emlit.errors import ConfigError, DataError
from emlit.functional import MoreStats, SelfCertainty, TokenStats
from emlit.rewards import (
    SelfCertaintyReward,
    SequenceLogProbReward,
    TokenEntropyReward,
    VerifiedAnswerReward,
    VoteFractionReward,
    WeightedRewards,
)
from tests.conftest import make_batch, make_group

# Two completions of 2 and 1 tokens after a prompt of one.
BATCH = make_batch([make_group([5], [[9, 1], [1]])])
STATS = TokenStats(
    logprob=torch.tensor([[0.0, -1.0, -3.0], [0.0, -4.0, 7.0]]),
    entropy=torch.tensor([[9.0, 0.5, 1.5], [9.0, 2.0, 9.0]]),
)


def test_by_hand():
    # Mean log-probs -2 and -4, mean negative entropies -1 and -2.
    reward = WeightedRewards([SequenceLogProbReward(), TokenEntropyReward()], [2.0, -0.5])
    total, parts = reward.score(BATCH, STATS)
    assert total.tolist() == [2 * -2 - 0.5 * -1, 2 * -4 - 0.5 * -2]
    assert {name: part.tolist() for name, part in parts.items()} == {
        "sequence_log_prob": [-2, -4],
        "token_entropy": [-1, -2],
    }
    assert torch.equal(reward(BATCH, STATS), total)


def test_weights_are_one_unless_set():
    reward = WeightedRewards([SequenceLogProbReward(), TokenEntropyReward()])
    assert reward(BATCH, STATS).tolist() == [-3, -6]


def test_a_reward_that_is_there_twice_has_two_curves():
    reward = WeightedRewards([TokenEntropyReward(), SequenceLogProbReward(), TokenEntropyReward("sum")])
    assert list(reward.score(BATCH, STATS)[1]) == ["token_entropy_1", "sequence_log_prob", "token_entropy_2"]


def test_its_parts_make_its_demands():
    assert not WeightedRewards([TokenEntropyReward()]).needs
    assert WeightedRewards([TokenEntropyReward(), SelfCertaintyReward()]).needs == {SelfCertainty()}
    assert WeightedRewards([TokenEntropyReward(), VerifiedAnswerReward()]).labelled
    unlabelled = [make_group([5], [[1]], answer=None).prompt]
    WeightedRewards([VoteFractionReward()]).check(unlabelled)
    with pytest.raises(DataError, match="no label"):
        WeightedRewards([VoteFractionReward(), VerifiedAnswerReward()]).check(unlabelled)


def test_wrong_arguments():
    with pytest.raises(ConfigError, match="weights has 1 numbers for 2 rewards"):
        WeightedRewards([TokenEntropyReward(), VoteFractionReward()], [1.0])
    with pytest.raises(ConfigError, match="is empty"):
        WeightedRewards([])


def test_self_certainty_is_the_mean_over_sampled_tokens():
    stats = MoreStats(*STATS, {SelfCertainty(): torch.tensor([[8.0, 1.0, 2.0], [8.0, 3.0, 8.0]])})
    assert SelfCertaintyReward()(BATCH, stats).tolist() == [1.5, 3]


def test_names():
    assert VerifiedAnswerReward().name == "verified_answer"
    assert SequenceLogProbReward().name == "sequence_log_prob"
