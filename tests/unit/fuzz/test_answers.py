"""Answers in any text: found or not, equal or not, never an exception, and soon."""

import re
import time

from hypothesis import given
from hypothesis import strategies as st

from emlit.tasks import Row, TinyArithmetic, extract_answer, extract_boxed, math_equal
from tests.unit.fuzz.cases import cases

PIECES = ["\\boxed{", "\\fbox {", "{", "}", "\\{", "\\}", "\\", "$", "**", "####", "Answer:", "the final answer is", "=", "\n",  # noqa: E501
          " ", "42", "-7", "1,000", "\\frac{1}{2}", "x^2", "\\sqrt", "(", ")", "[", ",", ".", "é", "\x00", "🙂", "\ud800", "nan",  # noqa: E501
          "1e400", "\\text{cm}", "\\%", "_", "^", "\\infty", "\\pi", "!", "|", "<"]  # fmt: skip
TEXT = st.one_of(st.lists(st.sampled_from(PIECES), max_size=12).map("".join), st.text(st.characters(), max_size=30))


# Pieces that are answers, alone and put together: what a rule for one sees on the left, it must see on the right.
ATOMS = ["3", "-7", "0.5", "1,000", "\\frac{1}{2}", "x", "R", "r", "2x+1", "\\pi", "\\sqrt{2}", "5 cm", "5 m", "\\$5", "€5", "20\\%", "90^\\circ", "\\infty", "-\\infty", "\\text{yes}", "No",  # noqa: E501
         "\\mathbb{R}", "\\emptyset", "(C)", "18元", "3 million", "\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}", "\\begin{array}{c}1\\\\2\\end{array}", "x > 3", "x = 5", "2^{10}", "5!"]  # fmt: skip  # noqa: E501
FRAMES = ["{0}", "({0})", "[{0}]", "({0}, {1})", "[{0}, {1})", "]{0}, {1}[", "\\{{{0}, {1}\\}}", "{0}, {1}", "{0} and {1}", "x = {0}", "y = {0}", "{0} + {1}", "{0}:{1}", "\\text{{Profit: }} {0}", "({0}, {1}) \\cup ({1}, {0})",  # noqa: E501
          "\\left[{0}\\right]", "-{0}", "\\frac{{{0}}}{{{1}}}", "\\pm {0}", "{0} \\text{{ cm}}", "\\color{{red}}{{{0}}}", "{0} \\leq {1}", "|{0}|", "{0}.", "\\{{x \\mid x > {0}\\}}"]  # fmt: skip  # noqa: E501
ANSWER = st.tuples(st.sampled_from(FRAMES), st.sampled_from(ATOMS), st.sampled_from(ATOMS)).map(
    lambda parts: parts[0].format(*parts[1:])
)
WRITINGS = ["#", " # ", "**#**", "`#`", "<b>#</b>", "{#}", "\\color{blue}{#}", "\\textcolor{red}{#}", "\\large #", "{\\Large #}", "\\boxed{#}", "\\fbox{#}", "\\underline{#}",  # noqa: E501
            "\\(#\\)", "\\[#\\]", "$$#$$", "$#$", "\\displaystyle #", "\\quad # \\quad", "#.", "#\\tag{1}", "\\phantom{0}#"]  # fmt: skip  # noqa: E501


def last_balanced(text: str) -> str | None:
    """`extract_boxed` by its definition, box by box from the last: quadratic in the number of boxes."""
    for match in reversed(list(re.finditer(r"\\(?:boxed|fbox|framebox)\s*\{", text))):
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
    if boxed:
        assert answer == boxed
    elif boxed is not None:
        assert answer is not None
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
    assert equal == math_equal(gold, answer)
    if answer.strip() == gold.strip():
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


@cases(150)
@given(ANSWER, ANSWER, st.sampled_from([0.0, 0.01]), st.sampled_from([0.0, 0.05]))
def test_equality_is_symmetric_and_reflexive(left, right, relative, absolute):
    assert math_equal(left, right, relative, absolute) == math_equal(right, left, relative, absolute)
    assert math_equal(left, left, relative, absolute)
    assert math_equal(f" {left}\n", left)


@cases(150)
@given(ANSWER.filter(lambda text: "$" not in text), st.sampled_from(WRITINGS))
def test_what_stands_around_an_answer_says_nothing(answer, writing):
    assert math_equal(writing.replace("#", answer), answer)


@cases(100)
@given(st.integers(0, 10**6), st.integers(0, 10**6), st.sampled_from(WRITINGS), st.sampled_from(WRITINGS))
def test_numbers_keep_their_value_in_every_writing(left, right, writing, other):
    assert math_equal(writing.replace("#", str(left)), other.replace("#", str(right))) == (left == right)


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
