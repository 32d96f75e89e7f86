"""Whether two answers in LaTeX mean the same, by math-verify; `server.py` asks it, and it knows nothing else of emlit.

What it calls of math-verify and latex2sympy2_extended is partly internal to them. `check` asks them whether they still
take these arguments and give these answers.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from types import TracebackType
from typing import Any

import sympy
from latex2sympy2_extended.latex2sympy2 import ConversionConfig, NormalizationConfig, _Latex2Sympy, normalize_latex
from latex2sympy2_extended.logic import And
from math_verify import verify
from math_verify.grader import should_treat_as_complex
from sympy import Basic, Expr, N, Rational, nan, oo, zoo
from sympy.core.function import AppliedUndef, Derivative
from sympy.core.relational import Relational
from sympy.sets.sets import Set

# math-verify's own rule for units would take the m of "2 m" for metres; a capital letter is another variable.
_WRITING = NormalizationConfig(basic_latex=True, units=False, malformed_operators=True, nits=False, boxed="none")
_READING = ConversionConfig(lowercase_symbols=False)
_DECIMAL = re.compile(r"[+-]?\d*\.(\d+)")
_PLACES = 6  # a decimal with this many places equals a number that rounds to it
_DIGITS = 30
_UNDONE = (sympy.Integral, sympy.Sum, sympy.Product, sympy.Limit, Derivative)
# One for each way to compare.
_PROBES = [
    (r"\frac{1}{2}", "0.5", True), ("x+x", "2x", True), ("R", "r", False), ("x+y=1", "2x+2y=2", True),
    ("1<x<2", "(1,2)", True), ("xy=1", r"y=\frac{1}{x}", True), ("x^2+1=0", "x^2+2=0", False),
    (r"\{1,2\}", r"\{1,3\}", False), (r"3(\frac{1}{2})", "1.5", True),
]  # fmt: skip


class _Reader(_Latex2Sympy):  # type: ignore[misc]
    """The parser, but that of what stands side by side a product is made, and never a mixed number: 3(1/2) is 3/2."""

    def convert_postfix_list(self, arr: Any, i: int = 0) -> Any:
        first = self.convert_postfix(arr[i])
        if i + 1 == len(arr) and not isinstance(first, list):
            return first
        rest = self.convert_postfix_list(arr, i + 1) if i + 1 < len(arr) else None
        if isinstance(first, list):  # d/dx
            return Derivative(rest, first[0])
        if any(getattr(each, "is_Matrix", False) for each in (first, rest)):
            return self.mat_mul_flat(first, rest)
        return self.mul_flat(first, rest) if isinstance(first, Expr) else first


@lru_cache(maxsize=4096)
def parse(text: str) -> Any:
    """The sympy object of a LaTeX text; raises whatever the parser raises."""
    text = normalize_latex(text, _WRITING)
    return _Reader(None, not should_treat_as_complex(text), config=_READING).parse(text)


def equal(left: str, right: str, relative: float, absolute: float) -> bool:
    """Whether two LaTeX texts mean the same; False where one cannot be read."""
    try:
        return _same(parse(left), parse(right), (left, right), relative, absolute)
    except MemoryError:
        return False
    except Exception as error:  # the parser raises bare Exceptions, and sympy whatever it meets
        if _is_wrong_call(error):
            raise
        return False


def _is_wrong_call(error: Exception) -> bool:
    """Whether a function that is called here does not take the arguments, or is no longer there."""
    place: TracebackType | None = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    ours = place is not None and place.tb_frame.f_code.co_filename == __file__
    return (
        isinstance(error, NameError | ImportError) or ours and isinstance(error, TypeError) and "argument" in str(error)
    )


def check() -> None:
    """Raise a RuntimeError where the libraries' internals are not the ones that this file was written for."""
    try:
        found = [
            (parse(left), parse(right), _same(parse(left), parse(right), (left, right), 0, 0))
            for left, right, _ in _PROBES
        ]
    except Exception as error:
        raise RuntimeError(f"math-verify or latex2sympy2_extended has changed: {error!r}") from error
    for (a, b, same), (left, right, expected) in zip(found, _PROBES, strict=True):
        if same != expected:
            raise RuntimeError(
                f"math-verify or latex2sympy2_extended has changed: {left} and {right}, read as {a!r} and {b!r}, "
                f"are {'equal' if same else 'different'}"
            )


def _same(a: Any, b: Any, texts: tuple[str, str], relative: float, absolute: float) -> bool:
    if a.has(*_UNDONE) != b.has(*_UNDONE):
        return False  # the question, or half of the way
    if a.has(*_UNDONE):
        a, b = a.as_dummy(), b.as_dummy()  # whatever the index is called
    related = [isinstance(each, (Relational, And)) for each in (a, b)]
    if all(related):
        return _same_relations(a, b)
    if any(related):
        return isinstance(a, Set) != isinstance(b, Set) and _is_solved(a if related[0] else b) and _verified(a, b)
    if (
        not (isinstance(a, Expr) and isinstance(b, Expr))
        or isinstance(a, sympy.MatrixBase)
        or isinstance(b, sympy.MatrixBase)
    ):
        return _verified(a, b)
    if a == b or a.has(sympy.Sum, sympy.Product):
        return a == b and a not in (nan, zoo)
    if {symbol.name for symbol in a.free_symbols | b.free_symbols} == {"i"}:
        a, b = (e.subs({symbol: sympy.I for symbol in e.free_symbols}) for e in (a, b))
    if not a.free_symbols | b.free_symbols:
        return _same_number(a, b, texts, relative, absolute)
    verdict = _same_function(a, b)
    return _verified(a, b) if verdict is None else verdict


