"""The largest probe that costs at most a tenth of its run, and whether there is one."""

from types import SimpleNamespace

import pytest

from emlit.callbacks.guard_cost import GuardCost, planned
from emlit.collapse import ProbeSize, probe_size


@pytest.mark.parametrize(
    ("run", "later", "expected"),
    [
        (2048 * 100, 10, (64, 16)),  # the paper's EM-RL
        (512 * 40, 4, (64, 16)),  # its EM-FT: 2,048 of 20,480
        (256 * 40, 4, (32, 16)),  # configs/tiny/em_ft.yaml: 1,024 of 10,240
        (256 * 20, 2, (32, 8)),  # 512 of 5,120
        (512, 1, (16, 4)),  # nothing fits a tenth of it
        (None, None, (64, 16)),  # as long as it likes
    ],
)
def test_the_largest_that_costs_a_tenth(run, later, expected):
    size = probe_size(4096, run, later)
    assert (size.prompts, size.start_samples) == expected
    assert size.affordable == (run != 512)
    assert not size.affordable or run is None or size.whole <= run / 10


@pytest.mark.parametrize("run", range(100, 30_000, 700))
def test_the_probe_never_costs_more_than_a_tenth_and_128_completions(run):
    size = probe_size(4096, run, later=1)
    assert size.whole <= max(run / 10, 128)


def test_what_is_set_is_taken():
    size = probe_size(4096, 512, 1, prompts=40)
    assert (size.prompts, size.start_samples) == (40, 4)
    assert probe_size(4096, 512, 1, prompts=128, start_samples=16).at_start == 128 * 16
    assert probe_size(4096, 512, 1, samples=8).start_samples == 8  # never fewer than later
    assert probe_size(5, 100_000, 1).prompts == 5


def test_what_it_costs_in_words():
    assert str(ProbeSize(32, 4, 16, later=4, run=10_240)) == (
        "32 prompts x 16 samples, 512 completions; with 4 later probes 1,024, 10% of the run's 10,240"
    )
    assert str(ProbeSize(16, 4, 4, later=1, run=8)) == (
        "16 prompts x 4 samples, 64 completions; with 1 later probe 128, 1600% of the run's 8"
    )
    assert str(ProbeSize(64, 4, 16)) == "64 prompts x 16 samples, 1,024 completions"


def trainer(**settings) -> SimpleNamespace:
    data = SimpleNamespace(prompts_per_round=64, samples_per_prompt=4, updates_per_round=2, train_prompts=range(1000))
    return SimpleNamespace(**{"max_steps": -1, "max_epochs": -1, "global_step": 0, **settings}, datamodule=data)


def test_the_length_of_a_run():
    assert planned(trainer(max_steps=100)) == (100, 50 * 256)
    assert planned(trainer(max_epochs=2)) == (2 * 15 * 2, 30 * 256)
    assert planned(trainer(max_steps=10, max_epochs=2)) == (10, 5 * 256)
    assert planned(trainer()) == (None, None)


def test_what_it_came_to():
    cost = GuardCost.of(ProbeSize(32, 4, 16), 3, 12.34, trainer(global_step=20))
    assert cost.completions == 512 + 2 * 128
    assert cost.share_of_run == 0.3
    assert str(cost) == "its probes: 768 completions, 30% of the run's, 12 s"
    assert GuardCost.of(ProbeSize(32, 4, 16), 1, 0.0, trainer()).share_of_run is None
