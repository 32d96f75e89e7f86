"""Every scanner and every pattern that meets a completion takes time in proportion to its length."""

import pytest

from emlit.grading import (
    decoration,
    equality,
    extract_answer,
    extract_boxed,
    extract_boxes,
    extraction,
    intervals,
    leaves,
    moments,
    numbers,
    quantities,
    rules,
    spoken,
    stated,
    structure,
    words,
    writing,
)
from emlit.tasks import code_blocks, livecodebench, plain_code, ugphysics
from tests.linear import AROUND, patterns, superlinear

LONGEST = 2000  # of an answer that is compared at all


@pytest.mark.parametrize("function", [extract_answer, extract_boxed, extract_boxes])
def test_answers_are_found_in_linear_time(function):
    assert superlinear(function) == []


@pytest.mark.parametrize("function", [writing.tidy, decoration.plain_latex, quantities.split_unit, words.same_words])
def test_answers_are_rewritten_in_linear_time(function):
    compared = (lambda text: function(text, "x")) if function is words.same_words else function
    assert superlinear(compared, LONGEST // 2, floor=0.03) == []


def test_each_pattern_is_linear():
    modules = (
        decoration,
        equality,
        leaves,
        extraction,
        intervals,
        moments,
        numbers,
        quantities,
        rules,
        spoken,
        stated,
        structure,
        words,
        writing,
        code_blocks,
        livecodebench,
        plain_code,
        ugphysics,
    )
    found = patterns(*modules)
    assert len(found) > 60
    slow = {
        name: bad
        for name, each in found.items()
        if (bad := superlinear(each.match, LONGEST, floor=0.02, around=AROUND[:2]))
    }
    assert slow == {}


@pytest.mark.nightly
def test_the_measure_sees_a_quadratic_pattern():
    import re

    assert superlinear(re.compile(r"\s+x").search, 4000, around=AROUND[:1])
    assert superlinear(re.compile(r"\s+").search, 4000, around=AROUND[:1]) == []