def _same_relations(a: Any, b: Any) -> bool:
    """Whether they hold for the same numbers, and none is the question that the other answers: 2x > 10 for x > 5."""
    if a == b:
        return True
    parts = [list(x.args) if isinstance(x, And) else [x] for x in (a, b)]
    if any(not (each.lhs - each.rhs).free_symbols for side in parts for each in side):
        return False  # 1 = 2, and x = x + 1, say nothing about any variable
    if len(a.free_symbols) == 1 or len(b.free_symbols) == 1:
        if a.free_symbols != b.free_symbols or _is_solved(a) != _is_solved(b):
            return False
        if _is_solved(a) and not any(x.atoms(sympy.Eq) for x in (a, b)):
            return bool(a.as_set() == b.as_set())
    return len(parts[0]) == len(parts[1]) and all(
        any(_same_relation(one, other) for other in others) for side, others in (parts, parts[::-1]) for one in side
    )


def _is_solved(relation: Any) -> bool:
    """Whether its one variable stands alone, and numbers on the other side: x > 5, 1 < x < 2."""
    return len(relation.free_symbols) == 1 and all(
        any(one.is_Symbol and not other.free_symbols for one, other in (each.args, each.args[::-1]))
        for each in relation.atoms(Relational)
    )


def _same_relation(a: Any, b: Any) -> bool:
    """Whether one is the other times a number; identities have the same sides, and curves the same points."""
    if a.func not in (b.func, b.reversed.func):
        return False
    b = b if a.func == b.func else b.reversed
    values = {each: sympy.Dummy(real=True) for x in (a, b) for each in x.atoms(AppliedUndef, *_UNDONE)}
    (one, two), (three, four) = ([side.xreplace(values) for side in x.args] for x in (a, b))
    is_equation = a.func == sympy.Eq
    if _same_function(one, two) or _same_function(three, four):
        return is_equation and any(
            _same_function(one, x) and _same_function(two, y) for x, y in ((three, four), (four, three))
        )
    sides = [one - two, three - four]
    for left, right in (sides, [sympy.numer(sympy.together(side)) for side in sides]):
        point = next(_points(left, right))
        ratio = left.subs(point) / right.subs(point)
        if _same_function(left, ratio * right) and (N(ratio) > 0 or a.func in (sympy.Eq, sympy.Ne)):
            return True
        if not is_equation or len(a.free_symbols) < 2:
            return False
    return False


def _verified(a: Basic, b: Basic) -> bool:
    return any(
        verify(gold, answer, float_rounding=12, timeout_seconds=None, allow_set_relation_comp=True)
        for gold, answer in ((a, b), (b, a))
    )


def _gap(a: Expr, b: Expr, size: Any) -> Any:
    """How far two numbers are apart; 0 where that is rounding.

    Of their difference, not the difference of their values: 2^2009 and 2^2009 - 1 have the same 30 digits.
    """
    if a.has(sympy.Float) or b.has(sympy.Float):
        gap = abs(N(a, _DIGITS) - N(b, _DIGITS))
        return 0 if gap <= size * 1e-12 else gap
    difference = (a - b).doit()
    if difference.is_Rational:
        return abs(difference)
    gap = abs(N(difference, _DIGITS))
    return 0 if gap <= size * Rational(1, 10**25) else gap


def _same_number(one: Expr, other: Expr, texts: tuple[str, str], relative: float, absolute: float) -> bool:
    a, b = N(one, _DIGITS), N(other, _DIGITS)
    if any(value.has(nan, zoo, oo, -oo) for value in (a, b)):
        return a == b and not a.has(nan, zoo)
    size = max(abs(a), abs(b))
    gap = _gap(one, other, size)
    if gap <= size * relative or gap <= absolute:
        return True
    decimals = [match[1] for match in map(_DECIMAL.fullmatch, texts) if match]
    return (
        len(decimals) == 1
        and len(decimals[0].lstrip("0")) >= _PLACES
        and bool(gap <= Rational(1, 2 * 10 ** len(decimals[0])))
    )


def _same_function(a: Expr, b: Expr) -> bool | None:
    """Whether two expressions agree wherever both have a value, out of several points; None where none could be had.

    Variables are positive there, as physical quantities are: the root of x² is x. Beside factorials they are whole
    numbers, beside floors those that x, y and their like do not name, and beside an absolute value negative as well.
    """
    agreed = 0
    for point in _points(a, b):
        x, y = (N(e.subs(point), _DIGITS) for e in (a, b))
        if any(not value.is_number or value.has(nan, zoo, oo, -oo, AppliedUndef, Derivative) for value in (x, y)):
            continue
        if _gap(a.subs(point), b.subs(point), max(abs(x), abs(y))) != 0:
            return False
        agreed += 1
    return True if agreed >= 3 else None


def _points(a: Expr, b: Expr) -> Iterator[dict[Any, Any]]:
    """Values for their variables, six times."""
    symbols = sorted(a.free_symbols | b.free_symbols, key=str)
    counted = any(e.has(sympy.factorial, sympy.binomial) for e in (a, b))
    floored = any(e.has(sympy.floor, sympy.ceiling) for e in (a, b))
    signed = a.has(sympy.Abs) or b.has(sympy.Abs)
    for turn in range(6):
        yield {
            symbol: (
                Rational(7 + 6 * place + 5 * turn + turn * place)
                if counted or floored and (turn % 2 or symbol.name[0] not in "rtuvwxyz")
                else Rational(311 + 97 * place + 59 * turn * (place + 2) ** 2 + 17 * turn**2, 293)
            )
            * (-1 if signed and turn % 2 else 1)
            for place, symbol in enumerate(symbols)
        }
