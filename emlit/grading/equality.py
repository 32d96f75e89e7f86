"""Whether two answers mean the same: sets, tuples, intervals and equations by their parts, parts by math-verify."""

import re
import time
from itertools import combinations

from emlit.grading.intervals import union
from emlit.grading.leaves import Terms, same_leaves
from emlit.grading.moments import same_moment
from emlit.grading.numbers import number, same_number, with_point
from emlit.grading.quantities import in_hundredths, quantities, split_unit, without_signs
from emlit.grading.structure import (
    EQUALS,
    MOST_PARTS,
    braced,
    bracketed,
    digit_groups,
    elements,
    in_turn,
    inside,
    is_asked,
    is_name,
    is_relation,
    is_set,
    matrix_rows,
    name_in_front,
    named_alike,
    with_variable_of,
    without_domain,
    without_membership,
)
from emlit.grading.verifier import SECONDS
from emlit.grading.words import choice, option
from emlit.grading.writing import compact, condition, split, tidy

_LONGEST = 2000
_WHOLE = re.compile(r"\.00+\Z")
_POINT = re.compile(r"\A[A-Z]'? ?(?=\()")  # A(1, 2)
# The value again, in another writing: 3/4 (or 0.75).
_REMARK = re.compile(r"(?P<value>[^()]*[^() ]) \((?:or |i\.e\.,? ?|= ?|\\approx ?|that is,? ?)?(?P<again>[^()]+)\)")


def math_equal(answer: str | None, gold: str, relative: float = 0.0, absolute: float = 0.0) -> bool:
    """Whether two answers mean the same; a malformed or missing answer is False, never an exception.

    Args:
        answer: LaTeX, plain text or a mixture, with or without $
        gold: what it is compared with; the order of the two makes no difference
        relative: numbers may differ by this share of the larger one
        absolute: numbers may differ by this much
    """
    if answer is None:
        return False
    if answer.strip() == gold.strip():
        return bool(gold.strip().strip("$").strip())
    if max(len(answer), len(gold)) > _LONGEST:
        return False
    try:
        left, right = sorted((tidy(answer), tidy(gold)))  # whatever the rules do, the order makes no difference
        return _same(left, right, Terms(relative, absolute, time.monotonic() + 4 * SECONDS))
    except (RecursionError, ArithmeticError, LookupError, ValueError):  # whatever a model wrote, grading goes on
        return False


def _same(left: str, right: str, terms: Terms) -> bool:
    if not left or not right:
        return False
    left, right = condition(left), condition(right)
    if compact(left) == compact(right):
        return True
    figure, other_figure = number(left), number(right)
    if figure and other_figure:
        if same_number(figure, other_figure, terms.relative, terms.absolute):
            return True
        if "," not in left and "," not in right:
            return False
    moment = same_moment(left, right)
    if moment is not None:
        return moment
    if (several := quantities(left)) and (others := quantities(right)):
        return len(several) == len(others) and _in_any_order(several, others, terms)
    one, other = option(left), option(right)
    if one and other:
        return one[0] == other[0] and _same(one[1], other[1], terms)
    if chosen := one or other:  # (C) 18 is C, and is 18
        against = right if one else left
        return _same(chosen[0] if choice(against) else chosen[1], against, terms)
    for text, against in ((left, right), (right, left)):
        (value, unit), beside = split_unit(text), split_unit(against)[0]
        exact = number(beside) or unit and number(with_point(beside) or "")
        # 3,14 is a decimal beside one, with a unit or as 3,00, else two numbers.
        if (
            (point := with_point(value))
            and exact
            and (exact.places or exact.value.denominator != 1 or unit or point.endswith("%") or _WHOLE.search(point))
        ):
            return _same(text.replace(value, point), against, terms)
        remark = _REMARK.fullmatch(text)
        if remark and compact(remark["value"]) != compact(remark["again"]):
            value, again = tidy(remark["value"]), tidy(remark["again"])
            if _same(value, again, terms) or _holds([value, again], terms):  # 0.75 (75%) is no product
                return _same(value, against, terms)
    if (renamed := with_variable_of(left, right)) is not None:
        return _same(left, renamed, terms)
    for rule in (_several, _equations, _matrices, _bracketed):
        verdict = rule(left, right, terms)
        if verdict is not None:
            return verdict
    return same_leaves(left, right, terms, _same)


