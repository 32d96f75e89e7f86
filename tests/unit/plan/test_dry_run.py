"""A whole step on fake tensors: what it finds wrong."""

import pytest
import torch

from benchmarks.plan_memory import arguments_of
from emlit.modules import EMFT
from emlit.plan.command import fit_arguments
from emlit.plan.dry_run import DryRun, dry_run
from emlit.plan.reading import read_settings
from emlit.plan.shapes import find_config, shape_of


def dry(given: list[str], config=None, **options) -> DryRun:
    arguments = fit_arguments(given)
    config = config or find_config(arguments.model.init_args.pretrained)
    settings = read_settings(arguments, shape_of(config, "model"))
    return dry_run(arguments.model, config, settings, 1.0, **options)


@pytest.mark.parametrize("case", ["EM-FT, logits", "EM-RL, LoRA, checkpointing"])
def test_a_step_of_the_tiny_reasoner(case):
    assert dry(arguments_of(case, "tiny", tokens=64, autocast=False)).problems == []


class Forgetful(EMFT):
    """Learns nothing in its first layer."""

    def configure_model(self) -> None:
        super().configure_model()
        for parameter in self.model.model.layers[0].parameters():
            parameter.register_hook(lambda gradient: None)
        self.model.model.layers[0].forward = torch.no_grad()(self.model.model.layers[0].forward)


def test_a_missing_gradient_is_a_problem():
    given = arguments_of("EM-FT", "tiny", tokens=64, autocast=False)
    found = dry(["--model=tests.unit.plan.test_dry_run.Forgetful", *given[1:]])
    assert any("layers.0.mlp" in problem and "has no gradient" in problem for problem in found.problems)
