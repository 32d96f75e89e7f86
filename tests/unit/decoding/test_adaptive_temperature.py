from contextlib import nullcontext

import pytest
import torch
from torch.profiler import profile

from emlit.decoding import AdaptiveTemperature, adaptive_temperature
from emlit.functional import token_entropy
from tests.no_sync import no_sync


def logits(count: int = 32, vocabulary: int = 500, scale: float = 2.0) -> torch.Tensor:
    return torch.randn(count, vocabulary, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * scale


@pytest.mark.parametrize("ratio", [0.4, 0.5, 0.85])
def test_reaches_its_target(ratio):
    z = logits()
    temperature = adaptive_temperature(z, ratio=ratio, threshold=0.1, tol=1e-6)
    target = (ratio * token_entropy(z)).clamp(min=0.1)
    torch.testing.assert_close(token_entropy(z, temperature.unsqueeze(1)), target, rtol=0, atol=2e-6)
    assert ((temperature > 0) & (temperature <= 1)).all()


def test_confident_rows_keep_their_temperature():
    z = logits(2)
    z[0, 3] = 80.0
    temperature = adaptive_temperature(z)
    assert temperature[0] == 1
    assert temperature[1] < 1


def test_a_row_does_not_depend_on_the_others():
    z = logits()
    alone = torch.cat([adaptive_temperature(row.unsqueeze(0)) for row in z])
    torch.testing.assert_close(adaptive_temperature(z), alone)


def test_extreme_rows():
    z = torch.tensor([[1e4, -1e4, 0.0], [0.0, 0.0, -torch.inf], [1.0, -torch.inf, -torch.inf]])
    temperature = adaptive_temperature(z)
    assert torch.isfinite(temperature).all()
    assert temperature.dtype == torch.float32


def test_never_moves_the_first():
    z = logits()
    assert torch.equal(AdaptiveTemperature()(z).argmax(-1), z.argmax(-1))


def test_bad_arguments():
    with pytest.raises(ValueError, match="t_min"):
        adaptive_temperature(logits(), t_min=0.0)
    with pytest.raises(ValueError, match="shape"):
        adaptive_temperature(torch.zeros(3))
    with pytest.raises(ValueError, match="ratio"):
        AdaptiveTemperature(ratio=0.0)


def test_the_host_never_waits():
    z = logits(600).float()  # more than are worked on at once
    expected = adaptive_temperature(z)
    with no_sync(as_on_cuda=True):
        found = adaptive_temperature(z)
        decoded = AdaptiveTemperature()(z)
    assert torch.equal(found, expected)
    assert torch.equal(decoded, z / expected.unsqueeze(1))


@pytest.mark.parametrize("scale", [1.0, 4.0, 12.0])
@pytest.mark.parametrize("ratio", [0.3, 0.5, 0.95])
def test_tokens_that_come_to_nothing_are_left_out_without_a_difference(scale, ratio):
    z = logits(6, 2**16, scale)
    for each in (z, z.float()):
        temperature = adaptive_temperature(each, ratio, tol=1e-3)
        target = (ratio * token_entropy(z)).clamp(min=0.1)
        unchanged = token_entropy(z) <= 0.1
        found = torch.where(unchanged, target, token_entropy(z, temperature.double().unsqueeze(1)))
        torch.testing.assert_close(found, target, rtol=0, atol=1.1e-3)
        assert torch.equal(adaptive_temperature(each[3:4], ratio), temperature[3:4])


def test_a_large_vocabulary_goes_a_few_rows_at_a_time():
    z = logits(37, 2**15).float()
    expected = adaptive_temperature(z.double())
    torch.testing.assert_close(token_entropy(z, adaptive_temperature(z).unsqueeze(1)),
                               token_entropy(z, expected.float().unsqueeze(1)), rtol=0, atol=2e-3)  # fmt: skip


@pytest.mark.parametrize("as_on_cuda", [False, True])
def test_its_memory_is_that_of_a_few_rows(as_on_cuda):
    """By the CPU's allocator; of copies of all logits there would be several."""
    z, held, most = logits(1024, 2**13).float(), 0, 0
    with no_sync(as_on_cuda=True) if as_on_cuda else nullcontext(), profile(profile_memory=True) as found:
        adaptive_temperature(z)
    events = [each for each in found.profiler.kineto_results.events() if each.name() == "[memory]"]
    for each in sorted(events, key=lambda each: each.start_ns()):
        held += each.nbytes()
        most = max(most, held)
    assert 0 < most < z.nbytes


def test_rows_that_are_no_distribution_keep_their_temperature():
    z = torch.tensor([[torch.nan, 0.0, 1.0], [torch.inf, 0.0, 1.0], [-torch.inf] * 3, [0.0, 0.5, 1.0]])
    temperature = adaptive_temperature(z)
    assert temperature[:3].tolist() == [1, 1, 1]
    assert temperature[3] < 1
