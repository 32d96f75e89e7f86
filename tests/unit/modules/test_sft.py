"""SFT's gradient against cross-entropy in float64, and what it asks of its data."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from lightning.pytorch.trainer.states import TrainerFn

from emlit.errors import ConfigError
from emlit.modules import SFT
from tests.conftest import make_batch
from tests.unit.modules.test_objectives import GROUPS, gradient, ready, small_model


@pytest.mark.parametrize("reduction", ["token_mean", "sequence_mean"])
def test_is_the_gradient_of_the_cross_entropy(reduction):
    batch = make_batch(GROUPS)
    module = ready(SFT(reduction=reduction))
    found = gradient(module, [batch])
    loss = module.step_output.loss
    module.zero_grad()
    rows = []
    for group in batch.groups:
        for completion in group.completions:
            tokens = torch.tensor([group.prompt.tokens + completion.tokens])
            labels = tokens.clone()
            labels[:, : len(group.prompt.tokens)] = -100  # the prompt is no part of the loss; the end token is
            logits = module.model(tokens).logits
            rows.append(torch.nn.functional.cross_entropy(logits[0, :-1], labels[0, 1:], reduction="none"))
    losses = [row[row != 0] for row in rows]
    assert [len(row) for row in losses] == [len(c.tokens) for group in batch.groups for c in group.completions]
    expected = torch.cat(losses).mean() if reduction == "token_mean" else torch.stack([r.mean() for r in losses]).mean()
    expected.backward()
    torch.testing.assert_close(loss.double(), expected.detach(), rtol=1e-6, atol=1e-9)
    for name, parameter in module.model.named_parameters():
        torch.testing.assert_close(found[name], parameter.grad, rtol=1e-6, atol=1e-9)


def test_the_gradient_does_not_depend_on_how_a_round_is_cut():
    whole_batch = make_batch(GROUPS)
    whole = gradient(ready(SFT()), [whole_batch])
    parts = [make_batch([group], normaliser=whole_batch.normaliser) for group in GROUPS]
    cut = gradient(ready(SFT(), micro_batches=3), parts)
    for name in whole:
        torch.testing.assert_close(cut[name], whole[name], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("kl_weight", [0.0, 0.5])
def test_the_temperature_of_sampling_is_not_that_of_the_loss(kl_weight):
    batch, found = make_batch(GROUPS), []
    for temperature in (1.0, 0.1):
        module = ready(SFT(kl_weight=kl_weight))
        module._reference = (small_model().eval().requires_grad_(False),)
        found.append(gradient(module, [replace(batch, temperature=temperature)]))
        if kl_weight:  # of the policy to itself
            assert module.step_output.values["kl/ref"].abs().max() < 1e-6
    for name in found[0]:
        assert torch.equal(found[0][name], found[1][name])


def test_one_solution_a_row():
    trainer = SimpleNamespace(precision="32-true", state=SimpleNamespace(fn=TrainerFn.FITTING), is_global_zero=True)
    data = SimpleNamespace(samples_per_prompt=4, trainer=trainer)
    with pytest.raises(ConfigError, match="samples_per_prompt is 4.*set it to 1"):
        SFT().check_rollouts(data)
    data.samples_per_prompt = 1
    SFT().check_rollouts(data)
