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
    ("<ANSWER>18</ANSWER>", "18"),
    ("<final_answer>18</final_answer>", "18"),
    ("\u0041ns: 18", "18"),
    ("Ответ: 18", "18"),
    ("Antwort: 18", "18"),
    ("La réponse est 18.", "18"),
    ("La respuesta es 18.", "18"),
    ("答えは18です。", "18です"),
    ("정답은 18입니다.", "18입니다"),
    ("The answer is option B.", "B"),
    ("The answer is the number 18.", "18"),
    ("The answer is approx. 3.14.", "3.14"),
    ("The answer is only 18.", "18"),
    ("The answer is 18. I hope this answer is helpful!", "18"),
    ("The answer is 18. That answer is the same as before.", "18"),
    ("The answer is 18. The answer was found by counting.", "18"),
    ("The answer is 18. The answer is in dollars.", "18"),
    ("The answer might be 18.", None),
    ("If the answer is 18, we have a contradiction.", None),
    ("The wrong answer is 18.", None),
    ("The answer is 18; or 20.", "18; or 20"),
    ("\\boxed{1}. And then \\boxed{2}", "2"),
    ("\\boxed{18} and \\boxed{}", ""),
]
# Thinking in tags, what is put right behind a box, whole sentences.
SAID_AFTER = [
    ('<think>maybe \\boxed{17}</think>\n\nThe answer is 18.', "18"),
    ('<think>The answer is 17. Hmm.</think>\n\n18', '18'),
    (r"The problem asks to put the answer in \boxed{}. The answer is 18.", "18"),
    (r"I first got \boxed{17}. The correct answer is 18.", "17"),
    (r"\boxed{17} is not right; the final answer is 18.", "17"),
    (r"I had \boxed{17}. Wait, let me recompute: 3*5. So the final answer is 15", "17"),
    (r"<think>maybe \boxed{17}", "17"),
    ("<think>The answer is 17.", "17"),
    (r"\boxed{17}. The answer is 18 in other units.", "17"),
    (r"<think>a</think> so \boxed{4}", "4"),
    (r"<think>\boxed{5}</think>", "5"),
    ('<think>\\boxed{5}</think>\n', "5"),
    ('<thinking>The answer is 17.</thinking>\nAnswer: 18', "18"),
    ("<think>The answer is 17.</think> We are done, so no more.", None),
    (r"Final answer is in \boxed{}: \boxed{3}", "3"),
    (r"\boxed{18} and \boxed{}", ""),
    (r"\boxed{}", ""),
    (r"\boxed{18}. The final answer is \boxed{18}.", "18"),
    (r"\boxed{18}. This is the final answer.", "18"),
    ('\\boxed{18}\n\n**Final Answer:** 18', "18"),
    (r"\boxed{18}. The final answer is correct.", "18"),
    ("◁think▷The answer is 17.◁/think▷ The answer is 18.", "18"),
    (r"reasoning \boxed{17}</think> The answer is 18.", "18"),
    (r"The final answer is $\boxed{18}$. I hope it is correct.", "18"),
    (r"\boxed{18}. The final answer is the same as before.", "18"),
    (r"\boxed{18} dollars. The final answer is boxed.", "18"),
    (r"\boxed{18} is the final answer, in dollars", "18"),
    (r"\boxed{18}. The final answer is in dollars.", "18"),
    (r"\boxed{\frac12}. The final answer is one half.", r"\frac12"),
    (r"<think>The answer is 17.</think>\boxed{}", ""),
    ("Answer: Janet makes **$18** every day.", "$18"),
    ("Answer: There are 18 apples.", "18"),
    ("The answer is that she has 18 apples.", "18"),
    ("This gives an answer of 18.", "18"),
    ("The answer is St. Louis.", "St. Louis"),
    ("The answer is Mr. Smith.", "Mr. Smith"),
    ('{"answer": 18}', "18"),
    ("The answer is 18, I think.", "18"),
    ("The total is computed. 18 apples", None),
    ('{"answer": "18"}', "18"),
    ('{"reasoning": "x", "answer": 18, "unit": "cm"}', "18"),
    ("We get an answer of $18$.", "18"),
    ("The answer is 18, I believe.", "18"),
    ("Answer: She sold 3 apples and 5 pears.", "She sold 3 apples and 5 pears"),
    ("Answer: Janet makes $18 every day.", "$18"),
    ("The answer is Washington D.C.", "Washington D.C"),
    ("Answer: He needs 1,200 dollars.", "1,200"),
    ("Answer: Yes", "Yes"),
    ('#### Step 1\nsum is 4', None),
    ('We add.\n#### So the answer is \\boxed{4}', "4"),
    (r"\boxed{18}. The final answer is the total number of eggs.", "18"),
    (r"\boxed{18}. If the correct answer is 19, it is odd.", "18"),
    ("Answer: It takes 3 to 5 hours.", "It takes 3 to 5 hours"),
    ("Answer: Tom has 18 million dollars.", "Tom has 18 million dollars"),
    # Decimal points, several quantities.
    ('The answer is .5', '.5'), ('Answer: .75', '.75'), ('#### .25', '.25'), ('<answer>.5</answer>', '.5'), ('Therefore, .5', '.5'),
    ('The answer is -.5.', '-.5'), ('The answer is **.5**.', '.5'), ('The answer is ... 5', '5'), ('**Answer:** $.50', '$.50'),
    ('Answer: .5 or .25', '.5 or .25'), ('It costs a lot.\nAnswer: She pays .5 dollars.', '.5'),
    ('The answer is $3$ hours and $20$ minutes.', '$3$ hours and $20$ minutes'), ('The answer is $5$ feet $3$ inches.', '$5$ feet $3$ inches'),
    ('The answer is $10/49$ meters, $20/49$ seconds.', '$10/49$ meters, $20/49$ seconds'), ('The answer is $2$ and a half.', '$2$ and a half'),
    ('The answer is $2$ and a half hours.', '$2$ and a half hours'), ('The answer is $2$ hours and a half.', '$2$ hours and a half'),
    ('The answer is **3** hours and **20** minutes.', '3 hours and 20 minutes'), ('The answer is **5** feet **3** inches.', '5 feet 3 inches'),
    ('The answer is $3$ hours and 20 minutes.', '$3$ hours and 20 minutes'), ('The answer is $3$ boys and $4$ girls.', '$3$ boys and $4$'),
    ('The answer is $18$ million.', '$18$ million'), ('The answer is **18** million.', '18 million'),
    ('The answer is $3$ hours, since $20$ is less.', '$3$ hours'), ('The answer is $18$ dollars.', '18'), ('The answer is **18** dollars.', '18'),
    ('The answer is **5** cm.', '5 cm'), ('The answers are **1** and **2**.', '1 and 2'), ('The answer is $18$ and $x$ is even.', '$18$ and $x$'),
    ('The answer is \\(3\\) hours \\(20\\) minutes.', '\\(3\\) hours \\(20\\) minutes'),
    ('The answer is `3` hours and `20` minutes.', '3 hours and `20` minutes'), ('The answer is 3 hours and 20 minutes.', '3 hours and 20 minutes'),
    ('The answer is $18$ dollars, which is $2$ more.', '18'), ('The answer is $5$ because it is.', '5'), ('The answer is **5** and that is all.', '5'),
    # Whole sentences, quotations, denials, headings on the same line.
    ('**Final Answer:** The value of $x$ is $5$.', '5'), ('**Final Answer:** The largest $n$ is 34.', '34'),
    ('**Final Answer**\n\nThe total cost is **$45**.', '$45'), ('**Final Answer:** The probability is $\\frac{1}{2}$.', '\\frac{1}{2}'),
    ('Final Answer: x is 5', '5'), ('Final Answer: $x$ is $5$.', '5'), ('**Final Answer:** The minimum value is\n\\[ 5 \\]', '5'),
    ('**Final Answer**\n\nThe total cost is:\n\n$$45$$', '45'), ('Final Answer: The area of the triangle equals 12 cm.', '12 cm'),
    ('Final Answer: For n = 3, the number of ways is 6.', '6'), ('Final Answer: x is 5 and y is 6.', 'x is 5 and y is 6'),
    ('Final Answer: The roots are $2$ and $3$.', '$2$ and $3$'), ('Final Answer: The statement is true.', 'true'),
    ('Final Answer: There are 3 boys and 5 girls.', 'There are 3 boys and 5 girls'), ('Final Answer: $5$ is the smallest number.', '5'),
    ('Final Answer: Paris, as it is the capital.', 'Paris'), ('Final Answer: The value of $x$ for which $y$ is $0$ is $5$.', '5'),
    ('Answer: It is 5.', '5'), ('The answer is the number 18.', '18'), ('The answer is option B.', 'B'),
    ('The number of apples is not clear. The answer is 5.', '5'), ('The answer to the question "What is x?" is 5.', '5'),
    ('The answer to “What is x?” is 5.', '5'), ('The answer to the question: "What is x?" is 5.', '5'), ('The answer to "Is 3 = 4?" is no.', 'no'),
    ('The answer is no, there are not fewer.', 'no'), ("The answer: D, it doesn't matter.", 'D'), ('The answer is yes, because it is.', 'yes'),
    ('The answer is B (none of them).', 'B'), ('The answer is True, as it holds.', 'True'), ('The answer is (C), it follows.', '(C)'),
    ('The answer is A, B, and C.', 'A, B, and C'), ('The answer is No; there are fewer.', 'No'), ('Answer $9$', '9'), ('**Answer** $9$', '9'),
    ('**Answer** \\(9\\)', '9'), ('Answer **9**', '9'), ('**Answer** 9', '9'), ('**Final Answer** $9$.', '9'), ('The answer $x$ is positive.', None),
    ('The answer is definitely 5.', '5'), ('The answer is certainly $5$.', '5'), ('Answer 9 cases first', None), ('The answer $x$ must be 5', None),
    ('The answer is no.', 'no'), ('The answer is no solution.', 'no solution'), ('The answer is a circle.', 'a circle'),
    ('Final Answer: The largest n is 34, which is less than 100.', '34'), ('Final Answer: Tom has 18 million dollars', 'Tom has 18 million dollars'),
    ('The answer is "18".', '18'),
    ("Final Answer: The maximum is 5 when x is 2.", "The maximum is 5 when x is 2"), ("Final Answer: No solution is left.", "No solution is left"),
    # Several boxes, and boxes that are no answers of their own.
    ('\\[ \\boxed{-2} \\quad \\text{and} \\quad \\boxed{1}. \\]', '-2, 1'), ('\\boxed{2},\\ \\boxed{6}', '2, 6'),
    ('\\boxed{2} \\;\\text{or}\\; \\boxed{6}', '2, 6'), ('\\(\\boxed{2}\\), \\(\\boxed{3}\\), and \\(\\boxed{6}\\)', '2, 3, 6'),
    ('**\\boxed{2}** and **\\boxed{6}**', '2, 6'), ('$x=\\boxed{2}$ or $x=\\boxed{6}$', '2, 6'), ('\\boxed{2}\\qquad\\boxed{6}', '2, 6'),
    ('\\boxed{2} \\quad \\text{or} \\quad x = \\boxed{6}', '2, 6'), ('$\\boxed{2}$, $\\boxed{6}$', '2, 6'),
    ('$$\\boxed{2} \\text{ and } \\boxed{6}$$', '2, 6'), ('\\boxed{2}\\text{, }\\boxed{6}', '2, 6'),
    ('\\boxed{2} \\quad \\mathrm{or} \\quad \\boxed{6}', '2, 6'), ('$\\boxed{2}$ and $\\boxed{6}$.', '2, 6'), ('\\boxed{2} \\lor \\boxed{6}', '2, 6'),
    ('**$\\boxed{2}$**, **$\\boxed{6}$**', '2, 6'), ('\\[\\boxed{2}\\] and \\[\\boxed{6}\\]', '2, 6'),
    ('x_1 = \\boxed{2}, \\quad x_2 = \\boxed{6}', '2, 6'), ('\\boxed{5} \\quad \\boxed{5}', '5'), ('\\boxed{5}. Check: \\boxed{6}', '6'),
    ('\\boxed{5} = \\boxed{6}', '6'), ('\\boxed{5} + \\boxed{6}', '6'), ('\\boxed{5} so x = \\boxed{6}', '6'), ('\\boxed{5}\\cdot\\boxed{6}', '6'),
    ('\\boxed{5} \\boxed{6}', '6'), ('First \\boxed{5}, and then \\boxed{6}', '6'), ('\\boxed{5}\n\n\\boxed{6}', '6'),
    ('\\boxed{5} and not \\boxed{6}', '6'),
]  # fmt: skip


