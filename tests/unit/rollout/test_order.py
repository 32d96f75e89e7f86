import itertools
from collections import Counter

import pytest

from emlit.rollout.order import Permutation


@pytest.mark.parametrize("n", [*range(1, 70), 97, 127, 128, 129, 255, 256, 257, 1009, 4095, 4096, 4097])
def test_every_number_stands_in_one_place(n):
    for key in (0, 1, 2**63 - 1):
        order = Permutation(n, key)
        assert len(order) == n
        assert sorted(order) == list(range(n))


def test_the_key_alone_decides():
    assert list(Permutation(100, 7)) == list(Permutation(100, 7))
    orders = {tuple(Permutation(100, key)) for key in range(200)}
    assert len(orders) == 200


def test_a_place_outside_is_refused():
    order = Permutation(5, 0)
    assert order[-1] == order[4]
    for place in (5, -6):
        with pytest.raises(IndexError):
            order[place]


@pytest.mark.parametrize("n", [3, 4, 10])
def test_places_are_fair(n):
    """Chi-square of who stands at each place, over keys: n-1 degrees of freedom, of which 1 in 10^6 exceed 5n + 25."""
    keys = 3000
    counts = [Counter() for _ in range(n)]
    pairs: Counter = Counter()
    for key in range(keys):
        order = list(Permutation(n, key))
        for place, value in enumerate(order):
            counts[place][value] += 1
        pairs[order[0], order[1]] += 1
    expected = keys / n
    for count in counts:
        assert sum((count[value] - expected) ** 2 / expected for value in range(n)) < 5 * n + 25
    # Neighbours are not tied together either.
    expected = keys / (n * (n - 1))
    found = sum((pairs[pair] - expected) ** 2 / expected for pair in itertools.permutations(range(n), 2))
    assert found < 1.5 * n * (n - 1) + 30


def test_a_large_order_is_looked_up_and_not_built():
    order = Permutation(10**15, 3)
    seen = {order[place] for place in range(1000)}
    assert len(seen) == 1000
    # Spread over the whole: a mean of 0.5 n, of which 1000 uniform draws stray by 0.009 n (one standard deviation).
    assert abs(sum(seen) / 1000 / 10**15 - 0.5) < 0.05
