import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from emlit.functional import decile_means, relative_deciles, top_share


def test_top_share_by_hand():
    # A fifth of five is one: 6 of 6 + 4 * 1.
    assert top_share(torch.tensor([1.0, 1, 6, 1, 1])).item() == pytest.approx(0.6, abs=1e-12)
    # Half of three is one and a half: 3 + 2 / 2 of 6; signs do not count.
    assert top_share(torch.tensor([-2.0, 3, 1]), 0.5).item() == pytest.approx(4 / 6, abs=1e-12)
    # All on one of twenty.
    assert top_share(torch.eye(20)[3]).item() == 1.0
    assert top_share(torch.tensor([1.0, 2]), 1.0).item() == 1.0


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 7, 1000, 1001])
def test_equal_values_share_equally(count):
    assert top_share(torch.full((count,), 0.1)).item() == pytest.approx(0.2, abs=1e-12)


@given(st.lists(st.floats(0, 1e6, width=32), min_size=1, max_size=50).filter(lambda v: sum(v) > 0))
def test_the_top_never_carries_less_than_its_number(values):
    share = top_share(torch.tensor(values)).item()
    assert 0.2 - 1e-12 <= share <= 1 + 1e-12
    assert share == pytest.approx(top_share(torch.tensor(values[::-1])).item(), abs=1e-12)


def test_nothing_to_share():
    assert torch.isnan(top_share(torch.zeros(4)))
    assert torch.isnan(top_share(torch.zeros(0)))
    for fraction in (0.0, -0.1, 1.1):
        with pytest.raises(ValueError, match="above 0 and at most 1"):
            top_share(torch.ones(3), fraction)


def test_deciles_by_hand():
    mask = torch.zeros(4, 24, dtype=torch.bool)
    mask[0, 2:22] = True  # 20 tokens: two in each tenth
    mask[1, 4:8] = True  # 4 tokens: floor(0, 2.5, 5, 7.5)
    mask[2, 3:4] = True  # one token, in the first tenth
    deciles = relative_deciles(mask)
    assert deciles[0, 2:22].tolist() == [i // 2 for i in range(20)]
    assert deciles[1, 4:8].tolist() == [0, 2, 5, 7]
    assert deciles[2, 3].item() == 0
    assert torch.equal(deciles >= 0, mask)


def test_decile_means_by_hand():
    means = decile_means(torch.tensor([1.0, 3.0, 5.0, 7.0]), torch.tensor([0, 0, 4, 9]))
    assert means[[0, 4, 9]].tolist() == [2.0, 5.0, 7.0]
    assert torch.isnan(means[[1, 2, 3, 5, 6, 7, 8]]).all()