def _several(left: str, right: str, terms: Terms) -> bool | None:
    """Answers with commas between them, or a sign ±, or a set: in any order."""
    parts = [elements(text) for text in (left, right)]
    for place, text in enumerate((left, right)):  # 100,200 as a list; as a number it was compared before
        if parts[place] is None and len(parts[1 - place] or ()) > 1 or number(left) and number(right):
            parts[place] = digit_groups(text) or parts[place]
    for place, part in enumerate(parts):  # x = y = 0 for (0, 0)
        if len(parts[1 - place] or (bracketed((left, right)[1 - place]) or ("", ""))[1]) > 1:
            parts[place] = named_alike(part or [(left, right)[place]]) or part
    if parts[0] is None and parts[1] is None:
        return None
    items = [part or [text] for text, part in zip((left, right), parts, strict=True)]
    for place, text in enumerate((left, right)):  # 1, 2 for the point (1, 2): only the parentheses were left out
        inner, other = inside(text, "(", ")"), items[1 - place]
        if parts[place] is None and inner is not None and len(other) > 1 and not braced((right, left)[place]):
            coordinates = split(inner, ",")
            if r"\pm" in (right, left)[place] or len({*map(name_in_front, other)} - {None}) == 1:
                return False  # neither says an order
            return len(coordinates) == len(other) and _in_order(coordinates, in_turn(other), terms)
    for place, part in enumerate(parts):
        if part and r"\cup" in (left, right)[1 - place] and (joined := union(part)):
            return _same(joined, (left, right)[1 - place], terms)
    trimmed = [without_domain(items[0], items[1]), without_domain(items[1], items[0])]
    if trimmed != items and not any(map(braced, (left, right))):
        return _same(", ".join(trimmed[0]), ", ".join(trimmed[1]), terms)
    for text, part, other in zip((left, right), parts, items[::-1], strict=True):
        if part is None and name_in_front(text) and not any(map(name_in_front, other[1:])):
            return None  # A = {1, 2}
    sets = [braced(text) is not None for text in (left, right)]
    if (
        any(sets)
        and sum(map(is_set, items[0])) != sum(map(is_set, items[1]))
        or (sets[0] != sets[1] and len(items[0]) == 1 and is_set(items[sets[1]][0]))
    ):
        return False  # {{1}} is not {1}
    if 1 in map(len, items) and not any(sets) and _said_again(min(items, key=len), max(items, key=len), terms):
        return True
    if len(items[0]) != len(items[1]) or len(items[0]) > MOST_PARTS:
        return False
    if len(items[0]) == 1:
        return None if items == [[left], [right]] else _same(items[0][0], items[1][0], terms)
    names = [[name_in_front(item) for item in side] for side in items]
    kinds = [{name and name.partition("_")[0] for name in side} for side in names]  # x_1 and x_2 are two roots
    if any(all(side) and len(kinds[place]) > 1 and not any(names[1 - place]) for place, side in enumerate(names)):
        return _in_order(in_turn(items[0]), in_turn(items[1]), terms)  # x = 1, y = 2 and 1, 2
    return _in_any_order(items[0], items[1], terms)


def _said_again(one: list[str], items: list[str], terms: Terms) -> bool:
    """Whether each of two or three items is the same in another writing: 1/2 or 50 %."""
    if not 1 < len(items) <= 3 or len(set(map(compact, items))) != len(items):
        return False
    return all(_same(a, b, terms) for a, b in combinations([*one, *items], 2))


def _in_order(left: list[str], right: list[str], terms: Terms) -> bool:
    return all(_same(a, b, terms) for a, b in zip(left, right, strict=True))


def _in_any_order(left: list[str], right: list[str], terms: Terms) -> bool:
    unmatched = list(right)
    for item in left:
        found = next((place for place, other in enumerate(unmatched) if _same(item, other, terms)), None)
        if found is None:
            return False
        del unmatched[found]
    return True