@pytest.mark.parametrize(("text", "answer"), [*STATED, *SAID_AFTER])
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


# Other Markdown, HTML, wrappers, clauses and currencies, each with what it says.
SAID = [
    ('The answer is __18__.', '18'), ('The answer is *18*.', '18'), ('The answer is `18`.', '18'), ('The answer is ***18***!', '18'),
    ('**Answer:** 18', '18'), ('**Answer: 18**', '18'), ('### Final Answer\n18', '18'), ('### Answer: 18', '18'), ('#### 18', '18'),
    ('## Final Answer\n\n$18$', '18'), ('Answer\n---\n18', '18'), ('__Final answer__: 18', '18'), ('> **Final Answer:** 18', '18'),
    ('- Final answer: 18', '18'), ('Therefore, the answer is\n\n$$\n18\n$$', '18'), ('Hence the answer is \\[18.\\]', '18'),
    ('The answer is: \\( 18 \\).', '18'), ('Thus, the final answer is $\\boxed{18}$.', '18'), ('The answer is \\fbox{18}.', '18'),
    ('The answer is $18, since 2 * $9 = $18.', '18'), ('The answer is 72 because 8*9=72.', '72'), ('The answer is 72, which is less than 100.', '72'),
    ('The answer is 72 (in total).', '72'), ('The answer is 72 apples in total.', '72'), ('So the answer should be 72.', '72'),
    ('The correct answer is (B) 72.', 'B'), ('The correct answer is **(B)**.', 'B'), ('The correct option is C.', 'C'), ('The answer is 1,234.', '1234'),
    ('The answer is 3.5.', '3.5'), ('The answer is -3.', '-3'), ('The answer is $-3$.', '-3'), ('The final answer is: $\\$1,800$', '1800'),
    ('The answer is **$18**.', '18'), ('The answer is **$18.00**.', '18'), ('The answer is **18 dollars**.', '18'), ('The answer is \\$18 per day.', '18'),
    ('The answer is £18, not £20.', '18'), ('The answer is x = 5.', '5'), ('The answer is $x = 5$.', '5'),
    ('The answer is 18.\n\nLet me check: 9*2 = 18. Correct.', '18'), ('The answer is 18. The answer is 20.', '20'),
    ('Final answer: \\boxed{\\textbf{18}}', '18'), ('\\boxed{\\textbf{(C)}\\ 18}', 'C'), ('\\boxed{18\\text{ cm}}', '18 cm'),
    ('\\boxed{\\text{Total: }18}', '18'), ('\\boxed{\\textbf{Answer: }18}', '18'), ('\\boxed{\\$18}', '18'), ('\\boxed{x = 18}', '18'),
    ('\\boxed{\\mathbf{\\color{red}18}}', '18'), ('\\boxed{\\textcolor{blue}{18}}', '18'), ('The answer is: **\\(18\\)**', '18'),
    ('**The final answer is 18**', '18'), ('Final Answer: The final answer is $18$. I hope it is correct.', '18'), ('The answer is <b>18</b>.', '18'),
    ('The answer is 18 €.', '18'), ('答案是18。', '18'), ('The answer is $\\frac{1}{2}$, i.e. 0.5.', '1/2'), ('The answer is $(1, 2)$.', '(1,2)'),
    ('The answer is [1, 2].', '[1,2]'), ('The answer is: **18**\n\nHope this helps!', '18'), ('The final answer is **18**\\.', '18'),
    ('**Answer**\n\n18', '18'), ('### Final Answer:\n\n\\(18\\)', '18'), ('*Final Answer:* **18**', '18'), ('**The answer is: $18$.**', '18'),
    ('<b>Answer:</b> 18', '18'), ('<strong>Final Answer</strong>\n18', '18'), ('Answer = 18', '18'), ('Answer -> 18', '18'), ('Answer → 18', '18'),
    ('Answer – 18', '18'), ('ANSWER IS 18', '18'), ('So the answer is 18 .', '18'), ('The answer is 18; that is all.', '18'),
    ('The answer is 18: nine times two.', '18'), ('The answer is 18 as required.', '18'), ('The answer is 72, meaning she has more.', '72'),
    ('The answer is 72, so the farmer earns it.', '72'), ('The answer is 72 in total', '72'), ('The answer is $72 per week.', '72'),
    ('The answer is $1,200.50.', '1200.5'), ('The answer is $18 - $5 = $13.', '13'), ('The answer is 3 (three).', '3'), ('The answer is \\$18\\$.', '18'),
    ('The answer is $x=18$.', '18'), ('The final answer is 18/5.', '18/5'), ('Final Answer: 18 km/h', '18'), ('Final answer — 18', '18'),
    ('Answer (in dollars): 18', '18'), ('The answer, then, is 18.', '18'), ('The answer is a total of 18.', '18'),
    ('The answer is approximately 3.14.', '3.14'), ('The answer is about $18.', '18'), ('The answer is 18 (i.e., eighteen).', '18'),
    ('The answer is (a) 18', '18'), ('Answer: A. 18', '18'), ('Answer: A) 18', 'A'), ('Answer: (A)', 'A'), ('The answer is \\text{18}', '18'),
    ('The answer is $18\\text{ cm}$', '18 cm'), ('Answer: 18\n\nExplanation: 9*2', '18'), ('Final Answer: $18$ dollars', '18'),
    ('The final answer is $\\$18$.', '18'), ('The final answer is \\(\\$18\\).', '18'), ('$$\\text{Answer: }18$$', '18'), ('The answer is € 18.', '18'),
    ('The answer is\n18', '18'), ('The answer:\n\n18', '18'),
    ('The answer is $2$ and a half.', '2.5'), ('The answer is $3$ hours and $20$ minutes.', '3 hours and 20 minutes'),
    ('The answers are **1** and **2**.', '2, 1'), ('The answer is $18$ million.', '18000000'), ('The answer is $28$ percent.', '28'),
    ('The answer is $5$ feet $3$ inches.', '5 feet 3 inches'), ('The answer is .5', '0.5'), ('The answer is $2$, $3$, or $5$.', '2,3,5'),
]  # fmt: skip


