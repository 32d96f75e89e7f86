"""A whole step on fake tensors: the tiny reasoner's beside a real one, and the paper's recipes at full size."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from benchmarks.plan_memory import arguments_of
from emlit.modules import EMFT
from emlit.plan.__main__ import main
from emlit.plan.command import fit_arguments
from emlit.plan.dry_run import dry_run
from emlit.plan.gpus import GPUS
from emlit.plan.memory import plan_memory
from emlit.plan.reading import read_settings
from emlit.plan.settings import EngineSettings
from emlit.plan.shapes import find_config, shape_of

CONFIGS = Path(__file__).parents[2] / "configs"


def dry(given: list[str]):
    arguments = fit_arguments(given)
    config = find_config(arguments.model.init_args.pretrained)
    shape = shape_of(config, "model")
    settings = replace(read_settings(arguments, shape), engine=EngineSettings())
    plan = plan_memory(shape, settings, replace(GPUS["cpu"], small_tiles=False))
    return dry_run(arguments.model, config, settings, 1.0), plan


@pytest.mark.parametrize("case", ["EM-FT", "EM-FT, logits", "EM-RL, checkpointing", "EM-RL, LoRA"])
def test_a_step_of_the_tiny_reasoner(case):
    found, plan = dry(arguments_of(case, "tiny", tokens=256, autocast=False))
    assert found.problems == []
    assert found.peaks["forward"]["total"] == pytest.approx(plan.total("forward"), rel=0.15)
    assert found.peaks["optimiser step"]["total"] == pytest.approx(plan.total("optimiser step"), rel=0.15)
    weights = next(term.at("forward") for term in plan.terms if term.name == "weights")
    reference = sum(term.at("forward") for term in plan.terms if term.name == "reference model")
    assert found.peaks["forward"]["weights"] == pytest.approx(weights + reference, rel=1e-3)


def test_a_step_with_autocast_and_a_reference_model():
    found, plan = dry(arguments_of("EM-RL, checkpointing", "tiny", tokens=256, autocast=True))
    assert found.problems == []
    weights = sum(term.at("forward") for term in plan.terms if term.name in ("weights", "reference model"))
    assert found.peaks["forward"]["weights"] == pytest.approx(weights, rel=5e-3)


class Forgetful(EMFT):
    """Learns nothing in its first layer."""

    def configure_model(self) -> None:
        super().configure_model()
        for parameter in self.model.model.layers[0].parameters():
            parameter.register_hook(lambda gradient: None)
        self.model.model.layers[0].forward = torch.no_grad()(self.model.model.layers[0].forward)


def test_a_missing_gradient_is_a_problem():
    given = arguments_of("EM-FT", "tiny", tokens=64, autocast=False)
    found, _ = dry(["--model=tests.plan.test_dry_run.Forgetful", *given[1:]])
    assert any("layers.0.mlp" in problem and "has no gradient" in problem for problem in found.problems)


@pytest.mark.slow
@pytest.mark.parametrize(
    "recipe",
    [
        "qwen2.5-math-7b/em_ft",
        "qwen2.5-math-7b/em_rl_token",
        "llama-3.1-8b/em_rl_sequence",
        "qwen2.5-1.5b/em_rl_token_lora",
    ],
)
def test_the_papers_recipes_at_full_size(recipe, capsys):
    main(["--config", str(CONFIGS / f"{recipe}.yaml"), "--dry_run", "--json"])
    found = json.loads(capsys.readouterr().out)["dry_run"]
    assert found["problems"] == []
    if "lora" not in recipe:
        assert found["parameters"] > 7e9
