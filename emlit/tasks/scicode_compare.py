"""The comparisons that SciCode's tests import: values, sequences, dictionaries and sparse matrices, to a tolerance."""

import numpy as np


def _dense(value):
    return value.toarray() if hasattr(value, "toarray") else value


def _close(left, right, rtol=1e-5, atol=1e-8):
    left, right = _dense(left), _dense(right)
    if isinstance(left, dict):
        return isinstance(right, dict) and are_dicts_close(left, right, atol, rtol)
    if isinstance(left, (bool, str)) or type(left).__module__.startswith("sympy"):
        return str(left) == str(right)
    try:
        return bool(np.allclose(left, right, rtol=rtol, atol=atol))
    except (ValueError, TypeError):  # of other shapes, or no numbers
        try:
            return bool(np.all(left == right))
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
