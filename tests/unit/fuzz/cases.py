"""How many cases a fuzz test has, and the values that several of them draw from."""

import math

import torch
from hypothesis import settings
from hypothesis import strategies as st
from torch import Tensor


def cases(count: int) -> settings:
    """So many cases in CI; the profile's share of a hundred scales them (tests/unit/fuzz/conftest.py)."""
    return settings(max_examples=max(1, count * settings().max_examples // 100))


DTYPES = st.sampled_from([torch.float32, torch.bfloat16, torch.float16, torch.float64])

# What a model, a mask or an overflow writes into logits: ties, masks, the largest and the smallest numbers there are.
EXTREMES = [0.0, -0.0, 1.0, -1.0, 88.0, -104.0, 1e4, -1e4, 65504.0, 1e30, -1e30, 1e-40, 1e-45, -3.4028234663852886e38]
FINITE = st.one_of(st.sampled_from(EXTREMES), st.floats(-30, 30, width=32), st.floats(-1e30, 1e30))
LOGITS = st.one_of(FINITE, st.just(-math.inf))
BROKEN = st.sampled_from([math.nan, math.inf])

JSON = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(st.characters(), max_size=20),
        st.sampled_from(["", " ", "\x00", "\ud800", "\u2028", "é漢🙂", "<|im_end|>", 10**400]),
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def matrices(draw: st.DrawFn, elements: st.SearchStrategy[float] = LOGITS, rows: int = 4, columns: int = 9) -> Tensor:
    """(M, V) in one of the four dtypes, contiguous or not; M may be 0, and V 1."""
    shape = draw(st.integers(0, rows)), draw(st.integers(1, columns))
    values = draw(st.lists(elements, min_size=shape[0] * shape[1], max_size=shape[0] * shape[1]))
    dtype, layout = draw(DTYPES), draw(st.sampled_from(["plain", "transposed", "strided"]))
    matrix = torch.tensor(values, dtype=torch.float64).reshape(shape).to(dtype)
    if layout == "transposed":
        return matrix.t().contiguous().t()
    if layout == "strided":
        return torch.stack([matrix, torch.full_like(matrix, torch.nan)], dim=2)[:, :, 0]
    return matrix


def concise_error(error: BaseException) -> str:
    """The message of an error, having made sure that it is one line, and short enough to be read."""
    message = str(error)
    assert message
    assert len(message.splitlines()) == 1, message
    assert len(message) < 1000, message
    return message
