"""Each of Lightning's precisions runs, or says in a sentence what to set."""

from pathlib import Path
from typing import get_args

import pytest
from lightning.fabric.plugins.precision.precision import _PRECISION_INPUT_STR

import cli
from emlit.errors import ConfigError
from emlit.policy.loading import check_precision

ROOT = Path(__file__).parents[3]


RUNS = {"32-true", "16-mixed", "bf16-mixed"}


@pytest.mark.parametrize("name", get_args(_PRECISION_INPUT_STR))
def test_every_name_is_known(name):
    if name in RUNS:
        check_precision(name)
    else:
        with pytest.raises(ConfigError, match=rf"trainer.precision is {name}, .* (bf16-mixed|--model.dtype bfloat16)"):
            check_precision(name)


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
