"""Whether two answers in LaTeX mean the same, by math-verify; run as a script, a server of such questions.

A question is a line of JSON on stdin, [left, right, relative, absolute], and its answer is a line, 1 or 0, on stdout.
The kernel ends the process where a question takes more seconds of processor time than the first argument: a signal with
its default action also stops arithmetic on huge integers, which no Python handler interrupts, and processor time does
not run while others have the machine. It ends as well when stdin is closed or its parent is gone.
It knows nothing else of emlit, so that it starts in a second.

What it calls of math-verify and latex2sympy2_extended is partly internal to them. `check` asks them at the start
whether they still take these arguments and give these answers. The first line on stdout is "ready", or "broken" with
the reason.
"""

import inspect
import json
import os
import re
import resource
import select
import signal
import sys
from functools import lru_cache
from types import TracebackType
from typing import Any

from latex2sympy2_extended.latex2sympy2 import ConversionConfig, NormalizationConfig, latex2sympy, normalize_latex
from latex2sympy2_extended.logic import And
from math_verify import verify
from math_verify.grader import should_treat_as_complex
from sympy import (
    Abs,
    Basic,
    Eq,
    Expr,
    Float,
    I,
    MatrixBase,
    N,
    Rational,
    binomial,
    ceiling,
    factorial,
    floor,
    nan,
    oo,
    zoo,
)
from sympy.core.function import AppliedUndef, Derivative
from sympy.core.relational import Relational
from sympy.sets.sets import Set

# math-verify's own rule for units would take the m of "2 m" for metres; a capital letter is another variable.
_WRITING = NormalizationConfig(basic_latex=True, units=False, malformed_operators=True, nits=False, boxed="none")
_READING = ConversionConfig(lowercase_symbols=False)
_DECIMAL = re.compile(r"[+-]?\d*\.(\d+)")
_PLACES = 6  # a decimal with this many places equals a number that rounds to it
_DIGITS = 30
_MEMORY = 4 << 30
# One for each way to compare.
_PROBES = [
    (r"\frac{1}{2}", "0.5", True), ("x+x", "2x", True), ("R", "r", False), ("x+y=1", "2x+2y=2", True),
    ("1<x<2", "(1,2)", True),
    (r"\{1,2\}", r"\{1,3\}", False),
]  # fmt: skip


@lru_cache(maxsize=4096)
def parse(text: str) -> Any:
    """The sympy object of a LaTeX text; raises whatever the parser raises."""
    text = normalize_latex(text, _WRITING)
    return latex2sympy(
        text,
        is_real=not should_treat_as_complex(text),
        normalization_config=None,
        conversion_config=_READING,
    )


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
        inspect.signature(normalize_latex).bind("x", _WRITING)
        inspect.signature(latex2sympy).bind("x", is_real=True, normalization_config=None, conversion_config=_READING)
        inspect.signature(should_treat_as_complex).bind("x")
        inspect.signature(verify).bind("x", "x", float_rounding=12, timeout_seconds=None, allow_set_relation_comp=True)
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
    if isinstance(a, (Relational, And)) and isinstance(b, (Relational, And)):
        return _same_relations(a, b)
    if isinstance(a, (Relational, And)) or isinstance(b, (Relational, And)):
        return isinstance(a, Set) != isinstance(b, Set) and _verified(a, b)
    if not (isinstance(a, Expr) and isinstance(b, Expr)) or isinstance(a, MatrixBase) or isinstance(b, MatrixBase):
        return _verified(a, b)
    if a == b:
        return a not in (nan, zoo)
    if a.has(AppliedUndef, Derivative) or b.has(AppliedUndef, Derivative):
        return _verified(a, b)
    if {symbol.name for symbol in a.free_symbols | b.free_symbols} == {"i"}:
        a, b = (e.subs({symbol: I for symbol in e.free_symbols}) for e in (a, b))
    if not a.free_symbols | b.free_symbols:
        return _same_number(a, b, texts, relative, absolute)
    verdict = _same_function(a, b)
    return _verified(a, b) if verdict is None else verdict


def _verified(a: Basic, b: Basic) -> bool:
    return any(
        verify(gold, answer, float_rounding=12, timeout_seconds=None, allow_set_relation_comp=True)
        for gold, answer in ((a, b), (b, a))
    )


