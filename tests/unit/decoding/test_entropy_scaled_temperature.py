import math

import pytest
import torch

from emlit.decoding import EntropyScaledTemperature
from tests.no_sync import no_sync

HAPO = EntropyScaledTemperature(reference=0.672, highest=3.0, lowest=1e-3)


def reference(row: list[float], decoding: EntropyScaledTemperature) -> float:
    """T of one row, from the formula."""
    weights = [math.exp(z) for z in row]
    p = [w / sum(weights) for w in weights]
    entropy = -sum(each * math.log(each) for each in p if each > 0)
    distance = math.log(max(entropy, decoding.lowest)) - math.log(decoding.reference)
    if distance > 0:
        h = min(1.0, distance / (math.log(decoding.highest) - math.log(decoding.reference)))
    else:
        h = max(-1.0, distance / (math.log(decoding.reference) - math.log(decoding.lowest)))
    return 1 + decoding.strength * h


def test_equals_the_formula_row_by_row():
    z = torch.randn(64, 200, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    z *= torch.linspace(0.1, 40, 64, dtype=torch.float64).unsqueeze(1)  # from certain to nearly uniform
    expected = torch.tensor([reference(row.tolist(), HAPO) for row in z], dtype=torch.float64)
    torch.testing.assert_close(HAPO(z), z / expected.unsqueeze(1))
    assert expected.min() == 0.95
    assert expected.max() == 1.05


def test_by_hand():
    nats = torch.tensor([0.672, 3.0, 9.0, 1e-3, 0.0, math.sqrt(0.672 * 3.0)], dtype=torch.float64)
    expected = torch.tensor([1.0, 1.05, 1.05, 0.95, 0.95, 1.025], dtype=torch.float64)
    torch.testing.assert_close(HAPO.temperature(nats), expected)


def test_extreme_rows_and_masks():
    z = torch.tensor([[torch.nan, 0.0, 1.0], [torch.inf, 0.0, 1.0], [-torch.inf] * 3, [5.0, -torch.inf, -torch.inf]])
    found = HAPO(z)
    torch.testing.assert_close(found[:3], z[:3], rtol=0, atol=0, equal_nan=True)
    assert torch.equal(found[3] == -torch.inf, z[3] == -torch.inf)
    torch.testing.assert_close(found[3, 0], torch.tensor(5 / 0.95))


def test_a_row_does_not_depend_on_the_others_and_the_host_never_waits():
    z = torch.randn(9, 100, generator=torch.Generator().manual_seed(1))
    alone = torch.cat([HAPO(row.unsqueeze(0)) for row in z])
    with no_sync(as_on_cuda=True):
        found = HAPO(z)
    torch.testing.assert_close(found, alone)
    assert torch.equal(found.argmax(1), z.argmax(1))


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"reference": 3.0, "highest": 2.0}, "lowest, reference and highest are 1e-08, 3 and 2; they must be"),
        ({"reference": 0.5, "highest": 2.0, "lowest": 0.0}, "lowest, reference and highest are 0,"),
        ({"reference": math.nan, "highest": 2.0}, "reference and highest"),
        ({"reference": 0.5, "highest": math.inf}, "reference and highest"),
        ({"reference": 0.5, "highest": 2.0, "strength": 1.0}, "strength is 1.0; it must be above 0 and below 1"),
    ],
)
def test_bad_settings(settings, sentence):
    with pytest.raises(ValueError, match=sentence):
        EntropyScaledTemperature(**settings)
