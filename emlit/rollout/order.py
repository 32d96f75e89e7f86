"""An order of any number of things that is looked up, not stored."""

from collections.abc import Sequence

_ROUNDS = 8
_64_BITS = (1 << 64) - 1


class Permutation(Sequence[int]):
    """A permutation of 0 ... n-1 drawn by its key: a few numbers of memory, a few microseconds a look-up.

    A Feistel network permutes the smallest 4^k >= n numbers, and what falls outside is permuted again until it falls
    inside (cycle walking: Black and Rogaway, "Ciphers with Arbitrary Finite Domains", 2002), less than four times on
    average. numpy's and torch's permutations hold n numbers: 0.8 GB of them for 10^8 rows, in each process.

    Args:
        n: how many
        key: any integer
    """

    def __init__(self, n: int, key: int) -> None:
        self._n = n
        self._half = max(1, ((n - 1).bit_length() + 1) // 2)  # bits
        keys = [_mixed(key)]
        while len(keys) < _ROUNDS:
            keys.append(_mixed(keys[-1]))
        self._keys = keys

    def __len__(self) -> int:
        return self._n

    def __getitem__(self, position: int) -> int:  # type: ignore[override]  # no slices
        value = range(self._n)[position]
        while True:
            value = self._step(value)
            if value < self._n:
                return value

    def _step(self, value: int) -> int:
        mask = (1 << self._half) - 1
        left, right = value >> self._half, value & mask
        for key in self._keys:
            left, right = right, left ^ (_mixed(right ^ key) & mask)
        return left << self._half | right


def _mixed(value: int) -> int:
    """SplitMix64 (Steele, Lea and Flood, 2014): every bit of the result depends on every bit of the value."""
    value = (value + 0x9E3779B97F4A7C15) & _64_BITS
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _64_BITS
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _64_BITS
    return value ^ (value >> 31)
