"""A reference policy that follows the policy: where it is after some steps, and after a resume."""

from types import SimpleNamespace

import pytest
import torch

from emlit.errors import ConfigError
from emlit.modules import EMFT, EMRL
from emlit.policy import LoRA
from tests.conftest import make_batch
from tests.unit.modules.test_objectives import GROUPS, ready, small_model


def following(momentum=0.9):
    module = ready(EMFT(kl_weight=0.3, reference_momentum=momentum, learning_rate=1e-3))
    module._reference = (small_model().eval().requires_grad_(False),)
    return module


def step(module, optimizer):
    def closure():
        loss = module.training_step(make_batch(GROUPS))
        loss.backward()
        return loss

    module.optimizer_step(0, 0, optimizer, closure)


def test_it_is_the_moving_average_of_the_policies():
    module = following()
    optimizer = module.configure_optimizers()["optimizer"]
    expected = {name: value.clone() for name, value in module._reference[0].named_parameters()}
    for _ in range(3):
        step(module, optimizer)
        for name, value in module.model.named_parameters():
            expected[name] = 0.9 * expected[name] + 0.1 * value.detach()
    for name, value in module._reference[0].named_parameters():
        torch.testing.assert_close(value, expected[name])
        assert not value.requires_grad


def test_without_a_momentum_it_stays():
    module = ready(EMFT(kl_weight=0.3, learning_rate=1e-3))
    module._reference = (small_model().eval().requires_grad_(False),)
    step(module, module.configure_optimizers()["optimizer"])
    for one, other in zip(module._reference[0].parameters(), small_model().parameters(), strict=True):
        assert torch.equal(one, other)


def test_a_resumed_run_has_it():
    module, fresh = following(), following()
    step(module, module.configure_optimizers()["optimizer"])
    checkpoint = {"state_dict": module.state_dict()}
    module.on_save_checkpoint(checkpoint)
    fresh.on_load_checkpoint(checkpoint)
    for one, other in zip(module._reference[0].parameters(), fresh._reference[0].parameters(), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"kl_weight": 0.1, "reference_momentum": 1.0}, "reference_momentum is 1.0; it must be at least 0 and below 1"),
        ({"reference_momentum": 0.9, "kl_weight": 0.0}, "no loss term reads the reference policy; set kl_weight"),
        ({"kl_weight": 0.1, "reference_momentum": 0.9, "lora": LoRA()}, "with lora the reference policy is the base"),
    ],
)
def test_what_has_nothing_to_move_is_refused(options, sentence):
    with pytest.raises(ConfigError, match=sentence):
        EMRL(**options)


def test_a_model_cut_over_processes_is_refused(monkeypatch):
    module = following()
    monkeypatch.setattr(type(module), "sharding", object())
    monkeypatch.setattr("emlit.modules.causal_lm.CausalLM.check_rollouts", lambda self, data: None)
    with pytest.raises(ConfigError, match="a model cut over processes has not; leave it out"):
        module.check_rollouts(SimpleNamespace())
