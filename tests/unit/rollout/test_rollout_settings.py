"""Settings of rollouts that do not suit each other, the module or the policy."""

from types import SimpleNamespace

import pytest

from emlit.errors import ConfigError
from emlit.losses import KLCov, LpReg
from emlit.modules import EMFT, EMRL, PPO, SFT
from emlit.records import Sampling
from emlit.rewards import DCPO, GRPO, SelfCertaintyReward, UncertainTokens
from emlit.rollout.checks import check_rollouts
from emlit.rollout.waves import Trainee
from emlit.rollouts import AEPO, CURE, EntropyTree, Replay, Rollouts, VoteMore
from tests.unit.rollout.rollouts import make_stream, rounds


def test_the_policy_must_be_there_to_be_asked(tokenizer):
    broken = make_stream(tokenizer, Replay(size=1), trainee=Trainee(lambda *_: []))
    with pytest.raises(RuntimeError, match="was not given one"):
        rounds(broken, 1)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: VoteMore(0), "votes of VoteMore is 0"),
        (lambda: VoteMore(2).check(4), "samples_per_prompt is 4, but VoteMore samples 2.*raise data.rollouts.votes"),
        (lambda: CURE(branches=0), "branches of CURE is 0"),
        (lambda: CURE().check(6), "samples_per_prompt is 6, but CURE makes 4.*multiple of 4"),
        (lambda: EntropyTree().check(6), "EntropyTree makes 5.*multiple of 5"),
        (lambda: EntropyTree(forks=0), "forks of EntropyTree is 0"),
        (lambda: AEPO(low=1.3), "low of AEPO is 1.3 and high 1.2"),
        (lambda: AEPO(share=0), "share of AEPO is 0"),
        (lambda: AEPO(rows=0), "rows of AEPO is 0"),
        (lambda: AEPO(target=0), "target of AEPO is 0"),
        (lambda: AEPO().check(1), "samples_per_prompt is 1, but AEPO"),
        (lambda: Replay(size=0), "size of Replay is 0"),
        (lambda: Replay(threshold=-1), "threshold of Replay is -1"),
        (lambda: Replay().check(1), "samples_per_prompt is 1, but Replay"),
        (lambda: check_rollouts(CURE(), 4, 1, EMRL()), "rounds_ahead is 1, but CURE asks.*set data.rounds_ahead to 0"),
        (lambda: check_rollouts(Replay(), 4, 1, EMRL()), "rounds_ahead is 1, but Replay asks"),
        (lambda: check_rollouts(VoteMore(), 4, 0, SFT()), "rollouts is VoteMore, but SFT samples nothing"),
        (lambda: check_rollouts(AEPO(), 4, 0, EMFT()), "AEPO, which chooses.*but EMFT has none; use it with EMRL"),
        (lambda: check_rollouts(Replay(), 4, 0, EMRL()), "Replay, which.*but Reinforce is right only.*to PPO"),
        (lambda: check_rollouts(Replay(), 4, 0, EMRL(policy_update=KLCov())), "KLCov is right only.*their own round"),
        (lambda: check_rollouts(Replay(), 4, 0, EMRL(policy_update=LpReg())), "LpReg is right only.*their own round"),
    ],
)  # fmt: skip
def test_bad_settings(make, sentence):
    with pytest.raises(ConfigError, match=sentence):
        make()


def test_good_settings():
    for rollouts in (Rollouts(), VoteMore(), CURE(), EntropyTree(), AEPO(), Replay()):
        check_rollouts(rollouts, 20, 0, EMRL(policy_update=PPO()))
    check_rollouts(VoteMore(), 4, 1, EMRL())
    check_rollouts(Rollouts(), 1, 0, SFT())


def data(**settings):
    return SimpleNamespace(
        samples_per_prompt=4, updates_per_round=1, rounds_ahead=0,
        trainer=SimpleNamespace(precision="32-true", state=SimpleNamespace(fn="fit"), is_global_zero=True),
        **{"rollouts": Rollouts(), "sampling": Sampling(), **settings},
    )  # fmt: skip


def test_rewards_before_training_must_be_known_then():
    module = EMRL(reward=SelfCertaintyReward(), kl_weight=0.0)
    with pytest.raises(ConfigError, match="AEPO, which asks for rewards before training, but SelfCertaintyReward"):
        module.check_rollouts(data(rollouts=AEPO()))


@pytest.mark.parametrize(
    ("advantage", "rollouts"), [(DCPO(), Rollouts()), (UncertainTokens(DCPO()), Rollouts()), (GRPO(), AEPO())]
)
def test_temperatures_lie_on_either_side_of_the_samples(advantage, rollouts):
    module = EMRL(advantage=advantage)
    module.check_rollouts(data(rollouts=rollouts))
    with pytest.raises(ConfigError, match=r"temperature is 0\.6, and \w+ has its temperatures 0\.8 and 1\.2 on either"):
        module.check_rollouts(data(rollouts=rollouts, sampling=Sampling(temperature=0.6)))
