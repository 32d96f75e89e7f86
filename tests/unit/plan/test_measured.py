"""The dry run against the allocator: one real optimiser step, in each of its phases."""

from pathlib import Path

import pytest
import torch

from benchmarks.plan_memory import CASES, arguments_of, make_model, measure

pytestmark = pytest.mark.skipif(torch.cuda.is_available(), reason="compares with the CPU's allocator")


def compare(found: dict) -> None:
    for phase, measured in found["measured"].items():
        assert found["planned"][phase] == pytest.approx(measured, rel=0.05, abs=2**20), phase
    for name, measured in found["measured_kept"].items():
        # AdamW counts its steps, a number a tensor.
        assert found["planned_kept"][name] == pytest.approx(measured, rel=1e-3), name


# `make test` has one case of each kind of step.
FIRST = ("EM-FT", "EM-RL", "EM-RL, LoRA, checkpointing")


@pytest.mark.parametrize(
    "case", [each if each in FIRST else pytest.param(each, marks=pytest.mark.nightly) for each in CASES]
)
def test_the_tiny_reasoner(case):
    compare(measure(arguments_of(case, "tiny", tokens=128, autocast=False)))


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("shape", "case"),
    [("26M", "EM-RL, checkpointing"), ("26M", "EM-FT, logits"), ("21M, tied", "EM-RL"), ("21M, tied", "EM-FT")],
)
def test_random_weights(shape, case, tmp_path: Path):
    compare(measure(arguments_of(case, make_model(shape, tmp_path), tokens=256, autocast=False)))
