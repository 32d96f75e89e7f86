"""The fit of accuracy by entropy, and the command that reads it off a run's curves."""

import math
import sys

import pytest
import torch
from torch.utils.tensorboard import SummaryWriter

from emlit.curves import __main__ as command
from emlit.curves.entropy_law import entropy_law, paired, read_scalars
from emlit.errors import DataError


def test_a_run_that_keeps_the_law_is_found_out():
    entropy = torch.linspace(1.2, 0.05, 9)
    law = entropy_law(entropy, -0.3 * entropy.double().exp() + 0.9)
    assert law.a == pytest.approx(0.3, abs=1e-6)
    assert law.b == pytest.approx(0.9, abs=1e-6)
    assert law.r2 == pytest.approx(1, abs=1e-9)
    assert law.points == 9


def test_is_the_least_squares_of_float64():
    generator = torch.Generator().manual_seed(0)
    entropy, accuracy = torch.rand(50, generator=generator), torch.rand(50, generator=generator)
    x = [math.exp(h) for h in entropy.tolist()]
    r = accuracy.double()
    design = torch.tensor([[-each, 1.0] for each in x], dtype=torch.float64)
    a, b = torch.linalg.lstsq(design, r.unsqueeze(1)).solution.squeeze(1).tolist()
    left = sum((each - (-a * place + b)) ** 2 for place, each in zip(x, r.tolist(), strict=True))
    total = sum((each - r.mean().item()) ** 2 for each in r.tolist())
    law = entropy_law(entropy, accuracy)
    assert (law.a, law.b, law.r2) == pytest.approx((a, b, 1 - left / total), abs=1e-6)


def test_what_cannot_be_fitted():
    nan = torch.tensor([0.1, torch.nan, 0.3, 0.4])
    assert entropy_law(nan, torch.tensor([0.5, 0.5, 0.6, 0.7])).points == 3
    with pytest.raises(DataError, match="there are 2 points"):
        entropy_law(nan, torch.tensor([0.5, 0.5, 0.6, torch.inf]))
    with pytest.raises(DataError, match="entropy is the same at all points"):
        entropy_law(torch.full((5,), 0.3), torch.rand(5))
    flat = entropy_law(torch.tensor([0.1, 0.2, 0.3]), torch.full((3,), 0.4))
    assert (flat.a, flat.b) == (0, pytest.approx(0.4))
    assert math.isnan(flat.r2)


def test_the_command(tmp_path, monkeypatch, capsys, run_sentence):
    with SummaryWriter(tmp_path / "tensorboard") as writer:
        for step, entropy in enumerate((0.9, 0.6, 0.4, 0.2)):
            writer.add_scalar("entropy/token_mean", entropy, step)
            writer.add_scalar("accuracy/pass@1", 0.8 - 0.2 * math.exp(entropy), step)
        writer.add_scalar("entropy/token_mean", 0.1, 9)  # of a step without the other
    curves = read_scalars(tmp_path)
    assert len(paired(curves, "entropy/token_mean", "accuracy/pass@1")[0]) == 4
    monkeypatch.setattr(sys, "argv", ["emlit.curves", str(tmp_path)])
    command.main()
    said = capsys.readouterr()
    assert "| accuracy/pass@1 by entropy/token_mean | 4 | 0.2000 | 0.8000 | 0.6000 | 1.0000 |" in said.out
    assert "evaluation/pass@1 by evaluation/token_entropy: there are 0 points" in said.err
    monkeypatch.setattr(sys, "argv", ["emlit.curves", str(tmp_path / "none")])
    assert "has no curves in tensorboard/; give the --run_dir of a fit" in run_sentence(command.main)
