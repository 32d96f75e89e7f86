"""Answers in any text: found or not, equal or not, never an exception, and soon."""

import re
import time

from hypothesis import given
from hypothesis import strategies as st

from emlit.tasks import Row, TinyArithmetic, extract_answer, extract_boxed, math_equal
from tests.fuzz.cases import cases

PIECES = ["\\boxed{", "\\fbox {", "{", "}", "\\{", "\\}", "\\", "$", "**", "####", "Answer:", "the final answer is", "=", "\n",  # noqa: E501
          " ", "42", "-7", "1,000", "\\frac{1}{2}", "x^2", "\\sqrt", "(", ")", "[", ",", ".", "é", "\x00", "🙂", "\ud800", "nan",  # noqa: E501
          "1e400", "\\text{cm}", "\\%", "_", "^", "\\infty", "\\pi", "!", "|", "<"]  # fmt: skip
TEXT = st.one_of(st.lists(st.sampled_from(PIECES), max_size=12).map("".join), st.text(st.characters(), max_size=30))


def last_balanced(text: str) -> str | None:
    """`extract_boxed` by its definition, box by box from the last: quadratic in the number of boxes."""
    for match in reversed(list(re.finditer(r"\\(?:boxed|fbox)\s*\{", text))):
        depth = 1
        for position in range(match.end(), len(text)):
            if text[position - 1] != "\\":
                depth += {"{": 1, "}": -1}.get(text[position], 0)
            if depth == 0:
                return text[match.end() : position].strip()
    return None


@cases(250)
@given(TEXT)
def test_boxed_is_the_last_balanced_one(text):
    assert extract_boxed(text) == last_balanced(text)


@cases(200)
@given(TEXT)
def test_extract_answer(text):
    answer = extract_answer(text)
    boxed = extract_boxed(text)
    if boxed is not None:
        assert answer == boxed
    else:
        assert answer is None or (answer and answer == answer.strip() and answer in text)
    grade = TinyArithmetic("train", n=1).grade(Row("a", "p", None), text)
    assert (grade.answer, grade.correct, grade.format_ok) == (answer, None, boxed is not None)


@cases(200)
@given(
    st.text(st.characters(exclude_characters="{}\\", codec="utf-8"), max_size=20),
    TEXT.filter(lambda t: "boxed" not in t and "fbox" not in t),
)
def test_what_stands_in_a_box_is_found(answer, before):
    assert extract_answer(f"{before} \\boxed{{{answer}}}") == answer.strip()


@cases(60)
@given(TEXT, TEXT)
def test_math_equal(answer, gold):
    started = time.perf_counter()
    equal = math_equal(answer, gold)
    assert isinstance(equal, bool)
    assert time.perf_counter() - started < 30  # math-verify's own limits are 5 s a step, of three
    if answer.strip().strip("$").strip() == gold.strip().strip("$").strip():
        assert equal == bool(gold.strip().strip("$").strip())
    assert not math_equal(None, gold)


@cases(150)
@given(
    st.integers(-(10**12), 10**12),
    st.integers(-(10**12), 10**12),
    st.sampled_from(["{}", "{:,}", "{}.0", "${}$", " {} "]),
)
def test_whole_numbers_in_every_writing(left, right, writing):
    assert math_equal(writing.format(left), str(left))
    assert math_equal(writing.format(left), str(right)) == (left == right)


def test_a_completion_that_repeats_itself_is_graded_soon():
    # What a collapsed model writes; box by box this took a second for each 2,000 repetitions, squared.
    started = time.perf_counter()
    for text in (
        "\\boxed{" * 20_000,
        "{" * 100_000,
        "the final answer " * 20_000,
        "####\n" * 20_000,
        "\\boxed{1" * 20_000 + "}",
    ):
        extract_answer(text)
    assert time.perf_counter() - started < 5
