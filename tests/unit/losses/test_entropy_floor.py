"""The controller of the entropy floor, by hand."""

import pytest
import torch

from emlit.losses import EntropyFloor


def step(floor: EntropyFloor, entropy: float, tokens: int = 4) -> None:
    mask = torch.arange(4) < tokens
    floor.entropy.observe(torch.full((1, 4), entropy), mask.view(1, 4))
    floor.update(lambda value, how: value)


def test_alpha_follows_the_entropy():
    floor = EntropyFloor(0.5, step=0.4)
    for entropy, alpha, coefficient in (
        (0.6, 0.0, 0.0),
        (0.4, 0.4, 0.4),
        (0.3, 0.8, 0.8),
        (0.7, 0.4, 0.0),
        (0.5, 0.8, 0.8),
    ):
        step(floor, entropy)
        assert (floor.alpha, floor.coefficient) == pytest.approx((alpha, coefficient))


def test_alpha_has_a_maximum():
    floor = EntropyFloor(0.2, step=0.0001, maximum=0.0002)
    for _ in range(5):
        step(floor, 0.1)
    assert floor.coefficient == pytest.approx(0.0002)


def test_an_empty_or_broken_step_does_not_move_it():
    floor = EntropyFloor(0.5)
    for entropy, tokens in ((0.0, 0), (float("nan"), 4)):
        step(floor, entropy, tokens)
        assert (floor.alpha, floor.coefficient) == (0.0, 0.0)
