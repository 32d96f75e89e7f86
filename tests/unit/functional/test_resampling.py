import math

import pytest
import torch

from emlit.functional import annealed_weights, effective_sample_size, systematic_resampling


def test_effective_sample_size():
    assert effective_sample_size(torch.full((4,), 0.25, dtype=torch.float64)) == pytest.approx(4)
    assert effective_sample_size(torch.tensor([1.0, 0.0, 0.0])) == 1
    assert effective_sample_size(torch.tensor([0.5, 0.5, 0.0])) == pytest.approx(2)


def softmax(values):
    largest = max(values)
    weights = [math.exp(each - largest) for each in values]
    return [each / sum(weights) for each in weights]


@pytest.mark.parametrize("progress", [0.1, 0.25, 0.49, 0.5, 0.9])
@pytest.mark.parametrize("spread", [0.1, 2.0, 12.0])
def test_weights_are_flattened_where_particles_are_few_and_it_is_early(progress, spread):
    log_weights = [spread * each for each in (-1.0, 0.3, 1.0, -0.2, 0.1)]
    plain = softmax(log_weights)
    share = 1 / sum(w * w for w in plain) / 5
    tau = max(1, (1 - progress) / share) if share < 0.5 and progress < 0.5 else 1
    expected = softmax([each / tau for each in log_weights])
    found = annealed_weights(torch.tensor(log_weights), progress)
    assert found.tolist() == pytest.approx(expected, abs=1e-6)
    assert (tau > 1) == (spread > 0.1 and progress < 0.5)


def test_systematic_resampling_by_hand():
    weights = torch.tensor([0.1, 0.5, 0.0, 0.4])
    # points 0.05, 0.3, 0.55, 0.8 of the shares [0, 0.1), [0.1, 0.6), [0.6, 0.6), [0.6, 1)
    assert systematic_resampling(weights, 0.2) == [0, 1, 1, 3]
    # points 0.2, 0.45, 0.7, 0.95
    assert systematic_resampling(weights, 0.8) == [1, 1, 3, 3]
    assert systematic_resampling(torch.tensor([1.0]), 0.999) == [0]
    assert systematic_resampling(torch.full((5,), 0.2), 0.5) == [0, 1, 2, 3, 4]  # equals: each once


def test_systematic_resampling_is_right_on_average_and_never_draws_nothing():
    weights = torch.rand(7, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    weights[2] = 0
    weights /= weights.sum()
    counts = torch.zeros(7, dtype=torch.float64)
    for step in range(2000):
        found = torch.bincount(torch.tensor(systematic_resampling(weights, step / 2000)), minlength=7)
        assert ((found == (7 * weights).floor()) | (found == (7 * weights).ceil())).all()
        counts += found
    torch.testing.assert_close(counts / 2000, 7 * weights, rtol=0, atol=2e-3)
    thirds = torch.tensor([1 / 3, 1 / 3, 1 / 3, 0.0])  # whose sum, rounded, is below 1
    assert 3 not in systematic_resampling(thirds, 1 - 1e-12)
