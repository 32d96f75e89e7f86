# ruff: noqa: E501
"""An answer without a box: statements, headings, decorations and the clauses behind them."""

import pytest

from emlit.tasks import extract_answer, math_equal

STATED = [
    ("The answer is **18**.", "18"),
    ("The answer is **18** dollars.", "18"),
    ("The answer is **$18$**.", "18"),
    ("The final answer is: $\\$18$", "\\$18"),
    ("The answer is $18 because 9 * $2 = $18.", "$18"),
    ("answer: $70,000 ($200,000 - $130,000).", "$70,000"),
    ("So, the answer is:\n\n$$18$$", "18"),
    ("The answer is 72, in total, so the farmer earns that much.", "72"),
    ("The answer is 18 eggs, since she sells 9", "18 eggs"),
    ("The answer is 18 (eighteen)", "18"),
    ("The answer is therefore 18", "18"),
    ("Therefore 18", "18"),
    ("Therefore, 18.", "18"),
    ("The answer is 18!", "18"),
    ("The answer is `18`", "18"),
    ("The answer is <b>18</b>", "18"),
    ("**Final Answer**\n\n18", "18"),
    ("**Final Answer**\n\n$18$", "18"),
    ("## Final Answer\n\n18 dollars", "18 dollars"),
    ("Final Answer: The final answer is $18$. I hope it is correct.", "18"),
    ("**Answer:** 18", "18"),
    ("**Answer**: 18", "18"),
    ("**Answer: 18**", "18"),
    ("*Answer:* 18", "18"),
    ("Answer: **18**.", "18"),
    ("**Answer:** **18**", "18"),
    ("ANSWER: 18", "18"),
    ("### Answer: 18", "18"),
    ("Answer\n18", "18"),
    ("The answer is\n\\[\n18\n\\]", "18"),
    ("The answer is \\(18\\).", "18"),
    ("The answer is:\n\\begin{align*}\nx &= 18\n\\end{align*}", "\\begin{align*}\nx &= 18\n\\end{align*}"),
    ("The correct answer is (C).", "(C)"),
    ("The answer is (C) because", "(C)"),
    ("The answer is 5:30 p.m.", "5:30 p.m"),
    ("the final answer is 12", "12"),
    ("The answer is: 5.", "5"),
    ("Answer: $x+1$ as shown", "x+1"),
    ("#### 18", "18"),
    ("#### $18", "$18"),
    ("#### 1,234", "1,234"),
    ("no answer here", None),
    ("", None),
    ("The answer is 3.5.", "3.5"),
    ("The answer is $3.50.", "$3.50"),
    ("The answer is 18. Let me check: the answer is correct.", "18"),
    ("The answer is $1$ and $2$.", "$1$ and $2$"),
    ("The answers are $x=1$ or $x=2$.", "$x=1$ or $x=2$"),
    ("The answer is 28$\\%$", "28$\\%$"),
    ("The answer is $28$%", "$28$%"),
    ("The answer is not 18.", None),
    ("<think>x</think><answer>18</answer>", "18"),
    ("<answer> $18$ </answer>", "18"),
    ("✅ Final Answer: **73**", "73"),
    ("The answer to the question is 18.", "18"),
    ("The answer should be 18.", "18"),
    ("答案是18。", "18"),
    ("答案：18", "18"),
    ("**Answer:** 4.", "4"),
    ("The answer is 18 — the total.", "18"),
    ("The answer is 2 (mod 5).", "2 (mod 5)"),
    ("The answer is f(x) = 2x + 1.", "f(x) = 2x + 1"),
    ("The answer is x = 5.", "x = 5"),
    ("The answer is 1, 2, and 3.", "1, 2, and 3"),
    ("The answer is Evelyn.", "Evelyn"),
    ("(The answer is 18.)", "18"),
    ("The answer is [1, 2).", "[1, 2)"),
    ("The answer is 18, which is the total.", "18"),
    ("The answer is “18”.", "18"),
    ("The answer is -3.", "-3"),
    ("Answer:\n- 18", "18"),
    ("Final answer: €18", "€18"),
    ("The answer is 18 dollars per hour.", "18 dollars per hour"),
    ("My answer: 1/2", "1/2"),
    ("The answer is $\\frac{1}{2}$, because", "\\frac{1}{2}"),
    ("The answer is $18.", "$18"),
    ("The answer is 9 * 2 = 18", "9 * 2 = 18"),
    ("\\boxed 3.5", "3.5"),
    ("\\boxed 2", "2"),
    ("\\boxed18", "18"),
    ("\\framebox{7}", "7"),
    ("> **Answer:** 18", "18"),
    ("The answer is\n\n**18**", "18"),
    ("Final Answer\n============\n18", "18"),
    ("The answer we are looking for is 18.", "18"),
    ("**Final Answer:**\n\n$$\n\\text{ANSWER: } \\$460\n$$", "\\$460"),
    ("The answer is $18$ dollars.", "18"),
    ("The answer is $5$ cm.", "$5$ cm"),
    ("The answer is 5!\n", "5"),
    ("__Final answer__: 18", "18"),
    ("The correct option is C.", "C"),
    ("The answer is £18, not £20.", "£18"),
]