@pytest.mark.parametrize(("text", "gold"), SAID)
def test_what_is_said_equals_its_label(text, gold):
    assert math_equal(extract_answer(text), gold)
    assert not math_equal(extract_answer(text), "1234567")


NOT_SAID = [
    ('The answer is 18.', '19'), ('The answer is **5** cm.', '5 m'), ('The answer is $5$ cm.', '5 m'), ('18', '81'), ('The answer is not 18.', '18'),
    ('The answer is 5 = 6.', '6'), ('The answer is 18 or 20.', '18'), ('\\boxed{}', '18'), ('The answer is unclear: 18 maybe.', '19'),
    ('The answer is 1/2.', '1'), ('The answer is 1.5.', '1'), ('The answer is $18 - $5 = $13.', '18'), ('The answer is 1.2.3', '1'),
    ("The answer isn't 18.", '18'), ('The answer cannot be 18.', '18'), ('Is the answer 18?', '19'), ('The answer is between 1 and 2.', '1'),
    ('The answer is $2$ and a half.', '2'), ('The answer is **2** and a half.', '2'), ('The answer is $18$ million.', '18'),
    ('The answer is $3$ boys and $4$ girls.', '3'), ('The answer is **3** boys and **4** girls', '3'), ('The answer is $3$ hours 20 minutes.', '3'),
    ('The answer is .5', '5'), ('The answer is $2$ and $\\frac{1}{2}$', '2'), ('The answer is **$3$** hours and **$20$** minutes.', '3'),
    ('The answer is $5$ dollars and $50$ cents', '5'), ('The answer is $1$ and three quarters', '1'), ('The answer is $5$ and two thirds', '5'),
    ('The answer is $5$ thirds', '5'), ('The answer is $5$ times $3$', '5'), ('The answer is $5$ to $7$ hours', '5'),
    ('The answer is $5$ plus $3$', '5'), ('The answer is $5$-$7$', '5'), ('The answer is $5$ more than $x$', '5'), ('The answer is $5$ squared', '5'),
    ('The answer is $2$ pounds $3$ ounces.', '2'), ('The answer is <b>2</b> pounds and <b>3</b> ounces.', '2'), ('The answer is $5 \\frac12$', '5'),
    ('Final Answer: x is 5 and y is 6.', '6'), ('Final Answer: The number is not 5.', '5'), ('Final Answer: x is 5, y is 6.', '6'),
    ('Final Answer: The value is at least 5.', '5'), ('Final Answer: The answer is between 3 and 5.', '5'), ('The answer to "is x 5?" is no.', '5'),
    ('Final Answer: The number of ways is greater than 5.', '5'), ('Final Answer: if x is 3, y is 5', '5'), ('<answer>A\nB</answer>', 'A'), ('The answer is no, 5 is wrong.', '5'),
]  # fmt: skip