def _gap(a: Expr, b: Expr, size: Any) -> Any:
    """How far two numbers are apart; 0 where that is rounding.

    Of their difference, not the difference of their values: 2^2009 and 2^2009 - 1 have the same 30 digits.
    """
    if a.has(Float) or b.has(Float):
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

    Variables are positive there, as physical quantities are: the root of x² is x. Beside floors and factorials they are
    whole numbers, and beside an absolute value negative as well.
    """
    symbols = sorted(a.free_symbols | b.free_symbols, key=str)
    whole = any(e.has(floor, ceiling, factorial, binomial) for e in (a, b))
    signed = any(e.has(Abs) for e in (a, b))
    agreed = 0
    for turn in range(6):
        point = {
            symbol: Rational(7 + 6 * place + 5 * turn + turn * place)
            if whole
            else Rational(311 + 97 * place + 59 * turn * (place + 2) ** 2 + 17 * turn**2, 293)
            * (-1 if signed and turn % 2 else 1)
            for place, symbol in enumerate(symbols)
        }
        x, y = (N(e.subs(point), _DIGITS) for e in (a, b))
        if not (x.is_number and y.is_number) or any(value.has(nan, zoo, oo, -oo) for value in (x, y)):
            continue
        if _gap(a.subs(point), b.subs(point), max(abs(x), abs(y))) != 0:
            return False
        agreed += 1
    return True if agreed >= 3 else None


def _same_relations(a: Any, b: Any) -> bool:
    chains = [list(x._unsorted_args) if isinstance(x, And) else [x] for x in (a, b)]
    if len(chains[0]) != len(chains[1]):
        return False
    return any(
        all(_same_relation(x, y) for x, y in zip(chains[0], order, strict=True))
        for order in (chains[1], chains[1][::-1])
    )


def _same_relation(a: Any, b: Any) -> bool:
    """Two equations with the same solutions up to a constant factor, or two inequalities up to a positive one."""
    if not (isinstance(a, Relational) and isinstance(b, Relational)):
        return False
    if a == b:
        return True
    if a.lhs.has(AppliedUndef, Derivative) or b.lhs.has(AppliedUndef, Derivative) or isinstance(a.rhs, Set):
        return bool(a == b) or (a.lhs == b.lhs and a.rel_op == b.rel_op and _same(a.rhs, b.rhs, ("", ""), 0, 0))
    flipped = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}
    ratio = _constant(a.lhs - a.rhs, b.lhs - b.rhs)
    if ratio is None:
        return False
    if isinstance(a, Eq) or a.rel_op not in flipped:
        return bool(a.rel_op == b.rel_op)
    return bool(b.rel_op == (a.rel_op if ratio > 0 else flipped[a.rel_op]))


def _constant(a: Expr, b: Expr) -> Any:
    """The real number that `a` is of `b`, other than 0; None where it is none."""
    symbols = sorted(a.free_symbols | b.free_symbols, key=str)
    ratios, values = [], set()
    for turn in range(4):
        point = {
            s: Rational(211 + 89 * place + 67 * turn * (place + 1) ** 2 + 31 * turn**2, 283)
            for place, s in enumerate(symbols)
        }
        x, y = (N(e.subs(point), _DIGITS) for e in (a, b))
        if y == 0 or not (x.is_real and y.is_real) or x == 0:
            return None
        ratios.append(x / y)
        values.add(x)
    if len(values) == 1:
        return None  # 1 = 2 says nothing about any variable
    return ratios[0] if all(abs(r - ratios[0]) <= abs(ratios[0]) * 1e-12 for r in ratios) else None


def serve(seconds: float) -> None:
    """Answer the questions on stdin until it is closed or the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the run, which ends this process itself
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    sys.set_int_max_str_digits(0)
    parent = os.getppid()
    out, sys.stdout = sys.stdout, sys.stderr  # a library that prints must not answer
    try:
        check()
    except RuntimeError as error:
        print("broken", " ".join(str(error).split()), file=out, flush=True)
        return
    print("ready", file=out, flush=True)
    unread = b""
    while os.getppid() == parent:
        if not select.select([0], [], [], 2)[0]:
            continue
        read = os.read(0, 1 << 16)
        if not read:
            return
        *lines, unread = (unread + read).split(b"\n")
        for line in lines:
            signal.setitimer(signal.ITIMER_PROF, seconds)
            try:
                verdict = str(int(equal(*json.loads(line))))
            except Exception as error:
                verdict = f"broken {error!r}"
            signal.setitimer(signal.ITIMER_PROF, 0)
            print(" ".join(verdict.split()), file=out, flush=True)


if __name__ == "__main__":
    serve(float(sys.argv[1]))