def _equations(left: str, right: str, terms: Terms) -> bool | None:
    """A name in front of the answer is left out where the other has none: x = 5 and 5."""
    sides = [split(without_membership(text), EQUALS) for text in (left, right)]
    lengths = [len(side) for side in sides]
    if lengths == [1, 1]:
        stripped = [side[0] for side in sides]
        return None if stripped == [left, right] else _same(stripped[0], stripped[1], terms)
    if 1 not in lengths:
        if not all(is_name(side[0]) for side in sides):
            if r"\approx" in left + right:  # what follows it is no part of what the parser reads
                return _in_order([sides[0][0], sides[0][-1]], [sides[1][0], sides[1][-1]], terms)
            return None
        return (
            compact(sides[0][0]) == compact(sides[1][0])
            and (
                _same(sides[0][-1], sides[1][-1], terms)
                or any(one[2:] and _rounded(one[1:], two[-1], terms) for one, two in (sides, sides[::-1]))
            )
            or (None if lengths == [2, 2] and not bracketed(sides[0][-1]) else False)
        )
    chain, value = (sides[0], right) if lengths[0] > 1 else (sides[1], left)
    if is_relation(value) and not bracketed(condition(chain[-1])) and not braced(chain[-1]):
        return False
    named = [is_name(side) or is_asked(side) for side in chain]
    if named == [False, True]:  # 5 = x
        chain.reverse()
    if any(named[:1]) or len(chain) == 2 and any(named) or not chain[0]:
        return _same(chain[-1], value, terms) or len(chain) > 2 and _rounded(chain[-2:], value, terms)
    return _holds(chain, terms) and (_same(chain[-1], value, terms) or _rounded(chain, value, terms))


def _rounded(chain: list[str], value: str, terms: Terms) -> bool:
    r"""Whether it is what a decimal behind it is rounded from: \pi \approx 3.14."""
    written = number(split_unit(chain[-1])[0])
    return bool(written and written.places) and _holds(chain, terms) and _same(chain[0], value, terms)


def _holds(chain: list[str], terms: Terms) -> bool:
    """Whether 3 + 4 = 7, or 1/3 = 0.33, is without variables and right, as far as its last side is written."""
    result, unit = split_unit(chain[-1])
    start = without_signs(split_unit(chain[0])[0] if unit else chain[0], unit)
    if re.search(r"(?!e(?![A-Za-z]))[A-Za-z]|e[A-Za-z]", re.sub(r"\\[A-Za-z]+", "", start + result)):
        return False
    written = number(result)
    rounding = 0.5 / 10**written.places if written and written.places else 0.0
    terms = terms._replace(absolute=max(terms.absolute, rounding))
    # 25 % of 80 = 20, and 100 - 40 = 60 %
    other = (in_hundredths(start), result) if "%" in start else (start, result.rstrip("\\%"))
    return _same(start, result, terms) or (other != (start, result) and _same(*other, terms))


def _bracketed(left: str, right: str, terms: Terms) -> bool | None:
    """Points, tuples and intervals: the same brackets, the same parts in the same order."""
    part, other = bracketed(left), bracketed(right)
    if part is None and other is None:
        return None
    part, other = part or bracketed(_POINT.sub("", left)), other or bracketed(_POINT.sub("", right))
    if part is None or other is None:
        return None if is_relation(left) or is_relation(right) else False
    (opened, items), (other_opened, other_items) = part, other
    return opened == other_opened and len(items) == len(other_items) and _in_order(items, other_items, terms)


def _matrices(left: str, right: str, terms: Terms) -> bool | None:
    rows, other = matrix_rows(left), matrix_rows(right)
    if rows is None and other is None:
        return None
    if rows is None or other is None:
        return None if r"\begin" in left and r"\begin" in right else False  # a sum or a multiple of matrices
    (kind, above), (other_kind, below) = rows, other
    if kind != other_kind:
        return None
    return [len(row) for row in above] == [len(row) for row in below] and all(
        _in_order(a, b, terms) for a, b in zip(above, below, strict=True)
    )