@pytest.mark.parametrize(("text", "answer"), STATED)
def test_stated(text, answer):
    assert extract_answer(text) == answer
    assert extract_answer("First, 2 + 2 = 4.\n\n" + text) == answer or answer is None


STATEMENTS = [
    "The answer is {}.", "The answer is {}", "The answer is: {}.", "The final answer is {}.", "the answer is **{}**.", "The answer is *{}*.", "The answer is `{}`.",
    "The answer is __{}__.", "The answer is <b>{}</b>.", 'The answer is "{}".', "The answer is \u201c{}\u201d.", "The answer is <strong>{}</strong>, as shown.",
    "Answer: {}", "Answer: {}.", "**Answer:** {}", "**Answer**: {}", "**Answer: {}**", "*Answer*: {}", "ANSWER: {}", "Final Answer: {}", "### Final Answer: {}",
    "**Final Answer**\n\n{}", "**Final Answer:**\n\n{}", "## Answer\n\n{}", "Answer\n{}", "Final answer:\n{}", "### Final Answer\n\n**{}**", "Answer:\n\n- {}",
    "#### {}", "**#### {}**", "The answer is therefore {}.", "The answer is thus **{}**.", "Therefore, the answer is {}.", "Therefore {}", "Thus, {}.", "\u2705 **Final Answer: {}**",
    "> Answer: {}", "The answer is {}, because it is.", "The answer is {}, since she sells 9.", "The answer is {}, in total, so she earns that much.", "The answer is {}, which is the total.",
    "The answer is {} because 2 + 2 = 4.", "The answer is {} (the sum of all).", "So the answer is {}! I hope it is correct.", "The correct answer is {}.", "The answer should be {}.",
    "The answer to this problem is {}.", "The answer equals {}.", "Final Answer: The final answer is {}. I hope it is correct.", "<answer>{}</answer>", "\u7b54\u6848\u662f{}\u3002", "\u7b54\u6848\uff1a{}",
]  # fmt: skip
ANSWERS = [
    "18",
    "$18$",
    "$$18$$",
    "\\(18\\)",
    "\\[18\\]",
    "\\[\n18\n\\]",
    "18.0",
    "$18",
    "\\$18",
    "$\\$18$",
    "\u20ac18",
    "18 dollars",
    "\\begin{align*} x &= 18 \\end{align*}",
]


@pytest.mark.parametrize("statement", STATEMENTS)
@pytest.mark.parametrize("answer", ANSWERS)
def test_every_statement_of_every_writing(statement, answer):
    if (
        "\n" in answer
        and (not statement.endswith("{}") or statement in ("#### {}", "Therefore {}"))
        or "align*" in answer
        and ("`" in statement or " *{}" in statement)
    ):
        return  # a formula over several lines stands at the end
    found = extract_answer("Let us see.\n\n" + statement.format(answer))
    assert math_equal(found, "18")
    assert not math_equal(found, "19")
    assert not math_equal(found, "1")
