# ruff: noqa: E501
"""What an answer is not: a sum of what stands side by side, the first of several, a letter of another name or unit."""

import pytest

from emlit.tasks import extract_answer, math_equal

# Factors, mixed numbers, whole numbers, bases, options, approximations, names, units, words, functions.
EQUAL = [
    (r"3\binom{5}{2}", "30"), (r"\binom42\binom31", "18"), ("(5)(7)", "35"), (r"2\left(\frac13\right)", r"\frac23"),
    (r"20\left(\frac34\right)", "15"), (r"\frac12(6)(8)", "24"), ("2(5)+1", "11"), (r"2\frac13\pi", r"\frac{7\pi}{3}"), (r"1\frac12\pi", r"1.5\pi"),
    (r"2\frac12", "2.5"), (r"2 \frac{1}{2}", r"\frac52"), ("2 1/2", "2.5"), (r"2\frac{1}{2} + x", r"x+\frac52"), (r"x^2\frac12", r"\frac{x^2}{2}"),
    ("1 000 000", "1000000"), ("10 000", "10000"), (r"2\cdot 3", "6"), (r"\log_2 8", "3"), (r"3\frac{x}{2}", r"\frac{3x}{2}"), (r"-1\frac12", "-1.5"),
    (r"-2\frac{1}{3}\pi", r"-\frac{7\pi}{3}"), (r"5\frac{7}{3}", r"\frac{35}{3}"), ("5 integers", "5"), (r"\text{15 integers}", "15"),
    ("15 nonzero integers", "15"), ("odd integers", r"\text{odd integers}"),
    (r"\frac{\pi}{2}+2\pi k, \text{ for integer } k", r"\frac{\pi}{2}+2\pi k, k\in\mathbb{Z}"),
    (r"\pi n \text{ where } n \text{ is an integer}", r"\pi n"), ("12_3", "12"), ("101_2", "101"), ("1A_{16}", "1A"), ("(D) I and III only", "D"),
    ("(A) I only", "A"), ("(E) I, II, and III", "E"), ("B. 5 A", "B"), ("A. 20 C", "A"), ("A. E = mc^2", "A"), ("A. F = ma", "A"), ("(B) e^x+C", "B"),
    (r"A. \Delta G < 0", "A"), ("C. P(A) = 0.5", "C"), ("D. A and B", "D"), ("D. E. coli", "D"), ("A. J.K. Rowling", "A"), ("(C) 18", "C"),
    ("(C) 18", "18"), ("(b), (a)", "(a), (b)"), ("(a)", "A"), ("(a) 5", "A"), (r"e^2 \approx 7.389", "e^2"), (r"\frac1e \approx 0.368", "1/e"),
    (r"5\sqrt2\text{ cm} \approx 7.07\text{ cm}", r"5\sqrt2"), (r"\frac{50}{3} \approx 16.67\text{ meters}", r"\frac{50}{3}"),
    ("x_1=2, x_2=1", "1,2"), ("z_1=1+i, z_2=1-i", "1-i, 1+i"), ("y=2, x=1", "(1,2)"), ("y=2, x=1", "(x,y)=(1,2)"), ("r=3, h=5", "3,5"),
    ("x=1,y=2", "(1,2)"), ("x=y=0", "(0,0)"), ("x=y=z=1", "(1,1,1)"), ("a=b=1, c=2", "(1,1,2)"), ("S=A=12", "12"), (r"5\text{ Kg}", r"5\text{ kg}"),
    (r"5\text{ Meters}", r"5\text{ meters}"), (r"\text{June }20", r"\text{june }20"), (r"5\text{ KM}", r"5 \text{ km}"),
    (r"\frac{dy}{dt}=ky", r"\frac{dy}{dt}=ky"), ("18 millions", "18000000"), ("18 months", "18"), ("18 lengths", "18"), ("No solution", r"\emptyset"),
    ("There is no solution", "no solution"), ("DNE", r"\text{does not exist}"), ("infinitely many solutions", "infinitely many"),
    (r"\text{circle}", "a circle"), ("Yes, it is", "Yes"), ("negative 5", "-5"), ("The first player", "first player"), (r"\{\}", "no solution"),
    ("5 nm", "5"), ("5 Pa", "5"), ("5 atm", "5"), ("5 N/m", "5"), ("5 g/cm^3", "5"), ("5 kJ/mol", "5"), ("5 W/m^2", "5"), ("5 m^3/s", "5"),
    ("5 N/m", r"5\text{ N/m}"), ("5 W/m^2", r"5\text{ W/m}^2"), ("5 dB", "5"), (r"f(x)=x+1 \text{ for all } x\in\mathbb{R}", "f(x)=x+1"),
    (r"f(n)=n \text{ for all positive integers } n", "f(n)=n"), (r"f(x)=x^2 \text{ for all } x", "f(x)=x^2"), ("f(n)=n+1", "f(x)=x+1"),
    (r"A=\{1,2\}", "A=1,2"), (r"x=2 \quad y=3", "x=2, y=3"), ("y=2x=4", "4"),
    ("C. has no effect", "C"), ("D. are equal", "D"), ("(D) Both (A) and (B)", "D"), ("C - The mean", "C"),
    (r"18 \text{ when } x=2", "18"), ("18 (when x = 2)", "18"), (r"(2,3) \text{ at } t=2", "(2,3)"), (r"\text{18 when x = 2}", "18"),
    (r"n^2+1 \text{ for all } n", "n^2+1"),
    ("5 lb 3 oz", "5 pounds 3 ounces"), (r"4\text{ hours }30\text{ minutes}", "4 h 30 min"),
    ("2 hours, 15 minutes, and 30 seconds", "2 h 15 min 30 s"), ("5 ft. 3 in.", "5'3\""), ("2 m 30 cm", r"2\text{ m }30\text{ cm}"),
    ("2 apples and 3 pears", "3 pears, 2 apples"), ("2 cm and 3 cm", "2, 3"),
    (r"\sin x\cdot\cos x", r"\sin x\cos x"), (r"\ln 2/\ln 3", r"\log_3 2"), (r"\cos 36^\circ\cdot\cos 72^\circ", r"\frac14"),
    (r"\cos x\cdot e^x", r"e^x\cos x"), (r"\ln x / x", r"\frac{\ln x}{x}"), (r"\ln 2\cdot 3", r"3\ln 2"),
    (r"\sin\frac{\pi-x}{2}\cdot 2", r"2\sin\frac{\pi-x}{2}"), (r"\sin\pi/6", r"\frac12"), (r"\pi(3)^2", r"9\pi"),
    (r"\sqrt[3]2", r"\sqrt[3]{2}"), (r"\sqrt\frac34", r"\frac{\sqrt3}{2}"), (r"\sqrt\pi", r"\sqrt{\pi}"), ("2^-n", "2^{-n}"),
    (r"\frac{(2n)!}{n!^2}", r"\binom{2n}{n}"), (r"\max\{a,b\}", r"\max(b,a)"), (r"2{\frac25}", "2.4"), ("12^{th}", "12"),
    (r"x=\sqrt2\approx1.414", r"x=\sqrt2"), (r"x=\frac{10}{3}\approx3.33", r"x=\frac{10}{3}"),
    (r"\frac{dy}{dx}=\frac{x}{y}", r"y\frac{dy}{dx}=x"), (r"\frac1x+\frac1y=1", "x+y=xy"), (r"y^2=\frac{x^3}{2-x}", "y^2(2-x)=x^3"),
    (r"2\int_0^1 x^2dx", r"\int_0^1 2t^2 dt"), (r"\sum_{k=1}^n k^2+1", r"1+\sum_{j=1}^n j^2"),
    (r"\frac\pi4+n\pi, n\in\mathbb Z", r"\frac\pi4+k\pi, k\in\mathbb Z"),
    (r"x=\frac\pi2+n\pi, n\in\mathbb{Z}", r"x=\frac\pi2+k\pi\ (k\in\mathbb{Z})"), ("15 sec", "15"), (r"25\% \text{ of the class}", r"25\%"),
    ("25% increase", "25"), (r"A^{-1}=\begin{pmatrix}1&2\\3&4\end{pmatrix}", r"\begin{pmatrix}1&2\\3&4\end{pmatrix}"), ("30º", r"30^\circ"),
    (r"1 \text{ 或 } 2", "1,2"), ("1或2", "1,2"), (r"1 \text{ et } 2", "1,2"), ("x=1 oder x=2", "1,2"), ("(4343)_6", "4343_6"),
    ("52_{(8)}", r"52_\text{8}"), ("1{,}000_2", "1000"), (r"52\text{ (base 8)}", "52_8"), (r"\mathrm{CO_2}", "CO_2"),
    (r"\text{She has 12 apples}", "12"),
    # unit vectors, subscripts, degrees, points, options
    (r"2\hat{i}+3\hat{j}", r"2\mathbf{i}+3\mathbf{j}"), (r"2\hat{\imath}-\hat{\jmath}", r"2\vec{i}-\vec{j}"), (r"5\hat{\mathbf{z}}", r"5\hat{z}"),
    (r"\mathbf{F}=q\mathbf{v}\times\mathbf{B}", r"q\vec{v}\times\vec{B}"), (r"\overrightarrow{AB}", r"\vec{AB}"), (r"k_\mathrm{B}T", "k_B T"),
    (r"E_\text{max}", r"E_{\text{max}}"), (r"45^\circ", r"\frac{\pi}{4}"), (r"\theta=30^\circ=\frac{\pi}{6}", r"30^\circ"),
    (r"22.5^\circ", r"\frac{\pi}{8}"), ("30^o", r"30^\circ"), ("P(1,2)", "(1,2)"), ("A'(1,-2)", "(1,-2)"), (r"\pi (3)^2", r"9\pi"),
    (r"(\textbf{B})\ 12", "B"), (r"\text{The correct answer is C}", "C"), (r"\text{The answer is 12}", "12"), (r"\text{Choice } A", "A"),
    ("A, C", "AC"), (r"\text{A and C}", "AC"), ("x=1或x=2", "1,2"),
    # remarks, units and operations behind a number
    (r"2\sqrt3 \ (\approx 3.46)", r"2\sqrt3"), (r"3.14 \text{ to the nearest hundredth}", "3.14"), ("3.14, rounded to two decimal places", "3.14"),
    ("1.5 (in hours)", "1.5"), (r"(5,2) \text{ (in cm)}", "(5,2)"), ("2/3 of a cup", "2/3"), ("$12 a week", "12"), ("1 in 4", "1/4"),
    ("9 x 2 = 18", "18"), ("9 x $2 = $18", "18"), (r"5\text{i}", "5i"), (r"2\text{x}", "2x"), (r"5\text{ pi}", r"5\pi"),
]  # fmt: skip
DIFFERENT = [
    ("10 8", "18"), ("1 17", "18"), ("100 50", "150"), (r"\{1 2\}", "3"), ("(5)(7)", "12"), ("2(3)", "5"), (r"4\binom{3}{2}", "7"), ("3(1/2)", "3.5"),
    (r"10\ 8", "18"), (r"2\frac13\pi", r"\frac{2\pi}{3}"), ("2s integers", "2s"), ("a_1", "a"), ("b_2", "b"), ("c_{12}", "c"), ("C_4", "C"),
    ("2a_1", "2a"), ("x=a_1", "a"), ("5_1", "5"), ("(A) 5 or (B) 6", "A"), ("A. 5 B. 6", "A"), ("(A), (B)", "A"), ("(A) or B", "A"),
    ("(A) 5, B", "A"), ("(A) not (B)", "A"), ("(a) or (b)", "(a)"), ("(a), (b)", "a"), ("(a), (b), (c), (d)", "(a)"), ("(c) 5 or (d) 6", "(c)"),
    ("(a) yes (b) no", "(a)"), ("(a), (b), (c)", "(a), (b)"), ("R", "r"), ("(r)", "R"), ("a", "A"), (r"e^2 \approx 8.389", "e^2"),
    (r"x \approx 5", "x"), ("y=1,x=2", "(1,2)"), ("x=1,y=2", "2,1"), ("x=y=0", "(0,1)"), (r"5\text{ MW}", r"5\text{ mW}"),
    (r"5\text{ MeV}", r"5\text{ meV}"), (r"5\text{ Mm}", r"5\text{ mm}"), (r"5\text{ mV}", r"5\text{ MV}"), (r"5\text{ GB}", r"5\text{ Gb}"),
    (r"5\text{ S}", r"5\text{ s}"), (r"\frac{dy}{dx}=\frac{x}{y}", r"\frac{dy}{dt}=\frac{x}{y}"), (r"\frac{dP}{dt}=kP", r"\frac{dQ}{dt}=kP"),
    (r"\frac{dy}{dt}=ky", r"\frac{dx}{dt}=ky"), ("18 millions", "18"), ("18 thousands", "18"), ("18 hundreds", "18"), ("18 doubled", "18"),
    ("18 twice", "18"), ("18 base eight", "18"), ("18 but wrong", "18"), ("18 billionths", "18"), ("Yes, but also no", "Yes"),
    ("circle", "a parabola"), ("no solution", "0"), ("5 x/y", "5"), ("5 a/b", "5"), ("5 N/m", r"5\text{ N/s}"), ("f(n)=n+1", "f(x)=n+1"),
    ("x=2, x=3", "x=3"), (r"f(x)=0 \text{ or } f(x)=x", "f(x)=x"), ("x=3, y=2", "x=2"), (r"\angle A=30, \angle B=60", r"\angle A=60"),
    (r"x=2 \quad x=3", "x=3"), (r"x=2 \quad y=3", "3"), (r"A=\{1,2\}, B=\{1\}", r"A=\{1\}"),
    ("A. not B", "A"), ("C - x y", "C"), ("(A) Both (B) and (C)", "A"),
    (r"n^2+1 \text{ when } n=3", "n^2+1"), (r"18 \text{ when } x=2", "2"), (r"18 \text{ or } x=2", "18"),
    ("1 hour 30 minutes", "3 hours 10 minutes"), ("5'3\"", "3'5\""), ("2 m 30 cm", "30 m 2 cm"), ("5 apples 3 pears", "3 apples 5 pears"),
    (r"2\text{ red}, 3\text{ blue}", r"3\text{ red}, 2\text{ blue}"), ("4 h 30 min", "5 h 24 min"), ("5 apples and 3 pears", "8"),
    ("1 hour 30 minutes", "1"),
    (r"\ln x/x", "0"), (r"\ln 2/2", "0"), (r"\ln 2\cdot 3", r"\ln 6"), (r"\sin x/x", r"\sin 1"), (r"\ln 2/20", r"\ln\frac{1}{10}"),
    ("2^-n", "2^n"), (r"x=\frac{10}{3}\approx3.34", r"x=\frac{10}{3}"), (r"x=\sqrt2\approx1.414", r"y=\sqrt2"),
    ("e^{x+y}=xy+1", "e^{x+y}=xy+2"), ("a^x+b^x=c^x", "a^x+b^x=2c^x"), ("x^3+y^3+z^3=3xyz+1", "x^3+y^3+z^3=3xyz+2"),
    (r"\sum_{k=0}^n 2^k", r"\sum_{k=1}^n 2^k"), (r"\frac1x+\frac1y=1", "x+y=2xy"),
    (r"n+k, n\in\mathbb{Z}", r"k+k, k\in\mathbb{Z}"), (r"2n+1, n\in\mathbb{Z}", r"2k, k\in\mathbb{Z}"), (r"52\text{ (base 8)}", "52_9"),
    (r"\text{She has more than 12 apples}", "12"), ("1或2", "1"),
    (r"5 \text{ (mod 7)}", r"5 \text{ (mod 6)}"), ("x=1,x=2", "(1,2)"), (r"\pm 1", "(1,-1)"),
    (r"\hat{x}", r"\hat{y}"), (r"2\hat{i}+3\hat{j}", r"3\hat{i}+2\hat{j}"), (r"45^\circ", r"\frac{\pi}{3}"), (r"45^\circ", r"45\pi"), ("N(0,1)", "U(0,1)"),
    ("P(1,2)", "(2,1)"), ("P(1,2)", "[1,2]"), ("AC", "AB"), ("A, C", "ABC"), ("AC", "A"), (r"2\sqrt3 \ (\approx 3.56)", r"2\sqrt3"),
    (r"5\text{ *2}", "5"), (r"5\text{ + 1}", "5"), (r"5\text{ /6}", "5"), (r"5\text{ e3}", "5"), (r"5\text{ = 6}", "5"), (r"5\text{, 6}", "5"),
    (r"5\text{i}", "5"), (r"5\text{x}", "5"), (r"5\text{ pi}", "5"), ("5的平方", "5"), (r"5\text{ twelfths}", "5"), ("5 sixteenths", "5"),
    (r"5\text{ R 1}", "5"), (r"\text{5 is wrong}", "5"), ("12 in 4 rows", "3"), (r"\frac{dy}{dx}=x", r"\frac{dy}{dt}=x"),
    (r"\frac{d^2y}{dx^2}=x", r"\frac{dy}{dx}=x"), ("10^{999999999}", "1"), ("9 x 2", "92"),
]  # fmt: skip
SAID = [
    ("The answer is **15 integers**.", "15"), ("The answer is $x^2$ + C.", "x^2+C"), ("The answer is $5$ - the total.", "5"),
    ("The answer is $18$: because", "18"), ("The answer is **18** and 3 are left.", "18"), ("The answer is $18$.", "18"),
    ("The answer is $18$ because 9*2=18.", "18"), ("The answer is **18** (9 * 2).", "18"), ("The answer is $5$cm", "5"),
    ("The answer is **$18$** - enough.", "18"), ("<answer>\n18\n</answer>", "18"), ("<answer>18\n</answer>", "18"),
    ("The answer is $18$ = 9*2", "18"), ("The answer is **18**th", "18"), ("the roots are given: The answer is $2$ and 3.", "2,3"),
    ("Answer: Sam and Tom have 12", "12"), ("Answer: There were 12 apples", "12"), ("Answer: It will take 12 hours", "12"),
    ("Answer: They each get 12 apples", "12"), ("Answer: Each group has 12 bananas", "12"), ("Answer: Josh made a profit of $70,000", "70000"),
    ("Answer: Mr. Smith has 12", "12"), ("Answer: The vertex is at (1, 2)", "(1,2)"), ("Answer: It takes her 12 hours to finish", "12"),
    ("The answer is 18. A common mistake would be to think the answer is 20.", "18"),
    ("The answer is 18. One might think the answer is 20, but that is wrong.", "18"), ("**Answer: 18**\n\nThe answer is always verified.", "18"),
    ("I think the answer is 18.", "18"), ("I believe the answer is 18.", "18"), ("The answer is 18 (since 9 * 2 = 18)", "18"),
    ("The correct answer is (C) The reaction is spontaneous.", "C"), ("**Answer: (C) It is a gas.**", "C"), ("<answer>C) It is a gas.</answer>", "C"),
    ("The answer is (D) A and B are both correct", "D"), ("The answer is C - it is large.", "C"), ("The answer is **B** (the mean is larger).", "B"),
    ("The answer is (c) It is a gas.", "C"), ("The answer is a (positive) number that is 5.", "5"),
    ("The answer is $x = 1$ because $x > 0$.", "1"), ("The answer is $5$ since $2+3=5$.", "5"), (r"The answer is $2^n$ for $n\ge1$.", "2^n"),
    (r"The answer is $\frac12$ which equals $0.5$.", "1/2"), ("The answer is $10$ rather than $12$.", "10"),
    ("The answer is $10$ by adding $2$ and $8$.", "10"),
    ('The answer is 5.\nNote that the answer is an integer.', "5"), ("The answer is 5. Since the answer is positive, we are done.", "5"),
    (r"The answer is $\frac12$. The answer is already simplified.", "1/2"), ("The answer is (C). The answer is supported by the text.", "C"),
    ("The answer is 5. The answer is less than 10.", "5"), ('The answer is 5.\nExplanation: The answer is the sum of 2 and 3.', "5"),
    ('The answer is 5.\nThe final answer is $\\boxed{5', "5"), ("The answer is 5. So the answer is six.", "6"),
    ("The answer is 5. The answer is undefined.", "undefined"), ('The answer to (1) is 5.\n**Final Answer:** even', "even"),
    ("Die Antwort lautet 42.", "42"), ("答案选C", "C"), ("**Result:** 42", "42"), ("B is the correct answer.", "B"), ("**(C)** is correct.", "C"),
    ("Answer: In total, Tom has 5 apples.", "5"), ("Answer: Tom can buy 5 apples", "5"), ("Answer: It takes Tom 5 days", "5"),
    ("Answer: 5 is the number of apples.", "5"), (r"\boxed{\text{She has 12 apples}}", "12"),
    ("Answer: Tom has 5 more apples than Ann.", "5"),
]  # fmt: skip
NOT_SAID = [
    ("The answer is 10 8.", "18"), ("#### 1 2 15", "18"), ("The answer is $5$ or 6.", "5"), ("The answer is $5$/2", "5"),
    ("The answer is **5**/2", "5"), ("The answer is $5$^2", "5"), ("The answer is $5$ + $6$", "5"), ("The answer is $5$ - $6$", "5"),
    ("The answer is $5$:$6$", "5"), ("The answer is $5$x", "5"), ("The answer is $5$.5", "5"), ("The answer is $5$ 1/2", "5"),
    ("The answer is $5$ millions", "5"), ("#### **18** or 19", "18"), ("#### $18$ $19$", "18"), ('#### "18" or "19"', "18"),
    ("<answer>$18$\n$19$</answer>", "18"), ("<answer>18\n19</answer>", "18"), ("<answer>18. Or 19.</answer>", "18"), (r"\boxed{5}/\boxed{6}", "6"),
    ("I doubt the answer is 18", "18"), ("It is not true that the answer is 18", "18"), ("The answer is 18 (possibly 19)", "18"),
    ("The answer is 18 (alternatively, 19)", "18"), ("The answer is yes (or no)", "yes"), ("The answer is 18 — or 19", "18"),
    ("The answer is 18: perhaps 19", "18"),
    ("The answer is A and B are equal.", "A"), ("The answer is (A) or (B) is true.", "A"),
    ("The answer is $3$ by $5$.", "3"), ("The answer is $5$, or maybe $6$.", "5"), ("The answer is $5$ more than $x$.", "5"),
    ("Answer: Tom has 5 times as many apples.", "5"), ("Answer: Tom has 5 or six apples.", "5"), ("Answer: Tom has at least 5 apples.", "5"),
    ("Answer: Tom has 5 and a half apples", "5"),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "gold"), EQUAL)
def test_equal(answer, gold):
    assert math_equal(answer, gold)
    assert math_equal(gold, answer)


@pytest.mark.parametrize(("answer", "gold"), DIFFERENT)
def test_different(answer, gold):
    assert not math_equal(answer, gold)
    assert not math_equal(gold, answer)


@pytest.mark.parametrize(("text", "gold"), SAID)
def test_said(text, gold):
    assert math_equal(extract_answer(text), gold)


@pytest.mark.parametrize(("text", "gold"), NOT_SAID)
def test_not_said(text, gold):
    assert not math_equal(extract_answer(text), gold)
