import pytest

from emlit.tasks import extract_answer, extract_boxed, math_equal


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (r"so \boxed{42}", "42"),
        (r"\boxed{1} then \boxed{2}", "2"),
        (r"\boxed{\frac{1}{2}}", r"\frac{1}{2}"),
        (r"\boxed{\{1, 2\}}", r"\{1, 2\}"),
        (r"\fbox{7}", "7"),
        (r"\boxed {7}", "7"),
        (r"\boxed{3} and \boxed{4", "3"),
        ("The answer is: 5.", "5"),
        ("the final answer is 12", "12"),
        ("Answer: $x+1$ as shown", "x+1"),
        ("#### 18", "18"),
        ("no answer here", None),
        ("", None),
        (r"\boxed{", None),
        (r"\boxed{}", ""),
        ("}}}{{{\\boxed", None),
    ],
)
def test_extract_answer(text, answer):
    assert extract_answer(text) == answer


def test_extract_boxed_ignores_stated_answers():
    assert extract_boxed("the answer is 5") is None


@pytest.mark.parametrize(
    ("answer", "gold"),
    [
        ("42", "42"),
        ("42.0", "42"),
        ("1,234", "1234"),
        (r"\frac{1}{2}", "0.5"),
        (r"\frac12", r"\frac{1}{2}"),
        (r"2\sqrt{2}", r"\sqrt{8}"),
        ("$x+1$", "1+x"),
        ("(1, 2)", "(1,2)"),
    ],
)
def test_equal(answer, gold):
    assert math_equal(answer, gold)


@pytest.mark.parametrize(
    ("answer", "gold"),
    [
        ("41", "42"),
        (None, "42"),
        ("", "42"),
        ("42", ""),
        (r"\frac{1}{", "1"),
        ("{{{", "1"),
        ("x" * 5000, "1"),
        ("-3", "3"),
        ("snan", "1"),
        ("NaN", "nan2"),
        ("Infinity", "1"),
    ],
)
def test_not_equal(answer, gold):
    assert not math_equal(answer, gold)


def test_works_outside_of_the_main_thread():
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(lambda pair: math_equal(*pair), [(r"\frac{1}{2}", "0.5"), (r"\frac{1}{3}", "0.5")])) == [
            True,
            False,
        ]
