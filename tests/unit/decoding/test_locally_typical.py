import math

import pytest
import torch
from transformers import TypicalLogitsWarper

from emlit.decoding import LocallyTypical, locally_typical
from tests.no_sync import no_sync


def reference(row: torch.Tensor, mass: float) -> set[int]:
    """The tokens that are kept, as the paper has it: a sum token by token, in Python."""
    weights = [math.exp(z) for z in row.tolist()]
    p = [w / sum(weights) for w in weights]
    entropy = -sum(each * math.log(each) for each in p if each > 0)
    order = sorted(range(len(p)), key=lambda i: abs(-math.log(p[i]) - entropy) if p[i] > 0 else math.inf)
    kept, total = set(), 0.0
    for token in order:
        kept.add(token)
        total += p[token]
        if total >= mass:
            break
    return kept


def rows(count: int = 16, vocabulary: int = 300, scale: float = 2.0) -> torch.Tensor:
    return torch.randn(count, vocabulary, dtype=torch.float64, generator=torch.Generator().manual_seed(3)) * scale


@pytest.mark.parametrize("mass", [0.05, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("scale", [0.3, 2.0, 8.0])
def test_keeps_what_the_paper_keeps(mass, scale):
    z = rows(scale=scale)
    found = locally_typical(z, mass)
    for row, result in zip(z, found, strict=True):
        kept = {i for i, value in enumerate(result.tolist()) if value > -math.inf}
        assert kept == reference(row, mass)
    assert torch.equal(found[found.isfinite()], z[found.isfinite()])  # what is kept is as it was


@pytest.mark.parametrize("mass", [0.2, 0.9])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_is_what_transformers_does(mass, dtype):
    z = torch.cat([rows(scale=scale) for scale in (0.1, 1.0, 3.0, 10.0)]).to(dtype)
    z[1, 5:] = -torch.inf
    assert torch.equal(locally_typical(z, mass), TypicalLogitsWarper(mass)(None, z))


def test_the_most_likely_token_may_go():
    # p = 0.4, and 60 of 0.01: H = 3.13 nats, to which 4.61 (the rare ones) is nearer than 0.92.
    p = torch.tensor([[0.4] + [0.01] * 60], dtype=torch.float64)
    found = LocallyTypical(mass=0.3)(p.log())
    assert found[0, 0] == -torch.inf
    assert found[0, 1:].isfinite().all()  # they are all at one distance


def test_ties_at_the_edge_are_kept_together():
    assert LocallyTypical(0.1)(torch.zeros(2, 10)).isfinite().all()


def test_rows_that_are_no_distribution_and_one_token():
    z = torch.tensor([[torch.nan, 0.0, 1.0], [torch.inf, 0.0, 1.0], [-torch.inf] * 3, [-torch.inf, 5.0, -torch.inf]])
    torch.testing.assert_close(locally_typical(z), z, rtol=0, atol=0, equal_nan=True)
    assert locally_typical(torch.zeros(0, 4)).shape == (0, 4)


def test_a_row_does_not_depend_on_the_others_and_the_argument_stays():
    z = rows().half()
    before = z.clone()
    alone = torch.cat([locally_typical(row.unsqueeze(0)) for row in z])
    with no_sync(as_on_cuda=True):
        found = LocallyTypical()(z)
    assert torch.equal(found, alone)
    assert found.dtype == torch.float32
    assert torch.equal(z, before)


@pytest.mark.parametrize("mass", [0.0, 1.0, -1, math.nan])
def test_bad_settings(mass):
    with pytest.raises(ValueError, match="mass is .*; it must be above 0 and below 1"):
        LocallyTypical(mass)
    with pytest.raises(ValueError, match="shape"):
        locally_typical(torch.zeros(3))
