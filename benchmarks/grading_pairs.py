# ruff: noqa: E501
"""Pairs of answers by kind, each with neighbours that differ in value: (equal, different)."""

M = r"\begin{pmatrix}1&2\\3&4\end{pmatrix}"
ARRAY = r"\begin{array}{cc}1&2\\3&4\end{array}"

KINDS: dict[str, tuple[list[tuple[str, str]], list[tuple[str, str]]]] = {
    "wrappers": (
        [
            (text, "18")
            for text in (
                r"\color{blue}{18}", r"{\color{red} 18}", r"\textcolor{red}{18}", r"\textcolor[HTML]{FF0000}{18}",
                r"\colorbox{yellow}{18}", r"\colorbox{yellow}{$18$}", r"\fcolorbox{red}{white}{18}", r"\underline{18}",
                r"\underline{\underline{18}}", r"\underbrace{18}_{\text{total}}", r"\large 18", r"{\Large 18}", r"\Huge{18}",
                r"\bf 18", r"{\bf 18}", r"\textbf{18}", r"\mathbf{18}", r"\boldsymbol{18}", r"\bm{18}", r"\textit{18}",
                r"\emph{18}", r"\mathit{18}", r"\mathsf{18}", r"\texttt{18}", r"\mathrm{18}", r"{\rm 18}", r"\rm{18}",
                r"\displaystyle 18", r"{\displaystyle{18}}", r"\boxed{18}", r"\boxed{\boxed{18}}", r"\fbox{18}",
                r"\framebox{18}", r"\fbox{$18$}", r"\cancel{18}", r"\phantom{0}18", r"\hphantom{-}18", r"18 \tag{1}",
                r"18\tag*{(a)}", r"18\label{eq}", r"\ensuremath{18}", r"\left(18\right)", r"\left.18\right.", r"\bigl(18\bigr)",
                r"\,18\,", r"\quad 18 \quad", r"\; 18", r"\ 18", r"18~", r"\hspace{1cm}18", r"{18}", r"{{18}}", r"\text{18}",
                r"\mbox{18}", r"\(18\)", r"\[18\]", "$$18$$", r"\( \boxed{18} \)", "**18**", "*18*", "__18__", "`18`", '"18"',
                "“18”", "<b>18</b>", "<strong>18</strong>", "✅ 18", "18 ✅", "**$18$**", "$**18**$", "18.", "18,", "= 18",
                r"\approx 18", r"\therefore 18", r"\begin{align*} 9 \cdot 2 &= 18 \end{align*}", "\n18\n", r"\textbf{(18) }",
                r"\begin{equation} x = 18 \end{equation}", r"\begin{aligned} a &= 9+9 \\ &= 18 \end{aligned}",
            )
        ]
        + [
            (r"\frac{\color{red}{1}}{2}", "0.5"), (r"\color{blue}{\frac{1}{2}}", "0.5"), (r"x^{\mathbf{12}}", "x^{12}"),
            (r"\frac\mathbf{1}{2}", "0.5"), (r"\mathbf{\frac{1}{2}}", "0.5"), (r"\color{blue}{x}+1", "x+1"),
            (r"\frac{\cancel{2}\cdot 3}{\cancel{2}\cdot 5}", "0.6"), (r"\textcolor{red}{-2}, \textcolor{blue}{3}", "-2, 3"),
            (r"\begin{aligned} x&=1 \\ y&=2 \end{aligned}", "x=1, y=2"), (r"\mathbf{v}+\mathbf{w}", "v+w"),
        ],
        [
            (r"\color{blue}{18}", "19"), (r"\underline{18}", "1"), (r"\textcolor{18}{19}", "18"), (r"\color{18}{19}", "18"),
            (r"\phantom{1}8", "18"), (r"1\hphantom{8}", "18"), (r"18\tag{2}", "182"), (r"18\tag{2}", "2"), (r"\large 18", "81"),
            (r"\underbrace{18}_{19}", "19"), ("**18**", "1"), (r"x^{\mathbf{12}}", "x^1 2"), (r"\fcolorbox{1}{2}{3}", "2"),
            (r"\begin{aligned} x&=1 \\ y&=2 \end{aligned}", "x=1, y=3"), (r"\hspace{1cm}18", "1 cm"), (r"\left(18\right)", "-18"),
        ],
    ),
    "labels": (
        [
            (text, "18")
            for text in (
                r"\text{Profit: } 18", r"\text{Profit} = 18", r"\text{Profit}: 18", "Profit: 18", "Total profit: $18",
                r"\text{Total cost} = \$18", "Answer: 18", r"\text{Answer: } 18", r"\text{ANSWER: } \$18",
                r"\text{The answer is } 18", "The answer is 18", r"\text{Final answer: }18", "Area = 18", r"\text{Total is } 18", "利润：18",
            )
        ],
        [
            (r"\text{Profit: } 18", "19"), ("Profit: 18", "Cost: 18"), (r"\text{Profit: } 18", r"\text{Cost: } 18"),
            ("AB:CD", "CD"), ("3:2", "2"), ("ratio: 3:2", "2"), ("AB:3", "3"), ("The answer is 18", "19"), ("Answer: 18", "8"),
        ],
    ),
    "money": (
        [
            ("€18", "18"), ("18 US dollars", "18"), ("18 US dollars", r"\$18"), ("$18 per day", "18"), ("$18/hour", "18"), ("$18/hour", "$18 per hour"), (r"\$18/\text{hour}", "18"), ("18 bucks", "18"), ("NT$18", "18"), ("18€", "18"), ("18 €", "18"), (r"€\,18", "18"), ("€ 18.50", "18.5"), ("-€5", "-5"), ("€-5", "-5"),
            ("£18", "18"), (r"\pounds 18", "18"), (r"\pounds18", "18"), (r"\text{£}18", "18"), ("¥18", "18"), ("₹18", "18"),
            ("₩18", "18"), ("₽18", "18"), ("18₽", "18"), ("৳18", "18"), ("18 kr", "18"), ("18 zł", "18"), ("₿18", "18"), ("₫18", "18"), ("฿18", "18"), ("₦18", "18"), ("₪18", "18"),
            ("USD 18", "18"), ("18 USD", "18"), ("EUR 18", "18"), ("18 EUR", "18"), (r"\text{USD }18", "18"), ("GBP 18", "18"),
            (r"18\text{ EUR}", "18"), ("US$18", "18"), (r"US\$18", "18"), ("Rs. 18", "18"), ("Rs 18", "18"), ("CHF 18", "18"),
            ("R$ 18", "18"), ("HK$18", "18"), ("18元", "18"), ("18 元", "18"), (r"18\text{元}", "18"), ("18円", "18"), ("18원", "18"),
            ("$18", "18"), (r"\$18", "18"), (r"$\$18$", "18"), ("18$", "18"), (r"18\$", "18"), (r"\$ 18", "18"), (r"-\$18", "-18"),
            (r"\$18.00", "18"), (r"\$18", "18 dollars"), ("18 USD", r"\$18"), ("€18", "18 euros"), ("£18", "18 pounds"),
            ("¥18", "18元"), ("¥18", "18 yen"), (r"\$18\text{ million}", "18000000"), ("$1,200", "1200"), (r"\$1{,}200.50", "1200.5"),
            (r"\$9{,}500", "9500"), ("50 cents", "50¢"), (r"\$5, \$10", "5, 10"), ("€1,000", "1000"), (r"\$18 \text{ per day}", "18"),
            (r"9 \times \$2 = \$18", "18"), ("9 * $2 = $18", "18"), ("€18", "EUR 18"), ("₩1,000", "1000원"),
        ],
        [
            ("€18", "19"), ("18 €", "18 $"), ("$18/hour", "$18/day"), ("$18", "$18 million"), ("€18", "£18"), ("€18", r"\$18"), ("$18", "€18"), ("USD 18", "EUR 18"), ("18 USD", "18 EUR"), ("¥18", "€18"),
            ("18元", "18円"), ("18 dollars", "18 cents"), (r"\$18", "18 cents"), ("£18", "18 euros"), ("$1,200", "1.2"), ("-€5", "5"),
            (r"\$5, \$10", "5, 11"), (r"9 \times \$2 = \$18", "2"), ("9 * $2 = $18", "9"), ("18 dollars", r"18\%"), ("€1,000", "1"),
            ("18元", "18 cm"), ("USD 18", "18 kg"),
        ],
    ),
    "units": (
        [
            (r"18\;{\rm cm}", "18"), ("$5$ cm", "5 cm"), ("**5** cm", "5 cm"), ("<b>5</b> cm", "5 cm"), ("`5` cm", "5"), (r"18 \,{\rm cm}^2", "18 cm^2"), (r"18 {\rm cm}", "18 cm"), (r"18\,\mathrm{cm}", "18"), (r"18~\text{cm}", "18"), (r"18 \rm cm", "18"),
            ("18厘米", "18"), ("18米", "18"), ("18个", "18"), ("18 个", "18"), ("18人", "18"), ("18名学生", "18"), ("18度", "18"),
            ("18개", "18"), ("18個", "18"), ("18 рублей", "18"), ("18 яблок", "18"), ("18 Äpfel", "18"), (r"18\text{公斤}", "18"),
            ("1,000 cm", "1000"), ("1,000 cm", "1000 cm"), ("1,234 apples", "1234"), (r"\frac{1}{2}\text{ hour}", "0.5"),
            ("18 eggs per day", "18"), (r"18\text{ eggs}", "18 eggs"), ("18 square feet", r"18\text{ ft}^2"), ("18 km/h", r"18\text{ km/h}"),
            (r"{18}\text{cm}", "18"), (r"\mathbf{18}\text{ cm}", "18 cm"), (r"{\rm 18\ cm}", "18"), (r"18 {\text{cm}}", "18"), ("5 m²", r"5\text{ m}^2"), ("25℃", "25"), ("18 cm³", "18 cm^3"),
            (r"18 \textbf{meters}", "18"), (r"125\textnormal{ miles}", "125 miles"), (r"15\mbox{ cm}^2", "15"), ("30 mins", "30 minutes"),
            (r"28\%", "28 percent"), (r"28\%", "28 pct"), ("28 %", "28%"), (r"28\text{ percent}", "0.28"), (r"28 \text{ percentage}", r"28\%"),
        ],
        [
            (r"18\;{\rm cm}", "18 m"), ("$5$ cm", "5 m"), ("**5** cm", "5 m"), ("<b>5</b> cm", "5 m"), (r"18 {\rm cm}^{2}", "18 cm^3"), (r"18\;{\rm cm}", "19"), ("18厘米", "18米"), ("18厘米", "19"), ("18个", "18人"), ("18 km/h", "18 km"),
            ("5 m²", "5 m"), ("5 m²", "5 m^3"), ("1,000 cm", "1 cm"), ("1,000 cm", "1000 m"), ("18 eggs", "18 hens"), ("18 cm", r"18\%"),
            ("5 g", "5 kg"), ("5 hours", "5 minutes"), (r"90^\circ", r"90\%"), ("5 mg", r"5\,\mathrm{Mg}"), ("18 squared", "18"), (r"18\text{ not}", "18"),
            (r"5\text{ squared}", "5"), ("5 cubed", "5"), ("5 factorial", "5"), ("3 halves", "3"), ("5 more than 3", "5"), ("3 thirds", "3"),
            ("5 plus three", "5"), ("5 minus two", "5"), ("10 over three", "10"), ("5 tenths", "5"), ("5 km", "5 miles"), ("100 lb", "100 kg"),
        ],
    ),
    "numbers": (
        [
            ("18 million", "18000000"), ("1.5 million", "1500000"), (r"18\text{ million}", "18,000,000"), ("3 billion", "3e9"),
            ("two", "two"), ("5 thousand", "5000"), ("3万", "30000"), ("1.2亿", "120000000"), ("5 hundred", "500"), ("3万元", "30000"),
            ("1,00,000", "100000"), ("12,34,567", "1234567"), ("1'234'567", "1234567"), ("1.234.567", "1234567"), ("1 234 567", "1234567"),
            (r"1\ 234\ 567", "1234567"), (r"1\;234", "1234"), ("１８", "18"), ("½", "0.5"), ("2½", "2.5"), ("¾", "3/4"),
            ("10⁵", "100000"), ("10⁻²", "0.01"), ("x²", "x^2"), ("√2", r"\sqrt{2}"), ("√18", r"3\sqrt{2}"), ("2√3", r"\sqrt{12}"),
            ("1.2 x 10^5", "120000"), ("1.2×10⁵", "120000"), ("1.2*10**5", "120000"), (r"1.2\cdot10^{5}", "1.2e5"), ("5 × 10^3", "5000"),
            ("016", "16"), ("004", "4"), ("-0", "0"), ("+5", "5"), ("−5", "-5"), (r"-\dfrac{3}{4}", "-0.75"), (r"\tfrac{-3}{4}", "-3/4"),
            ("7/2", r"3\tfrac12"), (r"3 \frac{1}{2}", "3.5"), ("3 1/2", "7/2"), ("0.50", "1/2"), (".75", r"\frac34"), ("1e3", "1000"),
            (r"\frac{1{,}000}{3}", r"\frac{1000}{3}"), ("1/2 + 1/4", "3/4"), ("2^{10}", "1024"), (r"\sqrt{16}", "4"), (r"8 \div 2", "4"),
            (r"\pi \div 8 + 1 \div 2", r"0.5 + \frac{\pi}{8}"), (r"\frac{0.5a}{b}/0.5", r"2\frac{a}{2b}"), ("0.333333333", "1/3"),
            ("x/2", r"\frac{x}{2}"), ("2*pi*r", r"2\pi r"), ("sqrt(x)", r"\sqrt{x}"), ("n*(n+1)/2", r"\frac{n(n+1)}{2}"),
            (r"\sqrt{1/n}", r"\frac{1}{\sqrt{n}}"), (r"\cfrac{1}{3}", "1/3"), ("12:00", "12:00"), (r"1 - \frac{1}{\mathrm{e}}", "1-1/e"),
        ],
        [
            ("18 million", "18"), ("18 million", "18 billion"), ("3万", "3"), ("1.2亿", "1.2"), ("5 thousand", "5"), ("1,00,000", "10000"),
            ("2½", "21/2"), ("½", "2"), ("10⁵", "105"), ("10⁻²", "100"), ("x²", "x2"), ("√2", "2"), ("√18", r"\sqrt{1}8"), ("1.2 x 10^5", "12"),
            ("1.234", "1234"), ("1.5", "15"), ("1,5", "15"), ("016", "160"), ("-5", "5"), ("1/2", "2/1"), ("3 1/2", "31/2"), ("7/2", "7"),
            ("1e3", "1e4"), (r"\frac{1}{2004!}", r"\frac{1}{2006!}"), (r"\frac{1}{2^{99}}", r"\frac{1}{2^{98}}"), ("12:00", "1:00"),
            ("711", "11"), ("149", "49"), ("4", r"4\sqrt(2)"), ("4", r"4\sqrt{2}"), (r"\pm 2021", "2021"), ("0.5", "5"), ("10.0", "100"),
            (r"1 - \frac{1}{\mathrm{e}}", r"1 + \frac{1}{\mathrm{e}}"), ("100,000", "100"), ("1.234.567", "1.234"), ("1'234", "1"),
            (r"\frac{2^{2005}+1}{3 \cdot 2^{2006}}", r"\frac{1}{3 \cdot 2^{2006}}"), (r"x/3", r"\frac{x}{2}"), ("99999999999", "100000000000"),
            ("5721.34", "5721.24"), ("1:2:3:\\ldots", "1:4:9:\\ldots"), (r"1, 2, \ldots, n", r"1, 3, 5, \ldots, 2n-1"),
        ],
    ),
    "sets and intervals": (
        [
            (r"\mathbb{R}", r"(-\infty,\infty)"), (r"\mathbb{R}", r"(-\infty,+\infty)"), ("ℝ", "(-∞, ∞)"),
            (r"x \in \mathbb{R}", r"(-\infty,\infty)"), (r"\text{all real numbers}", r"(-\infty,\infty)"), (r"\text{all reals}", r"\mathbb{R}"), (r"\R", r"\mathbb{R}"),
            ("all real numbers", r"\mathbb{R}"), (r"\left(-\infty,\infty\right)", r"\mathbb R"), (r"\Reals", r"\mathbb{R}"),
            ("]1,2[", "(1,2)"), (r"\mathopen]1,2\mathclose[", "(1,2)"), (r"\text{All real numbers}", r"\mathbb{R}"), (r"\langle 1,2 \rangle", "(1,2)"), ("[1,2[", "[1,2)"), ("]1,2]", "(1,2]"), (r"\left]1,2\right[", "(1,2)"), (r"]-\infty,1]", r"(-\infty,1]"),
            (r"]-\infty,1[\cup]2,\infty[", r"(-\infty,1)\cup(2,\infty)"), ("(1;2)", "(1,2)"), ("[1;2]", "[1,2]"), (r"\lbrack 1,2 \rbrack", "[1,2]"),
            (r"[0,\infty)", "[0,∞)"), (r"[0,\infty)", r"x \geq 0"), ("x ≥ 0", r"[0,\infty)"), (r"(2,3) \cup (0,1)", r"(0,1)\cup(2,3)"),
            (r"\{x \mid x > 3\}", r"(3,\infty)"), (r"\{x \in \mathbb{R} : x > 3\}", r"(3,\infty)"), (r"\{ x | x>3 \}", "x > 3"),
            (r"\mathbb{R} \setminus \{2\}", r"(-\infty,2)\cup(2,\infty)"), (r"x \neq 2", r"(-\infty,2)\cup(2,\infty)"),
            (r"\{1, 2\}", "{1, 2}"), ("{2,1}", r"\{1,2\}"), (r"\{1\} \cup \{2\}", r"\{2\}\cup\{1\}"), (r"\{\}", r"\emptyset"), (r"\phi", r"\phi"),
            ("(0, 1)", "(0,1)"), (r"\{-1\} \cup [0,7)", r"[0,7) \cup \{-1\}"), (r"m \geq \sqrt{2}", r"m \in [\sqrt{2}, +\infty)"),
            (r"(-\infty, -\frac 12) \cup (-\frac 12, \infty)", r"\left(-\infty,-\frac{1}{2}\right)\cup\left(-\frac{1}{2},\infty\right)"),
            (r"x \le 3", r"(-\infty,3]"), (r"x \ge 0", r"[0,\infty)"), (r"x \lt 3", r"(-\infty,3)"), (r"x \gt 3", r"(3,\infty)"), ("x <= 3", r"(-\infty,3]"),
            (r"x \ne 2", r"(-\infty,2)\cup(2,\infty)"), (r"x \geqslant 0", r"[0,\infty)"), (r"\lbrace 1,2 \rbrace", r"\{2,1\}"), ("x != 2", r"x \neq 2"),
            (r"\mathbb{Z}", r"\mathbb{Z}"), (r"[-1, -\tfrac12) \cup (0,1)", r"[-1,-\frac{1}{2})\cup(0,1)"), ("[8.124,12.852]", "[8.124, 12.852]"),
        ],
        [
            (r"\mathbb{R}", r"(-\infty,0)"), (r"\mathbb{R}", r"\mathbb{Z}"), (r"\mathbb{R}", r"\mathbb{R}^2"), (r"\mathbb{R}", r"[0,\infty)"),
            (r"\mathbb{R}", "R"), (r"\mathbb{N}", r"(-\infty,\infty)"), ("]1,2[", "[1,2]"), ("]1,2]", "[1,2]"), ("[1,2[", "[1,2]"), ("]1,2[", "(1,3)"),
            (r"]-\infty,1[\cup]2,\infty[", r"(-\infty,1]\cup(2,\infty)"), ("(1;2)", "(2;1)"), ("(1;2)", "(1;3)"), (r"\{x \mid x > 3\}", r"[3,\infty)"),
            (r"\{x \mid x > 3\}", "3"), (r"\mathbb{R} \setminus \{2\}", r"\mathbb{R}"), (r"\mathbb{R} \setminus \{2\}", r"(-\infty,3)\cup(3,\infty)"),
            (r"x \neq 2", r"(-\infty,2)"), (r"x \neq 2", "x = 2"), (r"\{1,2\}", "{1,3}"), (r"\{\}", "0"), (r"[0,\infty)", r"(0,\infty)"),
            ("(0, 1)", "(0, 1.5)"), ("[0,1)", "[0,9)"), ("x ≥ 0", "x > 0"), (r"\{1\} \cup \{2\}", r"\{1\}"), ("[8.124,12.852]", "[8.124,12.853]"),
            (r"n=2, 3, 4", "n=1, 2, 3"), ("D = (0, 1)", "D = (0, 1.5)"), (r"19, 46, \text{ and } 82", "21, 36, and 82"), ("1331 and 1728", "1728"),
        ],
    ),
    "matrices": (
        [
            (f"({M})".replace("pmatrix", "matrix"), M), (f"({M})", M), (rf"\left[{ARRAY}\right]", M), (rf"\left({ARRAY}\right)", M), (f"[{ARRAY}]", M),
            (ARRAY, M), (M.replace("pmatrix", "bmatrix"), M), (M.replace("pmatrix", "Bmatrix"), M), (M.replace("pmatrix", "smallmatrix"), M),
            (rf"\left[{ARRAY}\right]", M.replace("pmatrix", "bmatrix")), ("[[1,2],[3,4]]", M), ("[[1, 2], [3, 4]]", M), (f"A = {M}", M),
            (r"\begin{pmatrix}1&2\\3&4\\\end{pmatrix}", M), (r"\begin{pmatrix}1 & 2 \\[4pt] 3 & 4\end{pmatrix}", M), (rf"\boxed{{{M}}}", M),
            (r"\begin{pmatrix}\dfrac{1}{2}\\x+1\end{pmatrix}", r"\begin{bmatrix}0.5\\1+x\end{bmatrix}"), (rf"\mathbf{{{M}}}", M),
            (r"\begin{vmatrix}1&2\\3&4\end{vmatrix}", r"\left|\begin{array}{cc}1&2\\3&4\end{array}\right|"),
            (r"\begin{pmatrix}1\\2\end{pmatrix}", r"\left(\begin{array}{c}1\\2\end{array}\right)"), (rf"\left\{{{M}\right\}}", M),
        ],
        [
            (f"({M})", M.replace("4", "5")), (rf"\left[{ARRAY}\right]", M.replace("1", "0")), ("[[1,2],[3,5]]", M), ("[[1,3],[2,4]]", M),
            (M, r"\begin{vmatrix}1&2\\3&4\end{vmatrix}"), (M, r"\begin{pmatrix}1&3\\2&4\end{pmatrix}"), (M, f"-{M}"), (M, f"2{M}"), (M, "1"),
            (M, r"\begin{pmatrix}1&2&3&4\end{pmatrix}"), ("[[1,2],[3,4]]", "[1,2]"), (M, "(1,2,3,4)"), (f"({M})", f"({M})^2"), (M, f"{M}+1"),
        ],
    ),
    "several answers": (
        [
            ("$1$ and $2$", "1, 2"), ("1$ and $2", "2,1"), (r"x = 1 \text{ or } x = 2", "1, 2"), (r"$x=1$, $x=2$", r"\{1,2\}"), ("2 or -2", r"\pm 2"),
            (r"x=-2 \quad \text{or} \quad x=3", "-2, 3"), (r"\text{12 and 13}", r"12\text{ and }13"), ("1,000, 2,000", "1000, 2000"), ("5 and 5", "5, 5"),
            ("10, 20, 30", "30, 20, 10"), (r"a=1 \text{ or } a=-2", "-2, 1"), (r"\begin{cases} x=1 \\ y=2 \end{cases}", "x=1, y=2"),
            (r"(1,2) \text{ and } (3,4)", "(3,4),(1,2)"), ("x=1; y=2", "x=1, y=2"), (r"1\text{ or }2\text{ or }3", "3,2,1"),
        ],
        [
            ("$1$ and $2$", "1"), ("1 and 2", "1 and 3"), ("2 or -2", "2"), ("1,000, 2,000", "1, 2"), ("1,000, 2,000", "1000, 3000"), ("5 and 5", "5"),
            (r"a=1 \text{ or } a=-2", "1"), (r"\begin{cases} x=1 \\ y=2 \end{cases}", "x=2, y=1"), ("1, 2, 2", "1, 1, 2"), ("x=1; y=2", "x=1, y=3"),
            (r"(1,2) \text{ and } (3,4)", "(1,2)"), ("1 or 2", r"(1,2)\cup(2,1)"),
        ],
    ),
    "equations": (
        [
            ("x = 5", "5"), ("2+2=4", "4"), ("1/3 = 0.33", "0.33"), (r"\sin 30^\circ = 0.5", "0.5"), (r"90^\circ + 90^\circ = 180^\circ", "180"), (r"\varphi", r"\phi"), ("$x+1", "x+1"), ("5 = x", "5"), (r"x=\frac{1}{2}", "0.5"), ("f(2) = 7", "7"), (r"P(A) = \frac{1}{3}", "1/3"), (r"\text{Area} = 18", "18"),
            (r"x = 5+5+1 = 11", "11"), (r"S_{10} = 55", "55"), ("y=2x+1", "y = 1 + 2x"), ("2x+4y-3=0", r"y = -\frac12 x + \frac34"), ("x: y = 1: 2", "x:y=1:2"),
            (r"n \equiv 2 \pmod{5}", r"n\equiv 2 \pmod 5"), (r"\log_2 8 = 3", "3"), (r"\angle ABC = 90^\circ", "90"), (r"|x| = 3", "|x|=3"), (r"v_{\text{max}}", r"v_{max}"), (r"v_\max", r"v_{\max}"), (r"\operatorname{sin} x", r"\sin x"), (r"\operatorname{lcm}(2,3)", r"\operatorname{lcm}(2,3)"), (r"m_{\rm e}", r"m_e"), (r"2 \ast 3", "6"), (r"\dbinom{5}{2}", "10"), (r"\sqrt2", r"\sqrt{2}"),
        ],
        [
            ("x = 5", "6"), ("5 = 6", "6"), ("2+2=5", "5"), ("1/3 = 0.34", "0.34"), ("5 = 6", "5"), (r"9 \cdot \$2 = \$19", "19"), ("-x < 3", "x < -3"), ("x+y<1", "x+y>1"), ("2x < 6", r"x \leq 3"), ("x = 5", "y = 5"), ("x^2 = 4", "4"), ("3x-y+13=0", "3x+4y+14=0"), ("7 = 11a+c", "11a+c"), ("x = 5", r"x \neq 5"), ("a+b=7", "7"),
            (r"n \equiv 2 \pmod{5}", r"n \equiv 3 \pmod{5}"), (r"n \equiv 2 \pmod{5}", r"n \equiv 2 \pmod{7}"), ("x < 5", "x = 5"), ("x > 5", "5 > x"),
        ],
    ),
    "letters and words": (
        [
            ("(C)", "C"), ("(C) 18", "C"), (r"\textbf{(C)}\ 18", "18"), (r"\text{(C) }18", "(C)"), ("(B) 72", "(B) 72"), ("A. 18", "18"), ("A) 18", "A"), ("(a) 18", "18"), ("C.", "C"), (r"\text{(C)}", "(C)"), (r"\textbf{C}", "C"), ("**C**", "C"), (r"\text{c}", r"\text{C}"), ("C)", "(C)"), ("[C]", "C"),
            ("yes", "Yes"), (r"\text{yes}", "Yes"), ("YES", "yes"), ("odd", "Odd"), (r"\text{No solution}", "no solution"), ("abc", "bca"), ("RTV", "VRT"),
            (r"\text{Evelyn}", "Evelyn"), (r"\text{True}", "true"), ("是", "是"), (r"\text{even}", "even"), ("Monday.", "monday"), ("mgh", "ghm"),
        ],
        [
            ("R", "r"), ("(R)", "r"), (r"\text{R}", "r"), ("R.", "r"), (r"\mathrm{R}", "r"), ("ABC", "abc"), (r"\text{ABC}", "abc"), ("mgh", "Mgh"), ("RTV", "rtv"),
            ("mgh", "mgH"), ("xyz", "xyZ"), ("(C)", "D"), ("(C) 18", "D"), ("(C) 18", "19"), ("(A) (B) 1", "A"), ("(B) 72", "(C) 72"), ("C", "D."), ("yes", "no"), ("odd", "even"), ("是", "否"), ("Monday", "Tuesday"), ("PQRS", "pqrs"),
            (r"\text{PQ}", "pq"), ("A, B", "A"), ("A, B", "A, C"), ("m", "M"), (r"\text{M}", "m"), ("abcd", "ABCD"), ("Evelyn", "e"), ("2R", "2r"), (r"\pi R^2", r"\pi r^2"),
        ],
    ),
    "as public reports have them": (
        [
            (r"\frac13", r"0.\overline{3}"), (r"\frac12", r"\frac{1}{2}"), (r"\frac\pi2", r"\pi/2"), (r"\frac{\sqrt3}2", r"\sqrt3/2"),
            (r"\frac123", "1.5"), (r"{1 \over 2}", "0.5"), (r"{5 \choose 2}", "10"), (r"{n \choose k}+1", r"\binom{n}{k}+1"),
            ("12:00 PM", "12:00 pm"), (r"\text{2:30 p.m.}", "2:30 PM"), (r"\text{No}", "no"), ("No", "no"), ("six", "6"), (r"\text{three}", "3"),
            (r"f^{-1}(x) = \frac{x-1}{2}", r"\frac{x-1}{2}"), (r"5\text{ m/s}", r"5 \frac{\text{m}}{\text{s}}"), ("3.0 × 10⁸ m/s", "3e8"),
            (r"\mathbb{Z}", r"\mathbb Z"), ("ℤ", r"\mathbb{Z}"), (r"\operatorname{arcsin}(x)", r"\arcsin x"), (r"\tg x", r"\tan x"),
            (r"\operatorname{arctg} 1", r"\frac{\pi}{4}"), (r"\textdollar 5", "5"), (r"1,2,\ldots,n", r"1, 2, \dots, n"), ("Infinity", r"\infty"),
            (r"A=\{1,2\}", r"\{1,2\}"), ("S = {1, 2}", "{2, 1}"), ("(x,y)=(1,2)", "x=1, y=2"), ("(x,y)=(1,2)", "(1,2)"), ("$18k", "18000"),
            (r"\$18\text{M}", "18000000"), ("18 lakh", "1800000"), ("18th", "18"), ("5 ≠ x", "x =/= 5"), (r"y'=y", "y=y'"), ("P(1+r)^T", "(1+r)^T P"),
            ("B: 18", "B"), (r"\text{C: the sky}", "C"), (r"C. \text{the sky}", "C"), (r"\mathrm{(C)}\ 18", "C"), ("IV", "IV"),
            (r"\lfloor \frac{n+1}{2}\rfloor", r"\lceil n/2\rceil"), ("6:10", "3:5"),
        ],
        [
            (r"\frac123", r"\frac{1}{23}"), (r"\lfloor x\rfloor", "x"), (r"\lceil x\rceil", r"\lfloor x\rfloor"), (r"\lfloor x\rfloor + 1", r"\lceil x\rceil"),
            ("a'", "a"), (r"\alpha'", r"\alpha"), ("x''", "x'"), ("f'(x)", "f(x)"), ("A^T", "A"), ("2^T", "2"), ("(1+r)^T", "1+r"), ("1'8", "18"), ("5'10\"", "510"),
            ("2020-01-02", "2020-02-01"), ("2020-01-02", "2017"), ("4:30", "2:15"), ("12:00 PM", "12:00 AM"), ("0x1A", "0x2B"), ("0x10", "0"),
            (r"\angle ABC", r"\angle BAC"), (r"\nabla\times E", r"\nabla\cdot E"), ("x=/=5", "5"), ("x!=5", "5"), ("18 below zero", "18"),
            ("18 lakh", "18"), ("$18k", "18"), (r"\$18\text{M}", "18"), ("{1,2}", "(1,2)"), ("A={1,2}", "B={1,2}"), ("A={1,2}", "A={1,3}"),
            ("(x,y)=(1,2)", "x=2, y=1"), ("A) 5 B) 6", "A"), ("C. the sky", "D. the sky"), ("IV", "VI"), ("no", "on"), ("six", "7"), ("twenty five", "20"),
            ("two thirds", "2"), ("x^{-1} = 5", "5"), ("f^{-1}(x) = 2x", "f(x) = 2x"), (r"\mathbb{Z}", r"\mathbb{N}"),
        ],
    ),
    "as the benchmarks write": (
        [
            # fractions, decimals, mixed numbers
            (r"\dfrac{3}{4}", r"\frac{3}{4}"), (r"\tfrac34", r"\frac{3}{4}"), (r"\frac{3}4", "0.75"), (r"\frac3{4}", "3/4"), ("-3/4", r"-\frac{3}{4}"),
            (r"\frac{-3}{4}", r"-\frac34"), (r"\frac{3}{-4}", r"-\frac34"), (r"2\frac{1}{3}", r"\frac{7}{3}"), ("2 1/3", r"\frac{7}{3}"), (".5", "0.5"),
            ("5.", "5"), ("007", "7"), ("+7", "7"), (r"\frac{1.5}{3}", "0.5"),
            ("0.333333", r"\frac{1}{3}"),  # six places, rounded
            ("-1./3", "-1/3"), (r"\frac{\sqrt{2}}{2}", r"\frac{1}{\sqrt{2}}"), (r"\frac{10}{4}", r"\frac{5}{2}"),
            # thousands
            ("10,080", "10080"), (r"10,\!080", "10080"), ("10{,}080", "10080"), (r"10\,080", "10080"), ("1 000 000", "1000000"),
            (r"\$32,\!348", "32348"),
            # percent, dollars, degrees
            (r"20\%", "20"), ("20%", "0.2"), ("20 percent", r"20\%"), (r"\$18.90", "18.90"), ("18.90 dollars", r"\$18.90"), ("$5$", "5"),
            (r"90^\circ", "90"), (r"90^{\circ}", r"90^\circ"), ("90°", r"90^\circ"), (r"90\text{ degrees}", r"90^\circ"), (r"45^{\prime \prime}", "45"),
            # powers of ten
            ("4.5e33", r"4.5 \times 10^{33}"), (r"6.75\times 10^{-4}", "0.000675"), (r"6.75 \cdot 10^{-4}", "6.75e-4"), ("6.75*10^-4", "6.75e-4"),
            ("10^{24}", "1e24"), (r"8.0 \times 10^{25}", r"8 \times 10^{25}"), ("3.5E5", "350000"),
            # words and letters
            (r"\text{Evelyn}", "Evelyn"), (r"\text{evelyn}", r"\text{Evelyn}"), (r"\mathrm{east}", r"\text{east}"), ("East", r"\text{east}"),
            (r"\text{(C)}", "C"), ("(C)", r"\text{C}"), ("C.", "(C)"), (r"\textbf{(C)}", "(C)"), (r"\textbf{(C) }", "C"),
            (r"\text{Angle Bisector}", "angle bisector"), (r"\text{No solution}", "no solution"),
            # units inside, or left out
            ("1.6", r"1.6 \mathrm{~cm}"), (r"1.6 \text{ cm}", r"1.6 \mathrm{~cm}"), ("16 cm", r"16\text{ centimeters}"),
            (r"36\pi \text{ cm}^2", r"36\pi"), (r"36\pi \text{ square centimeters}", r"36\pi \text{ cm}^2"), ("3.83e35 ergs/s", "3.83e35"),
            (r"7e37 \mathrm{erg} \cdot \mathrm{s}^{-1}", "7e37 ergs/s"), (r"300 \mathrm{~km} / \mathrm{s}", "300 km/s"), (r"50 \mu \mathrm{m}", "50"),
            (r"9.6 \AA", "9.6"), ("24 apples", "24"), (r"3\sqrt{13}\text{ units}", r"3\sqrt{13}"), (r"5 \text{ feet}", r"5 \text{ ft}"),
            ("3 k T", "3kT"), (r"0.\overline{3}", r"\frac{1}{3}"), (r"0.1\overline{6}", r"\frac{1}{6}"), (r"1.\overline{142857}", r"\frac{8}{7}"),
            (r"\text{B, E}", "E, B"), (r"\text{B,E}", "B,E"), (r"\text{(B)}, \text{(E)}", "B, E"), (r"\text{June 20}", "June 20"),
            (r"5:00 \text{ p.m.}", r"5:00 \text{ P.M.}"), (r"\frac{270}7\text{ degrees}", r"\frac{270}{7}^\circ"),
            (r"11,\! 111,\! 111,\! 100", "11111111100"), (r"\left\{ 1\pm\sqrt{5},-2\right\}", r"\{-2, 1+\sqrt{5}, 1-\sqrt{5}\}"),
            (r"\left(\frac{3}{5},\frac{8}{3}\right]", r"(\tfrac{3}{5}, \tfrac{8}{3}]"), (r"e^{i\pi/3}", r"\frac{1}{2} + \frac{\sqrt{3}}{2} i"),
            ("i^2", "-1"), (r"(p, q)=(3,2)", "(3,2)"), (r"(x, y) \in\{(1,0),(5,2)\}", "(5,2), (1,0)"), ("$f(x)=x$ and $f(x)=-x$", r"f(x) = -x, x"),
            (r"f(x)=\pm x", "f(x)=x, f(x)=-x"), (r"30^{\circ}", "30"), (r"25^\circ \text{C}", "25"), ("5!", "120"),
            (r"10\frac{1}{12}", r"\frac{121}{12}"), (r"2^{2/3}", r"\sqrt[3]{4}"), (r"\log_{2} 8", "3"), (r"\frac{\log 8}{\log 2}", "3"),
            (r"\sin^2 x + \cos^2 x", "1"), (r"\tan^{-1}(2)", r"\arctan 2"), (r"I_0 e^{-t/(RC)}", r"I_{0} \exp\left(-\frac{t}{R C}\right)"),
            (r"x_{0} \cos (\omega t)+\frac{v_0}{\omega}\sin(\omega t)", r"\frac{v_{0} \sin \omega t}{\omega}+x_0\cos\omega t"),
            (r"y=-\frac{1}{2}x+3", r"y = 3-\frac{x}{2}"), ("x-2y=5", "2y - x = -5"), (r"\frac{1}{2} m v^{2}", r"0.5 m v^2"),
            (r"\$1,\!000", r"1000\text{ dollars}"), (r"28\text{ square inches}", r"28\text{ in}^2"), (r"\boldsymbol{5}", "5"), (r"\text{5}", "5"),
            (r"5\text{th}", r"5^{\text{th}}"), (r"\mathbf{i}+2\mathbf{j}", r"2\mathbf{j} + \mathbf{i}"), (r"\overline{AB}", r"\overline{AB}"),
            (r"3 : 2", "3:2"), (r"\sqrt{x^2+1}", r"(1+x^2)^{1/2}"), (r"x \leq 5", r"5 \geq x"),
            (r"x \in (-\infty, 1) \cup (2, \infty)", r"(-\infty,1)\cup(2,\infty)"), (r"\{x : x > 3\}", r"\{ x : x > 3 \}"),
            (r"\mathbb{R}", r"\mathbb{R}"), (r"\emptyset", r"\varnothing"), (r"(2n-1)!!", "(2n-1)!!"), ("8, -2", r"8 \text{ and } -2"),
            ("8; -2", "8, -2"), (r"16 (\Omega \cdot \mathrm{m})^{-1}", r"16 \Omega^{-1} \mathrm{m}^{-1}"),
            (r"0.85 \mathrm{m^2/(V s)}", r"0.85 \text{ m}^2/(\text{V} \cdot \text{s})"),
            (r"9.8 \mathrm{~m} / \mathrm{s}^{2}", "9.8 meters per second squared"),
            # points, tuples, intervals
            (r"\left( 3, \frac{\pi}{2} \right)", r"(3,\pi/2)"), ("(1, 2)", "(1,2)"), ("(1.5, -2)", r"\left(\frac{3}{2}, -2\right)"),
            ("1, 2", "(1,2)"),  # parentheses left out
            ("(1,2]", r"\left(1, 2\right]"), (r"(-\infty, 3)", r"(-\infty,3)"), (r"[0,\infty)", r"[0, +\infty)"), (r"x \in [1,2]", "[1, 2]"),
            (r"(-\infty,-2)\cup(2,\infty)", r"(2,\infty) \cup (-\infty,-2)"), (r"1 < x < 2", "(1,2)"), (r"-2 \le x \leq 7", "[-2,7]"),
            ("x > 3", r"(3, \infty)"), ("3 < x", "x>3"), ("2x < 6", "x < 3"), ("(x,y)=(1,2)", "(1,2)"),
            # several answers, sets
            ("1,-2", r"\{-2, 1\}"), ("-2, 1", "1,-2"), (r"\{1,2,3\}", r"\{3, 1, 2\}"), (r"\left\{1, \frac12\right\}", r"\{0.5, 1\}"),
            (r"1 \pm \sqrt{19}", r"1+\sqrt{19}, 1-\sqrt{19}"), (r"\pm 2", "-2, 2"), (r"x = \pm 2", r"\{-2,2\}"), (r"1 \text{ and } 3", "1,3"),
            ("x = 1 or x = 3", "1, 3"), ("$69$,$84$", "84, 69"), ("100,200", "200, 100"), (r"\{5\}", "5"),
            ("(1,8,19), (2,7,13), (4,5,7)", "(4,5,7),(1,8,19),(2,7,13)"), ("$f(n)=n$, $g(n)=1$", "f(n)=n, g(n)=1"), ("x=1, y=2", "1, 2"),
            ("1, 3, 5", "1,3 and 5"),
            # matrices
            (r"\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}", r"\begin{bmatrix}1&2\\3&4\end{bmatrix}"),
            (r"\begin{pmatrix} -1/3 \\ 2/3 \end{pmatrix}", r"\begin{pmatrix} -\frac{1}{3} \\ \frac{2}{3} \end{pmatrix}"),
            # expressions
            ("x^2+2x+1", "(x+1)^2"), ("p - q", "-q+p"), ("x^5 - x^4 + 1", "1-x^4+x^5"), (r"70 \sqrt{2}", r"70\sqrt2"), (r"11\sqrt2", r"\sqrt{242}"),
            (r"\cot x", r"\frac{1}{\tan x}"), (r"\cot x", r"\frac{\cos x}{\sin x}"), ("6 - 5i", "-5i+6"), ("2^{1009}", r"2 \cdot 2^{1008}"),
            ("2^10", "1024"), (r"\frac{100!}{2^{50}}", r"\dfrac{100!}{2^{50}}"), (r"\binom{2n}{n}", r"\frac{(2n)!}{n! n!}"),
            (r"m n-\lfloor m / 2\rfloor", r"mn - \left\lfloor \frac{m}{2} \right\rfloor"),
            (r"\lceil n / 2\rceil+1", r"\left\lceil\frac{n}{2}\right\rceil + 1"),
            (r"\left\lfloor\log _{2} n\right\rfloor+1", r"\lfloor \log_2 n \rfloor + 1"), (r"\sqrt[3]{2}", "2^{1/3}"), ("2^(1/3)", "2^{1/3}"),
            (r"\sqrt{4 \pi G \rho_{0} r_{0}^{2}}", r"2 r_0 \sqrt{\pi G \rho_0}"), (r"\ln 4", r"2 \ln 2"), (r"e^{-x/2}", r"\exp(-\frac{x}{2})"),
            ("np.arcsin(10/13)", r"\arcsin{(10/13)}"), (r"\arcsin{1.3 \sin{\theta_w}}", r"\arcsin(1.3\sin(\theta_{w}))"),
            (r"\sin 30^\circ", r"\frac{1}{2}"), (r"k_B T", r"k_{\mathrm{B}} T"), (r"\varepsilon_0 E", r"\epsilon_{0} E"), (r"2\pi", r"\pi \cdot 2"),
            ("2π", r"2\pi"), ("2*pi", r"2\pi"), (r"\pi^2/6", r"\frac{\pi^{2}}{6}"), (r"\infty", "infinity"), (r"2 n", "2n"),
            (r"\mathrm{e}^{-2}", "e^{-2}"), (r"\frac{a M^{1 / 3}}{G M^{2 / 3}+b}", r"\frac{a \cdot M^{1/3}}{b + G M^{2/3}}"),
            (r"2 \operatorname{sech}^2(x)", r"2\operatorname{sech}^{2}(x)"),
            # equations
            ("y = 2x+3", "2x+3"), ("x=5", "5"), ("f(x)=2 x", "2x"), ("f(x)=2x", "f(x)=x+x"), ("$k=1$", "1"), (r"m_{\max }=n^{2}-n-1", "n^2-n-1"),
            (r"M=\frac{9}{32} \sqrt{2}", r"\frac{9\sqrt{2}}{32}"), (r"\angle A E B_{1}=90", "90"), ("y = 2x + 3", "2x - y + 3 = 0"),
            ("x^2+y^2=1", "y^2+x^2=1"), ("2x+3y=6", "4x + 6y = 12"), ("5 = x", "x=5"), (r"\frac{dM}{dt}=3M^2", "3M^2"), ("3+4=7", "7"),
            # other bases, times, ratios
            ("2516_8", "2516_{8}"), ("2516_8", "2516"), (r"\sqrt{5+2\sqrt6}", r"\sqrt2+\sqrt3"), (r"2^{2009}", r"2\cdot 2^{2008}"),
            (r"\frac{2^{100}-1}{3}", r"\frac{4^{50}-1}{3}"), (r"AB_{16}", "AB"), (r"40_9", "40_{9}"), ("4:30", "4 : 30"),
        ],
        [
            ("0.333", r"\frac{1}{3}"), ("0.667", r"\frac{2}{3}"), ("3.14", r"\pi"), ("3.1416", r"\pi"), (r"\frac{22}{7}", r"\pi"), ("6.28", r"2\pi"),
            ("1.414", r"\sqrt{2}"), ("14", "1.4"), ("1e-8", "2e-8"), (r"1.2 \times 10^{-9}", r"1.3 \times 10^{-9}"), ("4.5e33", "4.5e32"),
            ("1000000", "1000001"), ("0.0000001", "0"), ("x+1", "x-1"), ("x+1", "y+1"), ("2n", "n"), ("2 m", "2"), ("3 t", "3"), ("n^2", "n^3"),
            ("R-r", "r-R"), ("R+r", "2r"), ("(1,2]", "(1,2)"), ("[1,2]", "(1,2)"), ("[1,2)", "(1,2]"), ("(1,2)", "(2,1)"), ("(1,2)", r"\{1,2\}"),
            ("2, 1", "(1,2)"), (r"\{1,2\}", r"\{1,2,3\}"), ("1,2", "1,2,3"), ("1", "1,2"), ("1,-2", "1,2"), (r"1 \pm \sqrt{19}", r"1 + \sqrt{19}"),
            (r"\pm 2", "2"), ("1,234", "1, 235"), ("y=1, x=2", "x=1, y=2"), ("2, 1", "x=1, y=2"), ("5 cm", "5 m"), (r"5 \text{ cm}", r"5 \mathrm{~m}"),
            (r"5 \text{ cm}^2", r"5 \text{ cm}^3"), ("5 km/h", "5 km/s"), ("6 cm", "5 cm"), (r"90^\circ", "91"), (r"20\%", "2"), ("0.5", "50"),
            ("2516_8", "2516_9"), (r"2^{100}", r"2^{100}-1"), (r"2^{2009}", r"2^{2009}-1"), ("20!", "20!+1"),
            (r"\binom{100}{50}", r"\binom{100}{50}+1"), (r"1-\frac{1}{2^{50}}", "1"), ("x+10^{13}", "x+10^{13}+1"), ("2516_8", "251"), ("52_8", "53_8"),
            (r"\text{Evelyn}", r"\text{Carla}"), (r"\text{east}", r"\text{west}"), (r"\text{even}", r"\text{odd}"), ("(A)", "(B)"), ("A", "B"),
            ("R", "r"), (r"\text{Evelyn}", "5"), (r"\text{east}", "e"), ("x=5", "y=5"), ("x=5", "x=6"), ("f(x)=x", "f(x)=2x"), ("f(x)=x", "g(x)=x"),
            ("x^2+y^2=1", "1"), ("x^2+y^2=1", "x^2+y^2=2"), ("x^2+y^2=1", "x^2-y^2=1"), ("2x = 6", "6"), ("1=2", "3=4"), ("x=x+1", "x=x+2"),
            ("x > 3", "x < 3"), ("x > 3", r"x \geq 3"), ("x > 3", "3"), ("x > 3", "x=3"), (r"-2 \le x \leq 7", "(-2,7)"),
            (r"(-\infty,-2)\cup(2,\infty)", r"(-\infty,-2)\cup[2,\infty)"), (r"(-\infty,-2)\cup(2,\infty)", r"(-\infty,-2)"),
            (r"\begin{pmatrix} 1 \\ 2 \end{pmatrix}", r"\begin{pmatrix} 2 \\ 1 \end{pmatrix}"),
            (r"\begin{pmatrix} 1 & 2 \end{pmatrix}", r"\begin{pmatrix} 1 \\ 2 \end{pmatrix}"), (r"\begin{pmatrix} 1 \\ 2 \end{pmatrix}", "1"),
            ("6-5i", "6+5i"), ("6-5i", "6-5"), (r"\infty", r"-\infty"), (r"\infty", "1"), ("|x|", "x"), (r"\sin x", r"\cos x"), (r"\sqrt{5}", "5"),
            (r"\sqrt{5}", r"\sqrt{6}"), (r"\frac{n}{2}", r"\lfloor \frac{n}{2} \rfloor"), (r"2^{1009}", r"2^{1008}"),
            (r"\frac{100!}{2^{50}}", r"\frac{100!}{2^{49}}"), ("4:30", "4:31"), ("0", r"\emptyset"), (r"\text{None}", "0"),
            (r"f(x)=x", r"f(x)=\frac{1}{x}"), (r"\frac{a}{b}", r"\frac{b}{a}"), (r"k_B T", r"k_A T"), ("a_1", "a_2"), ("12 3", "123"), ("3kT", "3"),
            ("3 kT", "3"), ("2mg", "2"), ("2ab", "2"), ("(2n-1)!!", "(2n)!!"), ("5!!", "15!"), (r"2\Omega", "3"),
        ],
    ),
}  # fmt: skip

EQUAL = [pair for equal, _ in KINDS.values() for pair in equal]
DIFFERENT = [pair for _, different in KINDS.values() for pair in different]
