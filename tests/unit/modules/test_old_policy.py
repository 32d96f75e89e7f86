"""The policy before a round's first update, where a plug-in reads it."""

import contextlib
from types import SimpleNamespace

import pytest
import torch

from emlit.functional import LogprobAt
from emlit.losses import PolicyUpdate, TokenWeights
from emlit.modules import EMRL
from emlit.rollout.run_events import RunEvents
from tests.conftest import make_batch
from tests.unit.modules.test_objectives import GROUPS, ready


class FromOld(PolicyUpdate):
    off_policy, needs_old, needs = True, True, (LogprobAt(2.0),)

    def __call__(self, stats, advantage, batch):
        return -advantage * (stats.logprob - batch.old.logprob).exp(), {"old": batch.old.logprob}


class Same(TokenWeights):
    needs_old = True

    def __call__(self, inputs, loss):
        assert inputs.batch.old is not None
        return torch.ones_like(loss)


def started(module, updates):
    module._trainer = SimpleNamespace(
        accumulate_grad_batches=1, world_size=1,
        precision_plugin=SimpleNamespace(forward_context=contextlib.nullcontext),
        datamodule=SimpleNamespace(updates_per_round=updates, events=RunEvents()),
    )  # fmt: skip
    module.on_train_start()
    return module.data.events.before_updates


def test_a_round_of_several_updates_is_scored_before_the_first():
    module = ready(EMRL(kl_weight=0.0, policy_update=FromOld()))
    (score,) = started(module, updates=2)
    batches = [make_batch(GROUPS[:1]), make_batch(GROUPS[1:])]
    before = [module.rollout_stats(batch) for batch in batches]
    found = score(batches)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.mul_(1.1)
    for batch, stats in zip(found, before, strict=True):
        assert not batch.old.logprob.requires_grad
        module.training_step(batch)
        assert torch.equal(module.step_output.values["old"], stats.logprob)
        assert torch.equal(batch.old.extra[LogprobAt(2.0)], stats.extra[LogprobAt(2.0)])
        assert not torch.equal(module.step_output.stats.logprob, stats.logprob)


def test_in_a_round_of_one_update_the_old_policy_is_the_one_trained_and_costs_nothing():
    module = ready(EMRL(kl_weight=0.0, token_weights=[Same()]))
    assert started(module, updates=1) == []
    module.training_step(make_batch(GROUPS))


def test_nobody_scores_what_nobody_reads():
    module = ready(EMRL(kl_weight=0.0))
    assert started(module, updates=2) == []
    module.training_step(make_batch(GROUPS))
    assert module.step_output.batch.old is None


def test_it_travels_with_its_batch():
    module = ready(EMRL(kl_weight=0.0, policy_update=FromOld()))
    (batch,) = started(module, updates=2)[0]([make_batch(GROUPS)])
    assert batch.to("meta").old.logprob.device.type == "meta"


@pytest.mark.parametrize("updates", [1, 2])
def test_the_gradient_starts_as_reinforce(updates):
    batch = make_batch(GROUPS)
    module = ready(EMRL(kl_weight=0.0, policy_update=FromOld()))
    plain = ready(EMRL(kl_weight=0.0))
    for score in started(module, updates):
        (batch,) = score([batch])
    module.training_step(batch).backward()
    plain.training_step(make_batch(GROUPS)).backward()
    for one, other in zip(module.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad)
