# ruff: noqa: E501
"""Answers by kind: each writing equals the plain one, and its neighbours differ."""

import pytest

from benchmarks.grading_pairs import DIFFERENT, EQUAL
from emlit.tasks import extract_answer, math_equal

# As word problems and reasoning models write them.
ALIKE = [
    # Oxford commas
    ("1, 2, and 3", "1, 2, 3"), ("1, 2, or 3", "1,2,3"), ("x=2, y=3, and z=4", "x=2,y=3,z=4"), ("red, green, and blue", "red, green and blue"),
    ("red, green, and blue", "red, green, blue"), (r"\text{Alice, Bob, and Carol}", r"\text{Alice, Bob, Carol}"), ("$1$, $2$, and $3$", "1,2,3"),
    (r"1, 2,\text{ and }3", "1,2,3"), (r"-1, 0, and $\sqrt{2}$", r"-1,0,\sqrt{2}"), ("1,2,and 3", "1,2,3"),
    ("(1,2), (3,4), and (5,6)", "(1,2),(3,4),(5,6)"), (r"\{1, 2, and 3\}", r"\{1,2,3\}"),
    # decimal commas with zeros
    ("18,00 €", "18"), ("€18,00", "18"), ("18,00 EUR", "18"), ("2,00 €", "2"), ("20,00 €", "20"), ("100,00 €", "100"), ("1.000,00 €", "1000"),
    ("1 000,00", "1000"), ("3,00 kg", "3"), ("7,0 %", "7"), ("1.234,50 €", "1234.5"), ("18,00 €", "18.00"), ("€ 18,00", "18"),
    ('18,00\\text{ €}', "18"), ("1.000,00", "1000"),
    # unit words
    ("18 men", "18"), (r"\text{18 men}", "18"), ("18 red marbles", "18"), (r"\text{18 red marbles}", "18"), ("18 big dogs", "18"),
    ("18 T-shirts", "18"), ("18 oz", "18"), ("18 in", "18"), ("18 mL", "18"), ("18 gal", "18"), ("18 yd", "18"), ("18 mi", "18"), ("18 kWh", "18"),
    ("18 yrs", "18"), (r"\text{18 L}", "18"), ("18 (total)", "18"), ("a total of 18", "18"), ("$18 in total", "18"), ("$18/hr", "18"),
    ("18 pages/day", "18"), ("18 kg", "18"), ("18 in.", "18"), ("18 lbs", "18"), ("18 cups", "18"), ("18 old cars", "18"), (r"18 \text{ men}", "18"),
    ("18 km/hr", "18"), ("A total of 18", "18"), ("18 in total", "18"), ("18 boxes total", "18"), ("1 pie", "1"), ("$2.50/pound", "2.5"),
    ("60 mi/h", "60"), ("18 out of 20", "18/20"), (r"18\text{ out of }20", "18/20"), ("1,800 men", "1800"),
    # one unit in two spellings
    ("18 inches", "18 in"), ("18 square meters", "18 m^2"), ("18 ml", "18 milliliters"), ("18 L", "18 liters"), ("18 mi/h", "18 mph"),
    ("18 degrees Celsius", "18°C"), ("3 hr 30 min", "3 hours 30 minutes"), ("18 mL", "18 ml"), ("18 yrs", "18 years"), ("18 sq ft", "18 ft^2"),
    # calculations with units and per cents
    (r"\frac{60 \text{ miles}}{6 \text{ hours}} = 10 \text{ miles per hour}", "10"), (r"12 \text{ eggs} - 3 \text{ eggs} = 9 \text{ eggs}", "9"),
    (r"5 \text{ dollars} \times 3 = 15 \text{ dollars}", "15"), (r"60\text{ minutes}/2 = 30\text{ minutes}", "30"), (r"25\% \times 80 = 20", "20"),
    (r"7 \text{ days} \times 2 \text{ hours/day} = 14 \text{ hours}", "14"), (r"\frac{12}{20} \times 100 = 60\%", "60"), ("25% of 80 = 20", "20"),
    (r"\frac{12}{20} \times 100\% = 60\%", r"60\%"), (r"100 - 40 = 60\%", "60"), (r"80 \times (1 + 25\%) = 100", "100"),
    # letters of options
    (r"\text{Option C}", "C"), ("Option (C)", "C"), ("Option B", "(B)"), (r"\text{Choice C: 18}", "C"), (r"\text{Choice C: 18}", "18"),
    (r"\text{Option C}", r"\text{C}"), ("choice (D)", "D"), ("Answer C", "C"),
    # numbers in words
    ("one half", "1/2"), ("half", r"\frac{1}{2}"), ("two thirds", "2/3"), ("two-thirds", "2/3"), ("three-fourths", "3/4"), ("three quarters", "3/4"),
    ("a quarter", "1/4"), ("one third", "1/3"), ("two and a half", "2.5"), ("three apples", "3"), ("1½ cups", "1.5"),
    ("18 dollars and 50 cents", "18.50"), ("25 per cent", "25%"), (r"\text{one half}", "1/2"), ("five-eighths", "5/8"),
    ("three and a quarter", "3.25"), ("twenty-five dollars", "25"), ("a half", "0.5"), ("1 ½ cups", "1.5"), ("a third", "1/3"),
    # unions and positive reals
    (r"(-\infty,2) U (5,\infty)", r"(-\infty,2)\cup(5,\infty)"), (r"\mathbb{R}^+", r"(0,\infty)"),
    # rare commands and characters
    (r"\nicefrac{1}{2}", "1/2"), (r"\num{18}", "18"), ("‑18", "-18"), ("﹣18", "-18"),
    ('\u206018', "18"), ("08:05", "8:05"), ("AB^2 = 5", "5"), ("|z| = 5", "5"), (r"\sfrac{1}{2}", "1/2"),
    # solved and unsolved relations
    ("x>5", r"(5,\infty)"), ("-2<x<4", "(-2,4)"), ("x<5", "5>x"), ("x+y=1", "2x+2y=2"), ("y=2x+3", "2x-y+3=0"), ("x^2+y^2=4", "4=y^2+x^2"),
    ("xy=1", r"y=\frac{1}{x}"), ("x+y<1", "2x+2y<2"), ("x+y<1", "1>y+x"), ("y>2x+3", "2x-y+3<0"), ("2x>10", "4x>20"),
    (r"x \neq 2", r"(-\infty,2)\cup(2,\infty)"), ("(a+b)^2=a^2+2ab+b^2", "a^2+b^2+2ab=(a+b)^2"), (r"\sin 2x=2\sin x\cos x", r"2\sin x\cos x=\sin 2x"),
    ("x^2-2x+2=0", "2x^2-4x+4=0"), ("x^2-4=0", "x^2=4"), (r"\frac{dy}{dx}+y=0", r"\frac{dy}{dx}=-y"), ("x^2=4y", r"y=\frac{x^2}{4}"),
    (r"\sqrt{x}+\sqrt{y}=1", r"\sqrt{y}=1-\sqrt{x}"), (r"\int_0^1 f(x) dx", r"\int_0^1 f(x)dx"), (r"\sum_{k=1}^{n}k", r"\sum_{j=1}^{n}j"),
    (r"\frac{x^2}{4}+\frac{y^2}{9}=1", "9x^2+4y^2=36"),
    # values that are rounded
    (r"\sqrt2\approx1.414", r"\sqrt{2} \approx 1.414"), (r"x\approx5", r"x\approx 5.0"), (r"\sqrt2\approx1.414", r"\sqrt2"),
    (r"\frac{1}{3}\approx0.33", "1/3"), (r"x \approx 5", "5"), (r"2+\sqrt2 \approx 3.41", r"\sqrt2+2\approx 3.41"),
    # an option with its text
    ("(B) No", "B"), ("(A) Yes", "A"), ("B) No", "B"), ("B. No", "B"), ("B: No", "B"), ("B No", "B"), ("B, no", "B"), ("B (No)", "B"), ("C (40°)", "C"),
    ("D (6)", "D"), ("(C). 60°", "C"), ("(B), no", "B"), ("(C) Solution A", "C"), (r"\text{(C) 6.93}", "6.93"), (r"\text{(C) 6.93}", "C"),
    ("A (16.50)", "16.50"), ("A (16.50)", "A"), (r"(C) \sqrt{2}", "C"), ("(C) x+1", "C"), ("(C) -5", "C"), ("(C) 18", "(C)"), ("(B) No", r"\text{B}"),
    ("(B) No", "(B)"), ("**(B) No**", "B"), (r"\textbf{(B)} No", "B"), (r"\text{B. No}", "B"), (r"\text{(B) No}", "B"), ("(D) None of the above", "D"),
    ("D. None of the above", "D"), ("(B) No", "B."), ("(C) 18", "18"), ("(B) No", "No"), ("(B) No", "(B) no"), ("(A) A circle", "A"),
    ("(E) It depends", "E"), ("(D) 5 cm", "D"),
    # what is asked for, of several letters
    ("m+n=17", "17"), ("a+b+c=12", "12"), (r"P(X=2)=\frac34", "3/4"), (r"\frac{NO}{BO}=2", "2"), (r"\sin A=\frac12", "1/2"), ("|AB|=1", "1"),
    ("S_{MBCN}:S=7:32", "7:32"), ("E[X]=2", "2"), ("17=m+n", "17"), ("AB+CD=7", "7"), ("100a+10b+c=123", "123"), ("mn=6", "6"), ("a/b=2", "2"),
    (r"\frac{a}{b}=2", "2"), ("a^2+b^2=25", "25"), (r"\cos(A+B)=\frac12", "1/2"), (r"\sin\theta=\frac12", "1/2"),
    (r"\tan\angle ABC=2", "2"), (r"\|v\|=3", "3"), (r"|\vec{a}|=3", "3"), ("|a+b|=3", "3"), (r"P(A \cap B)=0.3", "0.3"), (r"P(X \geq 2)=0.5", "0.5"),
    (r"\mathbb{E}[X]=2", "2"), (r"\operatorname{Var}(X)=2", "2"), ("Var(X)=2", "2"), (r"\lim_{x \to 0} f(x)=3", "3"), (r"\int_0^1 2x dx=1", "1"),
    ("AB:BC=2:3", "2:3"), ("a:b:c=1:2:3", "1:2:3"), ("m+n=10+7=17", "17"), (r"P(A|B)=\frac{1}{3}", "1/3"), (r"\angle A+\angle B=90", "90"),
    ("x_1+x_2=5", "5"), ("a+b = 5", "5"),
    # domains, groups of names, feet and inches
    (r"k\pi+\frac{\pi}{4}\ (k \in \mathbb{Z})", r"k\pi+\frac{\pi}{4}"),
    (r"k\pi+\frac{\pi}{4}\ (k \in \mathbb{Z})", r"k\pi+\frac{\pi}{4}, k \in \mathbb{Z}"),
    (r"k\pi+\frac{\pi}{4} \quad k\in\mathbb{Z}", r"k\pi+\frac{\pi}{4}, k\in\mathbb{Z}"),
    (r"k\pi+\frac{\pi}{4}, \quad k\in\mathbb{Z}", r"k\pi+\frac{\pi}{4}"),
    (r"k\pi+\frac{\pi}{4} \text{ where } k \in \mathbb{Z}", r"k\pi+\frac{\pi}{4}"),
    (r"k\pi+\frac{\pi}{4} \text{ for any integer } k", r"k\pi+\frac{\pi}{4}"), (r"k\pi+\frac{\pi}{4}, k \in Z", r"k\pi+\frac{\pi}{4}"),
    (r"k\pi+\frac{\pi}{4}, k \in Z", r"k\pi+\frac{\pi}{4}, k \in \mathbb{Z}"),
    (r"k\pi+\frac{\pi}{4} \text{ for all integers } k", r"k\pi+\frac{\pi}{4}, k \in \mathbb{Z}"),
    (r"k\pi+\frac{\pi}{4} \text{ for } k \in \mathbb{Z}", r"k\pi+\frac{\pi}{4}, k \in \mathbb{Z}"),
    (r"k\pi+\frac{\pi}{4}, k \text{ is an integer}", r"k\pi+\frac{\pi}{4}"), (r"x = k\pi+\frac{\pi}{4} (k\in\mathbb{Z})", r"k\pi+\frac{\pi}{4}"),
    (r"k\pi, where k is an integer", r"k\pi"), (r"2k\pi (n \in \mathbb{Z})", r"2k\pi, n \in \mathbb{Z}"), (r"\text{C, F, H}.", r"\text{C, F, H}"),
    (r"\text{five}.", "5"), (r"2.314814814815 \times 10^{-3}", r"\frac{1}{432}"), ("2.314814814815e-3", r"\frac{1}{432}"),
    ("(11,7)or(7,11)", "(7,11),(11,7)"), ("(11,7)and(7,11)", "(7,11),(11,7)"), ("p=5,q=2;p=7,q=2", "(5,2),(7,2)"),
    (r"p=5,q=2 \text{ or } p=7,q=2", "(5,2),(7,2)"), ("q=2,p=5;p=7,q=2", "p=7,q=2;p=5,q=2"), ('5\'3"', "5 feet 3 inches"), ('5\'3"', "5 ft 3 in"),
    ("5′3″", "5 feet 3 inches"), ('5\' 3"', "5 feet and 3 inches"), (r"1.5 \times 10^{-3}", "0.0015"),
]  # fmt: skip
UNLIKE = [
    # prices beside each other are no product
    ("$4.00  $4.00", "16"), ("$4\n$4", "16"), (r"\$4.00 \$4.00", "16"),
    # calculations with two units
    (r"1\text{ h } 30\text{ min} = 130\text{ min}", "130"), (r"1\text{ h } 30\text{ min} = 130.0\text{ min}", r"1\text{ h } 30\text{ min}"),
    # calculations with units and per cents
    (r"\frac{60 \text{ miles}}{6 \text{ hours}} = 10 \text{ miles per hour}", "60"), (r"12 \text{ eggs} - 3 \text{ eggs} = 8 \text{ eggs}", "8"),
    (r"25\% \times 80 = 2000", "2000"), (r"7 \text{ days} \times 2 \text{ hours/day} = 14 \text{ hours}", "7"), (r"100 - 40 = 50\%", "50"),
    # Oxford commas
    ("1, 2, and 3", "1, 2, 4"), ("1, 2, and 3", "1, 2"), ("red, green, and blue", "red, green"),
    (r"\text{Alice, Bob, and Carol}", r"\text{Alice, Bob}"), ("x=2, y=3, and z=4", "x=2,y=3,z=5"),
    # decimal commas with zeros
    ("18,00 €", "19"), ("18,00 €", "1800"), ("18,50 €", "18"), ("1.000,00 €", "1"), ("(1,00)", "1"), ("1,000", "1,0"), ("2,000", "2,0"),
    ("3,00 kg", "3 m"), ("1,0", "1"), ("1,2", "12"), ("100,200", "100"), ("3,00 kg", "300"),
    # unit words
    ("18 men", "19"), ("18 m", "18"), ("18 pages/day", "19"), ("18 out of 20", "18"), ("18 out of 20", "20"), ("18 xy", "18"), ("18 ab", "18"),
    ("18 sin", "18"), ("18 in", "19"), ("18 mi", "81"), ("a total of 19", "18"), ("18 cos x", "18"), ("18 oz", "18 gal"), ("18 yd", "18 mi"),
    ("18 minus", "18"), ("18 and more", "18"), ("18 mod 7", "18"), ("18 over", "18"), ("18 or more", "18"), ("18 red or 19 blue", "18"),
    ("2 less than 18", "18"), ("18 times 2", "18"), ("18 men", "18 women"), ("18 to 20", "18"), ("18 plus a", "18"), ("18 abc", "18"),
    ("18 per cent", "0.19"), ("18 log", "18"), ("18 pi", "18"), ("18 and a half", "18"), ("18 more", "19"),
    # one unit in two spellings
    ("18 inches", "18 ft"), ("18 square meters", "18 m^3"), ("18 ml", "18 L"), ("18 mi/h", "18 km/h"), ("3 hr 30 min", "3 hours 20 minutes"),
    ("18 degrees Celsius", "18°F"), ("18 square meters", "18 m"),
    # letters of options
    ("Option C", "D"), (r"\text{Option C}", "B"), (r"\text{Choice C: 18}", "19"), (r"\text{Choice C: 18}", "D"), ("Option C", "18"),
    # numbers in words
    ("one half", "2"), ("half", "2"), ("two thirds", "3/2"), ("two and a half", "2"), ("three apples", "4"), ("half", "1"),
    ("18 dollars and 50 cents", "18.05"), ("18 dollars and 50 cents", "18"), ("25 per cent", "24%"), ("two thirds", "2"), ("third", "3"),
    ("seconds", "2"), ("three and a half", "3"), ("two apples and three pears", "2"), ("one of them", "1"), ("one hundredth", "100"),
    ("two more than three", "2"), ("18 dollars and 5 cents", "18.5"), ("one more than x", "1"), ("three halves more", "3"),
    # unions and positive reals
    ("x>2 and x<5", "2<x<6"), ("x>2 and x<5", "(2,6)"), ("x>2 or x<5", "(2,5)"), ("x>2, y<5", "(2,5)"), (r"\mathbb{R}^+", r"(-\infty,\infty)"),
    ("x<2 or x>5", "(2,5)"), ("x<2 and x>5", "(2,5)"),
    # what only looks like 18
    (r"18\text{ and a half}", "18"), (r"\text{Wrong: }18", "18"), ("not: 18", "18"), (r"18\text{ (no, 19)}", "18"), ("18 (not)", "18"),
    ("square root: 18", "18"), ("18th root", "18"), ("18 mod 7", "18"), (r"1\text{8}", "1"), ("1,000", "1,0"), ("2,000", "2,0"),
    ("18 and a half", "18"), ("Incorrect: 18", "18"), (r"\text{Not }18", "18"), (r"18\text{ and a third}", "18"), ("cube root: 18", "18"),
    ("Square of: 18", "18"), (r"18\text{th root}", "18"), ("18 (wrong)", "18"), ("18 (incorrect)", "18"), (r"18 \text{ mod } 7", "18"),
    (r"2\text{5}", "2"), ("18 (no)", "18"), ("18 modulo 7", "18"), ("3,000,000", "3,0"),
    # rare commands and characters
    (r"\nicefrac{1}{2}", "2"), ("‑18", "18"), ("08:05", "8:15"), ("AB^2 = 5", "6"), ("|z| = 5", "6"), ("x+1 = 5", "4"),
    ("2x = 5", "5"), ("x^2 = 5", "5"), ("-x = 5", "5"), ("3+3 = 5", "5"), ("2+2 = 5", "5"),
    # the question again, identities, equations without a solution
    ("x^2-4<0", "(-2,2)"), ("-2<x<4", "|x-1|<3"), ("3x-7<2x+5", r"(-\infty,12)"), (r"\frac{x-1}{x+2}<0", "(-2,1)"), ("2^x>8", "x>3"), ("2x>10", "x>5"),
    ("x^2>4", r"(-\infty,-2)\cup(2,\infty)"), ("x+3<5", "x<2"), ("-3<x-1<3", "-2<x<4"), ("3x-7=2x+5", "x=12"), ("2x=4", "x=2"), ("2x=4", "4"),
    (r"x^2 \neq 4", r"x \neq 2"), (r"\int_0^1 2x dx", "1"), (r"\sum_{k=1}^{10}k", "55"), (r"\frac{d}{dx}x^2", "2x"),
    (r"\lim_{x\to 0}\frac{\sin x}{x}", "1"), (r"\prod_{k=1}^{5}k", "120"), (r"\int 2x dx", "x^2"), (r"\sin 2x=2\sin x\cos x", r"\cos^2 x+\sin^2 x=1"),
    ("(a+b)^2=a^2+2ab+b^2", "2(a+b)=2a+2b"), ("x^2-1=(x-1)(x+1)", "x^3-1=(x-1)(x^2+x+1)"), ("x^2-2x+2=0", "x^2+1=0"), ("x^4+1=0", "x^2+1=0"),
    (r"\cos x=2", r"\sin x=3"), ("x^2+y^2=-1", "x^2+y^2=-2"), ("x^2+y^2+1=0", "x^2+2y^2+1=0"), ("e^x=-1", "e^x=-2"), ("|x|=-1", "|x|=-2"),
    (r"\sqrt{x}=-1", r"\sqrt{x}=-2"), ("x+y<1", "x+y>1"), ("x+y<1", r"x+y \leq 1"), ("x+y<1", "-x-y<-1"), ("x+y=1", "x-y=1"), ("x^2-4x+4=0", "x-2=0"),
    ("(a-b)^2=a^2-2ab+b^2", "(a+b)^2=a^2+2ab+b^2"), (r"\sin(x+y)=\sin x\cos y+\cos x\sin y", r"\sin(x-y)=\sin x\cos y-\cos x\sin y"),
    (r"\{x : x^2<4\}", "(-2,2)"),
    # what follows a sign of approximation
    (r"\cos(207^\circ)\approx-0.891", r"\cos(207^\circ)\approx 5"), (r"\sqrt2\approx1.414", r"\sqrt2\approx7"), (r"5\approx2", r"5\approx3"),
    ("5 ≈ 2", "5 ≈ 3"), (r"\sqrt2\approx7", r"\sqrt2"), (r"\sqrt2\approx1.414", r"\sqrt3\approx1.414"), (r"5\simeq2", r"5\simeq3"),
    (r"5\sim2", r"5\sim3"), (r"5\equiv2", r"5\equiv3"), (r"5\propto2", r"5\propto3"), (r"\cos(207^\circ)=-0.891", r"\cos(207^\circ)\approx 5"),
    (r"x<\sqrt2\approx1.41", r"x<\sqrt2\approx7"), (r"(\sqrt2\approx1.4,5)", r"(\sqrt2\approx7,5)"), (r"x^2\approx2", r"x^2\approx3"),
    (r"\pi\approx3.14\approx3", r"\pi\approx3.14\approx4"),
    # another option, and what is no option
    ("(A) or (B)", "A"), ("A or B", "A"), ("(A) and (B)", "A"), ("A and B", "B"), ("A, B", "A"), ("A (B)", "A"), ("A (B)", "B"), ("(A) B", "A"),
    ("(C) not D", "C"), ("(C) or maybe D", "D"), ("(C) Solution A", "A"), ("(B) No", "A"), ("(B) No", "C"), ("(B) No", "Yes"), ("(C) + 1", "C"),
    ("(C) = 5", "C"), ("C = 5", "C"), ("A x", "A"), ("A B", "A"), ("A + B", "A"), ("A (x+1)", "A"), ("A (1+r)", "A"), ("A(6)", "A"), ("A/B", "A"),
    ("A is wrong", "A"), ("(A) is wrong", "A"), ("A. B", "A"), ("A: B", "A"), ("(A), (B)", "A"), ("(A) (B)", "A"), ("(A). (B)", "B"), ("C - 5", "C"),
    ("(C) - 5", "C"), ("(C) 18", "(D) 18"), ("(C) 18", "(C) 19"), ("D (6)", "7"), ("D (6)", "C"), ("C 40", "D"), ("(B) No, A", "B"),
    ("(B) A and C", "B"), ("(B) A or C", "A"), ("not B", "B"), (r"\text{(B) or (C)}", "B"), ("(A) vs (B)", "A"), (r"A \cos x", "A"), ("(A) / 2", "A"),
    ("A^2", "A"), ("(A)^2", "A"), ("B (or C)", "B"),
    # what is asked for, of several letters
    ("2x=4", "4"), ("2x+3y=6", "6"), ("x+y=5", "5"), ("y-2x=1", "1"), ("x+y+z=3", "3"), ("x:y=2:3", "2:3"),
    ("x+1=4", "4"), ("x^2=5", "5"), ("-x=5", "5"), ("3+3=5", "5"), ("x^2+y^2=1", "1"), (r"\sin x=\frac12", "1/2"), ("|x|=3", "3"),
    ("|x-1|=3", "3"), (r"\sqrt{x}=3", "3"), ("x(x+1)=6", "6"), ("2(x+1)=6", "6"), (r"\log_2 x=3", "3"), ("e^x=5", "5"), (r"\frac{x}{2}=5", "5"),
    (r"\frac{1}{x}=5", "5"), ("x/2=5", "5"), ("2x+3=7", "7"), ("m+n=17", "18"), ("m+n=17", "7"), ("a+b+c=12", "1"), (r"P(X=2)=\frac34", "2"),
    (r"P(X=2)=\frac34", "1/4"), ("|AB|=1", "2"), ("E[X]=2", "3"), ("S_{MBCN}:S=7:32", "7"), ("S_{MBCN}:S=7:32", "32"), ("m+n=17", "m+n=18"),
    ("m+n=17", "p+q=17"), ("x+y+1=5", "5"), (r"\sin 2x=0", "0"), ("2x=4", "2"), (r"\pi r=5", "5"), (r"x \cdot x=4", "4"), ("x+x=4", "4"),
    ("3x+2x=10", "10"), ("x+i=5", "5"), (r"2\sin x=1", "1"), ("n!=6", "6"), ("p(p+1)=6", "6"), (r"\binom{n}{2}=6", "6"), ("x^x=4", "4"),
    ("(x-1)(x+1)=8", "8"), ("x(3+y)=6", "8"),
    # domains, groups of names, feet and inches
    (r"k\pi+\frac{\pi}{4}\ (k \in \mathbb{Z})", r"k\pi+\frac{\pi}{3}"),
    (r"k\pi+\frac{\pi}{4}, k \in \mathbb{N}", r"k\pi+\frac{\pi}{4}, k \in \mathbb{Z}"),
    (r"k\pi+\frac{\pi}{4}\ (k \in \mathbb{Z})", r"2k\pi+\frac{\pi}{4}"), (r"k\pi \text{ for any integer } k", r"\pi"), (r"k\pi, k\in Z", "k"),
    (r"5, k \in \mathbb{Z}", "6"), (r"\frac{\pi}{4}\ (k \in \mathbb{Z})", "k"), (r"\text{C, F, H}.", r"\text{C, F}"), (r"\text{five}.", "6"),
    (r"2.314814814815 \times 10^{-3}", r"\frac{1}{431}"), (r"2.31 \times 10^{-3}", r"\frac{1}{432}"),
    (r"2.314814814815 \times 10^{-2}", r"\frac{1}{432}"), (r"6.02 \times 10^{23}", r"6.03 \times 10^{23}"), (r"3.0 \times 10^{8}", "299792458"),
    ("(11,7)or(7,11)", "(11,7)"), ("(11,7)or(7,11)", "(11,7),(7,12)"), ("p=5,q=2;p=7,q=2", "(5,2),(2,7)"), ("p=5,q=2;p=7,q=2", "(5,7),(2,2)"),
    ("p=5,q=2;p=7,q=2", "p=5,q=2"), ("p=5,q=2;p=7,q=2", "a=5,b=2;a=7,b=2"), ("p=5,q=2;p=7,q=3", "p=5,q=3;p=7,q=2"), ('5\'3"', "5 feet 4 inches"),
    ('5\'3"', "53"), ('5\'3"', "5"), ('5\'3"', "3"), (r"3 \times 10^{8} = 2.9 \times 10^8", r"2.9 \times 10^8"),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "gold"), [*EQUAL, *ALIKE])
def test_equal(answer, gold):
    assert math_equal(answer, gold)
    assert math_equal(gold, answer)
    assert math_equal(answer, answer)


@pytest.mark.parametrize(("answer", "gold"), [*DIFFERENT, *UNLIKE])
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