@pytest.mark.parametrize(("text", "gold"), NOT_SAID)
def test_what_is_not_said(text, gold):
    assert not math_equal(extract_answer(text), gold)


# Several boxes, last sentences, choices, what is put right, tokens that end a turn.
OTHERWISE = [
    (r"\boxed{x=3} \text{ or } \boxed{x=-2}", "-2, 3"), ("Answer: 3/4 (or 0.75)", "3/4"),
    ("Answer: 0.75 (75%)", "3/4"), ("The answer is five (5).", "5"), (r"\boxed{x = 5 \text{ (rejecting } x=-2)}", "5"),
    ("Thus, x = 12.", "12"), ("The solution is x = 42.", "42"), ("Hence, option C is correct.", "C"), ("故选 B。", "B"),
    ("Ans. 42", "42"), ("The answer is 42<|eot_id|>", "42"), ("The answer is option (C), 18.", "C"),
    ("The answer is either 5 or 7.", "5, 7"),
    (r"So $\boxed{4}$ or $\boxed{-4}$.", "-4,4"), (r"\boxed{1} and \boxed{2}", "1,2"),
    (r"\boxed{5}. Check: \boxed{5}", "5"), ("We add. Therefore, n = 24.", "24"),
    (r"The result is $\frac{1}{2}$.", "1/2"), ("So the solution is 9.", "9"), ("Thus the correct option is B.", "B"),
    ("Therefore, choice (D) is correct.", "D"), ("因此选 A", "A"), ("所以，本题选C。", "C"), ("Ans. $x=3$", "3"),
    ("ans: 12", "12"), ("The answer is 7</s>", "7"), ("Final answer: 8<|im_end|>", "8"),
    ("The answer is option B, 20.", "B"), ("The answer is either 2 or 3.", "2,3"), ("因此，x = 12。", "12"),
    # nothing but a value
    ("18", "18"), ("**18**", "18"), ("$18$", "18"), (r"\(\frac12\)", "1/2"), ("18 apples", "18"), ("(C)", "C"), ("C.", "C"), ("Yes", "yes"),
    ("<think>3 and 6</think>\n\n18", "18"), ("$x^2+1$", "1+x^2"),
    # last sentences with a calculation or a formula
    (r"Therefore, Brian has \(7 + 4 = 11\) plums.", "11"), (r"So, Brian has \( 11 \) plums.", "11"), ("So Brian has 7 + 4 = 11 plums.", "11"),
    (r"Thus, the total cost is $9 \times 2 = 18$ dollars.", "18"), (r"Therefore, the probability is $\frac{1}{2}$.", "1/2"),
    ("So, the total number of apples is \\(7 + 2 = 9\\).", "9"), ("So, the ratio is 5/12.", "5/12"), ("Therefore, C.", "C"),
    # choices, and an answer of something
    ("I choose B.", "B"), ("I would choose option B.", "B"), ("My choice: B", "B"), ("Option B is the answer.", "B"), ("The correct one is (B).", "B"),
    ("We get the final answer of 12.", "12"), ("which gives us our answer of $12$.", "12"),
    # a reason behind a formula and its unit
    (r"The answer is $18$ dollars because $9 \times 2 = 18$.", "18"), ("The answer is 9 x 2 = 18.", "18"),
    ("The answer is 3.14 to the nearest hundredth.", "3.14"), ("The answer is $12 a day.", "12"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "gold"), OTHERWISE)
def test_what_is_said_otherwise(text, gold):
    assert math_equal(extract_answer(text), gold)
    assert not math_equal(extract_answer(text), "1234567")


@pytest.mark.parametrize(
    "text",
    [
        "The solution is to add them.",
        "Thus, we are done.",
        "The answer is not 7, but I cannot say more.",
        "The answer isn't 7, it's 5.",
        "I have 12 apples and 3 pears",
        "12 or 13",
        "A. 12\nB. 13",
        "$\\boxed{12 $",
        "Therefore, multiply by $12$.",
        "So we have $x = 12$ and $y = 13$.",
        "Therefore, the total is 2 + 3 = 5 apples or 6 pears.",
        "Hence, options A and B are wrong.",
        "我选了很多。",
    ],
)
def test_what_says_no_answer(text):
    assert not extract_answer(text)
