"""The comparisons that SciCode's tests import or take from numpy: to a tolerance, after shapes and finiteness."""

from collections.abc import Collection, Mapping
from copy import copy
from decimal import Decimal
from fractions import Fraction

import numpy as np

_allclose, _isclose, _shape = np.allclose, np.isclose, np.shape
_LARGE = 1e100  # a sum of squares above it, as of a norm, may be infinite


def _dense(value):
    return value.toarray() if hasattr(value, "toarray") else value


def _same_shape(left, right):
    """Whether two arrays have the same shape, axes of length 1 aside."""
    shapes = [tuple(size for size in _shape(each) if size != 1) for each in (left, right)]
    return shapes[0] == shapes[1]


def _finite(array):
    """Where an array's elements are finite; a complex one may be infinitely far from zero without an infinite part."""
    return np.isfinite(np.abs(array))


def allclose(a, b, rtol=1e-05, atol=1e-08, equal_nan=False):
    """As numpy's, which finds an empty array close to any other, since no element of it differs."""
    left, right = np.asarray(_dense(a)), np.asarray(_dense(b))
    if not _same_shape(left, right) or np.any(_finite(left).ravel() != _finite(right).ravel()):
        return False
    return bool(_allclose(left.ravel(), right.ravel(), rtol, atol, equal_nan))


def isclose(a, b, rtol=1e-05, atol=1e-08, equal_nan=False):
    """As numpy's, with an array of another shape close nowhere; a number may stand beside an array."""
    left, right = np.asarray(_dense(a)), np.asarray(_dense(b))
    if right.size != 1 and not _same_shape(left, right):
        return np.zeros(left.shape, bool)[()]
    right = right if right.size == 1 else right.reshape(left.shape)
    return _isclose(left, right, rtol, atol, equal_nan) & (_finite(left) == _finite(right))


def has_empty(value):
    """Whether something in a value has no elements, so that a comparison by element finds no difference."""
    return any(not part.size if isinstance(part, np.ndarray) else not part for part in _parts(value, Collection))


def has_nan(value):
    """Whether something in a value is no number or time, of which `not abs(value - target) > limit` is true."""
    return any(part.dtype.kind in "fcmM" and bool(np.isnan(part).any()) for part in _arrays(value))


def has_infinity(value):
    """Whether something in a value is infinite or so large that its square is, as is what a tolerance makes of it."""
    if any(abs(part) > _LARGE for part in _parts(value, (int, Fraction))):
        return True
    return any(part.dtype.kind in "fc" and bool((np.abs(part) > _LARGE).any()) for part in _arrays(value))


def _arrays(value):
    for part in _parts(value, (float, complex, Decimal, np.generic, np.ndarray)):
        yield np.asarray(float(part) if isinstance(part, Decimal) else part)


def _parts(value, kinds):
    """What there is of some kinds in a value, itself among it; of an iterator that came drained a copy is looked at."""
    if isinstance(value, type(iter([]))):
        value = list(copy(value))
    if hasattr(type(value), "tocoo"):
        # Of zeros nothing is kept.
        value = np.broadcast_to(0, value.shape) if kinds is Collection else value.tocoo().data
    if isinstance(value, kinds):
        yield value
    if isinstance(value, Mapping):
        value = [*(() if kinds is Collection else value), *value.values()]  # some keys are empty names
    if isinstance(value, np.ndarray) and value.dtype == object:
        value = value.ravel().tolist()
    if isinstance(value, Collection) and not isinstance(value, (str, bytes, bytearray, range, np.ndarray)):
        for part in value:
            yield from _parts(part, kinds)


def _close(left, right, rtol=1e-5, atol=1e-8):
    left, right = _dense(left), _dense(right)
    if isinstance(left, dict):
        return isinstance(right, dict) and are_dicts_close(left, right, atol, rtol)
    if isinstance(left, (bool, str)) or type(left).__module__.startswith("sympy"):
        return str(left) == str(right)
    try:
        return allclose(left, right, rtol, atol)
    except (ValueError, TypeError):  # of other shapes, or no numbers
        try:
            return _shape(left) == _shape(right) and bool(np.all(left == right))
        except ValueError:
            return False


def are_dicts_close(dict1, dict2, atol=1e-8, rtol=1e-5):
    """Whether two dictionaries have the same keys (symbols by name) and close values."""
    left, right = ({_name(key): value for key, value in each.items()} for each in (dict1, dict2))
    return left.keys() == right.keys() and all(_close(left[key], right[key], rtol, atol) for key in left)


def _name(key):
    return str(key) if type(key).__module__.startswith("sympy") else key


def are_csc_matrix_close(matrix1, matrix2):
    """Whether two sparse matrices are close."""
    return _close(matrix1, matrix2)


def cmp_tuple_or_list(var1, var2):
    """Whether two sequences have the same length and close members."""
    return len(var1) == len(var2) and all(_close(left, right) for left, right in zip(var1, var2, strict=True))
