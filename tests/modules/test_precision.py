"""Each of Lightning's precisions runs, or says in a sentence what to set."""

from pathlib import Path
from typing import get_args

import pytest
from lightning.fabric.plugins.precision.precision import _PRECISION_INPUT_STR

import cli
from emlit.errors import ConfigError
from emlit.modules.policy import check_precision

ROOT = Path(__file__).parents[2]


def test_every_name_is_known():
    refused = set()
    for name in get_args(_PRECISION_INPUT_STR):
        try:
            check_precision(name)
        except ConfigError as error:
            refused.add(name)
            assert f"trainer.precision is {name}" in str(error)
            assert "bf16-mixed" in str(error) or "--model.dtype bfloat16" in str(error)
    assert set(get_args(_PRECISION_INPUT_STR)) - refused == {"32-true", "16-mixed", "bf16-mixed"}


@pytest.mark.parametrize(
    ("command", "precision"),
    [("fit", "bf16-true"), ("predict", "bf16-true"), ("fit", "64"), ("fit", "transformer-engine"), ("fit", "bf17")],
)
def test_precisions_that_do_not_run_end_in_one_sentence(command, precision, tmp_path, run_sentence):
    sentence = run_sentence(
        cli.main,
        [command, "--config", str(ROOT / "configs/tiny/em_ft.yaml"), "--data.engine=TransformersEngine",
         f"--trainer.precision={precision}", f"--run_dir={tmp_path / 'run'}"],
    )  # fmt: skip
    assert sentence.startswith("emlit: error: ")
    assert "precision" in sentence or "transformer-engine" in sentence or "transformer_engine" in sentence
