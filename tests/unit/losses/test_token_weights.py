"""Token weights: what they keep, and that the gradient does not depend on how a round is cut."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from lightning import Trainer

from emlit.engines import TransformersEngine
from emlit.errors import ConfigError
from emlit.losses import (
    HAPO,
    SIREN,
    STEER,
    ClipCov,
    CovarianceEntropyBonus,
    EntropyFloor,
    EntropyScaledTokens,
    EntropyTarget,
    HighEntropyTokens,
    KLCov,
    KLToReference,
    LossInputs,
    LpReg,
    PlanningTokens,
    SurprisingTokens,
    TokenWeights,
)
from emlit.losses.covariance import _draws
from emlit.modules import EMFT, EMRL, SFT
from emlit.records import Sampling
from emlit.rewards import DCPO, SelfCertaintyReward
from emlit.rollout import RolloutDataModule
from emlit.rollouts import Rollouts
from tests.conftest import make_batch
from tests.unit.modules.test_objectives import GROUPS, gradient, ready, small_model


class Ones(TokenWeights):
    def __call__(self, inputs, loss):
        return torch.ones_like(loss)


def lagged(plug_in, **values):
    """A plug-in as after a step with these statistics."""
    plug_in.load_lagged_state(values)
    return plug_in


def clip_cov():
    return lagged(ClipCov(share=0.1, low=0.0, high=50.0), logprob=-2.0, advantage=0.0, candidates=0.2)


PLUG_INS = {
    "80/20": lambda: {"token_weights": [lagged(HighEntropyTokens(0.5), threshold=0.9)]},
    "Clip-Cov": lambda: {"token_weights": [clip_cov()]},
    "both": lambda: {"token_weights": [clip_cov(), lagged(HighEntropyTokens(0.5), threshold=0.9)]},
    "floor": lambda: {"loss_terms": [EntropyFloor(10.0)]},
    "KL": lambda: {"loss_terms": [KLToReference(0.3)]},
}


@pytest.mark.parametrize("module", [lambda **options: EMRL(kl_weight=0.0, **options), SFT])
def test_weights_of_one_change_no_bit(module):
    batch = make_batch(GROUPS)
    plain, weighted = (gradient(ready(module(token_weights=weights)), [batch]) for weights in (None, [Ones()]))
    assert all(torch.equal(plain[name], weighted[name]) for name in plain)


@pytest.mark.parametrize("name", PLUG_INS)
def test_eight_by_one_is_one_by_eight(name):
    whole = make_batch(GROUPS)
    parts = [make_batch([group], normaliser=whole.normaliser) for group in GROUPS]
    found = []
    for batches in ([whole], parts):
        module = ready(EMRL(kl_weight=0.0, **PLUG_INS[name]()), micro_batches=len(batches))
        if name == "floor":
            module.loss_terms[0].coefficient = 0.4
        if name == "KL":
            torch.manual_seed(1)
            reference = small_model().requires_grad_(False)
            for parameter in reference.parameters():
                parameter.add_(torch.randn_like(parameter) * 0.05)
            module._reference = (reference,)
        found.append(gradient(module, batches))
        for plug_in in module.lagged.values():
            plug_in.update(lambda value, how: value)
        found.append([each.lagged_state() for each in module.lagged.values()])
    for parameter in found[0]:
        torch.testing.assert_close(found[0][parameter], found[2][parameter], rtol=1e-4, atol=1e-8)
    for one, other in zip(found[1], found[3], strict=True):
        assert one == pytest.approx(other, rel=1e-9)


def test_high_entropy_tokens_by_hand():
    batch = make_batch(GROUPS)
    weigh = HighEntropyTokens(share=0.2)
    module = ready(EMRL(kl_weight=0.0, token_weights=[weigh]))
    inputs = module.loss_inputs(module.rollout_stats(batch), batch)
    loss = torch.ones(batch.tokens.shape)
    assert torch.equal(weigh(inputs, loss), loss)  # nothing is known of a step before
    weigh.update(lambda value, how: value)
    entropy = inputs.stats.entropy[batch.loss_mask]
    kept = weigh(inputs, loss)[batch.loss_mask]
    assert set(kept.tolist()) == {0.0, 5.0}
    assert torch.equal(kept > 0, entropy >= weigh.threshold.value)
    assert (kept > 0).float().mean() == pytest.approx(0.2, abs=0.06)


def test_clip_cov_by_hand():
    batch, weigh = make_batch(GROUPS), ClipCov(share=0.2, low=0.0, high=50.0)
    module = ready(EMRL(kl_weight=0.0, token_weights=[weigh]))
    for known in range(3):  # the means, the share of candidates, and then some are dropped
        gradient(module, [batch])
        stats, values = module.step_output.stats, module.step_output.values
        inputs = module.loss_inputs(stats, batch)
        if known < 2:
            weigh.update(lambda value, how: value)
    mask = batch.loss_mask
    logprob, advantage = stats.logprob[mask].double(), values["advantage"][mask].double()
    covariance = (logprob - logprob.mean()) * (advantage - advantage.mean())
    candidate = (covariance > 0) & (covariance < 50)
    dropped = candidate & (_draws(inputs)[mask] < 0.2 / candidate.double().mean())
    expected = -(advantage * logprob).masked_fill(dropped, 0.0).sum() / mask.sum()
    assert dropped.sum() > 0
    assert module.step_output.loss.double() == pytest.approx(expected.item(), rel=1e-5)


def test_draws_are_those_of_the_row_and_of_the_round():
    whole = make_batch(GROUPS)
    module = ready(EMRL(kl_weight=0.0))

    def draws(batch):
        return _draws(module.loss_inputs(module.rollout_stats(batch), batch))[batch.completion_mask]

    parts = [draws(make_batch([group])) for group in GROUPS]
    assert torch.equal(torch.cat(parts), draws(whole))
    assert len(set(draws(whole).tolist())) == int(whole.completion_mask.sum())


def test_a_prompt_that_is_there_twice_has_two_draws():
    other = replace(GROUPS[0], completions=GROUPS[0].completions[::-1])
    batch = make_batch([GROUPS[0], other])
    draws = _draws(LossInputs(None, batch))[batch.completion_mask]
    assert len(set(draws.tolist())) == len(draws)


def test_clip_cov_needs_an_advantage():
    with pytest.raises(ConfigError, match="use it with EMRL"):
        gradient(ready(SFT(token_weights=[ClipCov()])), [make_batch(GROUPS)])


def told(module, **data):
    """What is asked of a module before its model loads."""
    trainer = SimpleNamespace(precision="32-true", state=SimpleNamespace(fn="fit"), is_global_zero=True)
    data = {"samples_per_prompt": 1, "updates_per_round": 1, "rounds_ahead": 0, **data}
    module.check_rollouts(SimpleNamespace(trainer=trainer, sampling=Sampling(), rollouts=Rollouts(), **data))


@pytest.mark.parametrize(
    ("module", "key", "make"),
    [(EMFT, "loss_terms", CovarianceEntropyBonus), (SFT, "loss_terms", CovarianceEntropyBonus),
     (SFT, "token_weights", ClipCov), (SFT, "token_weights", STEER), (SFT, "token_weights", PlanningTokens),
     (EMFT, "loss_terms", lambda: KLToReference(0.1, "k1"))],
)  # fmt: skip
def test_what_goes_by_rewards_is_refused_before_a_model_loads(module, key, make):
    with pytest.raises(ConfigError, match=f"needs advantages or rewards, which {module.__name__} has not"):
        told(module(**{key: [make()]}))
    told(EMRL(**{key: [make()]}), samples_per_prompt=2)


@pytest.mark.parametrize("update", [KLCov, LpReg])
def test_a_ratio_to_the_policy_before_a_round_is_for_that_round(update):
    module, data = EMRL(policy_update=update()), {"samples_per_prompt": 2, "updates_per_round": 2}
    told(module, **data)
    with pytest.raises(ConfigError, match=f"rounds_ahead is 1, but {update.__name__} is right only.*their own round"):
        told(module, **data, rounds_ahead=1)
    told(EMRL(policy_update=HAPO()), **data, rounds_ahead=1)


def test_what_needs_no_rewards_is_for_every_objective():
    told(SFT(token_weights=[SurprisingTokens()], loss_terms=[SIREN(), KLToReference(0.1)]))
    told(EMFT(entropy_floor=EntropyFloor(0.1), loss_terms=[EntropyTarget()]))


@pytest.mark.parametrize(
    ("make", "sentence"),
    [(lambda: HighEntropyTokens(1.0), "share of HighEntropyTokens is 1.0; it must be above 0"),
     (lambda: ClipCov(share=0), "share of ClipCov is 0; it must be"),
     (lambda: ClipCov(low=5, high=1), "low must be below high")],
)  # fmt: skip
def test_values_out_of_range(make, sentence):
    with pytest.raises(ConfigError, match=sentence):
        make()


ITSELF = {
    "HAPO": lambda: {"policy_update": HAPO(alpha=0.5)},
    "STEER": lambda: {"token_weights": [STEER()]},
    "scaled": lambda: {"token_weights": [EntropyScaledTokens(0.5)]},
    "Clip-Cov": lambda: {"token_weights": [ClipCov(share=0.3, low=0.0, high=50.0)]},
    "target": lambda: {"loss_terms": [EntropyTarget(0.1, weight=1.0)]},
    "bonus": lambda: {"loss_terms": [CovarianceEntropyBonus(1.0)]},
    "SIREN": lambda: {"loss_terms": [SIREN(weight=5.0, anchor=0.2)]},
    "DCPO": lambda: {"advantage": DCPO(target=0.1)},
}


@pytest.mark.parametrize("name", ITSELF)
def test_statistics_of_a_micro_batch_are_those_that_a_step_of_it_leaves(name):
    batch, found = make_batch(GROUPS), {}
    for over in ("step", "micro_batch"):
        module = ready(EMRL(kl_weight=0.0, reward=SelfCertaintyReward(), **ITSELF[name]()))
        for plug_in in module.lagged.values():
            for statistic in plug_in.statistics().values():
                statistic.over = over
        for _ in range(4 if over == "step" else 1):  # a statistic of what another statistic makes is known a step later
            first = gradient(module, [batch])
            found.setdefault("first", first)
            for plug_in in module.lagged.values():
                plug_in.update(lambda value, how: value)
        found[over] = gradient(module, [batch]) if over == "step" else first
    assert any(not torch.equal(found["first"][each], found["micro_batch"][each]) for each in found["first"])
    itself, step = (torch.cat([each.flatten() for each in found[over].values()]) for over in ("micro_batch", "step"))
    assert (itself - step).norm() <= (5e-2 if name == "HAPO" else 1e-6) * step.norm()  # whose pivot is a quantile


def test_an_objective_says_what_statistics_are_taken_over():
    term = EntropyTarget(0.1)
    trainer = Trainer(max_steps=1, logger=False, enable_checkpointing=False, limit_val_batches=0, accelerator="cpu")
    data = RolloutDataModule(engine=TransformersEngine(), evaluation=None, prompts_per_round=2)
    trainer.fit(EMFT(pretrained="tiny", loss_terms=[term], statistics="micro_batch"), data)
    assert term.entropy.over == "micro_batch"
    assert term.entropy.value is not None
