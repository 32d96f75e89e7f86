"""Answers by kind: each writing equals the plain one, and its neighbours differ."""

import pytest

from benchmarks.grading_pairs import DIFFERENT, EQUAL
from emlit.tasks import extract_answer, math_equal


@pytest.mark.parametrize(("answer", "gold"), EQUAL)
def test_equal(answer, gold):
    assert math_equal(answer, gold)
    assert math_equal(gold, answer)
    assert math_equal(answer, answer)


@pytest.mark.parametrize(("answer", "gold"), DIFFERENT)
def test_different(answer, gold):
    assert not math_equal(answer, gold)
    assert not math_equal(gold, answer)


@pytest.mark.parametrize(
    ("answer", "gold", "relative", "absolute", "equal"),
    [
        ("1.61", "1.6", 0.01, 0, True),
        ("1.63", "1.6", 0.01, 0, False),
        (r"\frac{45\pi}{3600 \cdot 180} \cdot 7200", "1.6", 0.02, 0, True),  # 1.5708
        ("4.52e33", "4.5e33", 0.01, 0, True),
        ("1.25", "1.2", 0, 0.05, True),
        ("1.26", "1.2", 0, 0.05, False),
        ("(1.01, 2)", "(1, 2)", 0.01, 0, True),
        ("x+1.001", "x+1", 0.01, 0, False),  # a tolerance is for numbers
        (r"20\%", "0.25", 0, 0.05, True),  # a percentage is compared as the share that it is
        (r"20\%", "0.26", 0, 0.05, False),
        (r"33.333333\%", r"\frac{1}{3}", 0, 0, True),
        (r"33.33\%", r"\frac{1}{3}", 0, 0, False),
        ("€1.05", "€1", 0, 0.05, True),
        ("€1.05", "£1", 0, 0.05, False),
    ],
)
def test_tolerance(answer, gold, relative, absolute, equal):
    assert math_equal(answer, gold, relative, absolute) == equal
    assert math_equal(gold, answer, relative, absolute) == equal


@pytest.mark.parametrize(
    ("completion", "gold"),
    [
        (r"could be \boxed{840}., but let me explain.\n\n**Final Answer**\n\boxed{840}", "840"),
        (r"So \boxed{004}. Check: 2,552,004. **Final Answer** \boxed{004}", "4"),
        (r"Thus the answer is \[ \boxed{42} \]", "42"),
        (r"\boxed{$9{,}500}", "9500"),
        (r"\boxed{8,000}", "8000"),
        ("✅ Consistent!\n\n--- \n\n✅ Final Answer: **73**", "73"),
        ("Answer: \\boxed{5}", "5"),
        (r"\fbox{\frac{1}{2}}", "0.5"),
        (
            r"The overall percent loss is $28 \%$. Final Answer: The final answer is $28 \%$. I hope it is correct.",
            "28%",
        ),
        ("Total = 4.\n\n**Answer:** 4.", "4"),
        ("ANSWER: $A$", "A"),
        ("ANSWER: **A**", "A"),
        (r"\boxed 3.5", "3.5"),
        (r"The answers are $x=1$ and $x=2$.", "1, 2"),
    ],
)
def test_completions_of_public_reports(completion, gold):
    assert math_equal(extract_answer(completion), gold)


@pytest.mark.parametrize(
    ("completion", "gold"),
    [
        (r"\boxed 3.5", "3"),
        ("The answer is $1$ and $2$.", "1"),
        ("The answer is not 18.", "18"),
        ("The answers are **1** and **2**.", "1"),
        ("The answer is 18 million.", "18"),
        ("The answer is 3.5.", "3"),
        (r"The answer is $18\%$.", "18 cm"),
        (r"\boxed{18} and then \boxed{}", "18"),
        (r"Mark your solution with \boxed", "18"),
    ],
)
def test_what_is_not_the_answer(completion, gold):
    assert not math_equal(extract_answer(completion), gold)
