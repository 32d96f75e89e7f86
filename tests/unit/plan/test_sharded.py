"""A dry run of one of four ranks under FSDP2: what it keeps is a quarter, what it gathers is whole."""

from dataclasses import replace

import pytest
import torch

from benchmarks.plan_memory import RANDOM, arguments_of, make_model
from emlit.plan.command import fit_arguments
from emlit.plan.dry_run import dry_run
from emlit.plan.reading import read_settings
from emlit.plan.settings import EngineSettings
from emlit.plan.shapes import find_config, shape_of


def test_a_quarter_is_kept_and_a_layer_gathered(tmp_path):
    arguments = fit_arguments(arguments_of("EM-FT", make_model("26M", tmp_path), tokens=64, autocast=True))
    config = find_config(arguments.model.init_args.pretrained)
    shape = shape_of(config, "26M")
    settings = replace(read_settings(arguments, shape), engine=EngineSettings())
    assert settings.autocast == torch.bfloat16
    whole, quarter = (
        dry_run(arguments.model, config, replace(settings, ranks=ranks, shards=ranks), 1.0) for ranks in (1, 4)
    )
    assert whole.problems == quarter.problems == []
    assert shape.layers == RANDOM["26M"]["num_hidden_layers"]
    for kept, phase in (("weights", "forward"), ("gradients", "optimiser step"), ("optimiser", "forward")):
        assert quarter.peaks[phase][kept] == pytest.approx(whole.peaks[phase][kept] / 4, rel=0.01), kept
    # In the backward pass a layer and the root are there whole, in bfloat16.
    assert quarter.peaks["backward"]["other"] > 2 * (shape.layer_parameters + shape.root_parameters)
