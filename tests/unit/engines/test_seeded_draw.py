import pytest
import torch

from emlit.engines.seeded_draw import invert


def naive(p: torch.Tensor, uniforms: torch.Tensor) -> torch.Tensor:
    cumulative = p.double().cumsum(dim=1)
    return torch.searchsorted(cumulative, uniforms * cumulative[:, -1:], right=True)


@pytest.mark.parametrize("vocabulary", [3, 511, 512, 513, 5000])
def test_is_the_inverse_of_the_cumulative_sum(vocabulary):
    generator = torch.Generator().manual_seed(vocabulary)
    p = torch.softmax(torch.randn(400, vocabulary, generator=generator) * 3, dim=1)
    uniforms = torch.rand(400, 1, dtype=torch.float64, generator=generator)
    assert (invert(p, uniforms) == naive(p, uniforms)).all()


def test_never_draws_the_impossible():
    p = torch.zeros(5, 2000)
    p[:, [7, 600, 1500]] = torch.tensor([0.2, 0.5, 0.3])
    uniforms = torch.tensor([0.0, 0.2 - 1e-9, 0.5, 1 - 2**-53, 1.0], dtype=torch.float64).unsqueeze(1)
    assert invert(p, uniforms).squeeze(1).tolist() == [7, 7, 600, 1500, 1500]


def test_draws_as_often_as_is_probable():
    p = torch.tensor([[0.1, 0.0, 0.6, 0.3]])
    uniforms = torch.rand(20_000, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    share = invert(p.expand(20_000, 4), uniforms).flatten().bincount(minlength=4) / 20_000
    torch.testing.assert_close(share, p[0], rtol=0, atol=0.02)
