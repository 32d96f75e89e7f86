"""Programs as models write them."""

import subprocess
import sys
from collections.abc import Callable

import pytest

from emlit.tasks import extract_code
from emlit.tasks.program_names import bound_names, defined_names, free_names, with_helpers
from tests.linear import seconds, superlinear

F = "def f():\n    return 1"


@pytest.mark.parametrize(
    ("text", "code", "closed"),
    [
        # a list item's block, of three spaces, with a bullet, with a tab; in a quotation
        (f"1. So:\n   ```python\n   {F[:8]}\n       return 1\n   ```\n", F, True),
        ("- ```python\n  def f():\n      return 1\n  ```", F, True),
        ("\t```python\n\tdef f():\n\t    return 1\n\t```", F, True),
        ("> Here:\n> ```python\n> def f():\n>     return 1\n> ```\n", F, True),
        # a fence in a docstring, in a string of one line, in a comment; behind other fences
        ('```python\ndef f():\n    """Use:\n    ```\n    f()\n    ```\n    """\n    return 1\n```\nDone.',
         'def f():\n    """Use:\n    ```\n    f()\n    ```\n    """\n    return 1', True),
        ("```python\ndef f():\n    # it's \"\"\" fine\n    return '```'\n```",
         "def f():\n    # it's \"\"\" fine\n    return '```'", True),
        (f"````python\n{F}\n````", F, True),
        (f"~~~python\n{F}\n~~~", F, True),
        # a docstring that never ends: the fence does
        ('```python\ndef f():\n    """Oops\n    return 1\n```\nDone.', 'def f():\n    """Oops\n    return 1', True),
        # no opening fence, as where the prompt had it; a stray one at the end; words after it
        (f"{F}\n```", F, False),
        (f"{F}\n```\nThis returns 1.\n```\nf() == 1\n```", F, False),
        (f"Here is the function:\n\n{F}\n```\nThis returns 1.", F, False),
        (f"As `def` says:\n\ndef g(): a\n\nSo:\n```\n{F}\n```", F, False),  # prose behind it: the fence opens
        (f"```python\n{F}\n```\n```", F, True),
        (f"{F}\n```python\n", f"{F}\n", False),
        # a helper and the imports in blocks of their own
        (f"```python\nimport math\n```\nThen\n```python\n{F.replace('1', 'math.pi')}\n```",
         f"import math\n\n{F.replace('1', 'math.pi')}", True),
        ("```python\ndef g(): return 1\n```\n```python\ndef f(): return g()\n```\n```python\nprint(f())\n```",
         "def g(): return 1\n\ndef f(): return g()", True),
        # never closed before the next begins; carriage returns; text before the fence; other names of the language
        (f"```python\nx = 1\n```python\n{F}\n```", F, True),
        (f"```python\r\n{F}\r\n```\r\n".replace("():\n", "():\r\n"), F, True),
        (f"Here it is:```py\n{F}\n```", F, True),
        (f"```Python3\n{F}```", F, True),
        (f"```python title=\"a.py\"\n{F}\n```", F, True),
        # no fence but prose around, or a fence that prose follows and nothing closes
        (f"Sure!\n\n{F}\n\nThis returns 1.\nHope it helps.", f"{F}\n", False),
        (f"<answer>\nimport math\n{F}\n</answer>", f"import math\n{F}", False),
        (f"```python\n{F}\n\nThis returns 1.", f"{F}\n", False),
        ("```python\n```", "", True),
        ("```python\n\n```\nand no more", "", True),
        # the marks of CodeLlama's and MBPP's prompts, one of which may be the prompt's, or where generation stops
        (f"Sure.\n[PYTHON]\n{F}\n[/PYTHON]\n[TESTS]\nassert f() == 1\n[/TESTS]", F, False),
        (f"[PYTHON] {F} [/PYTHON]", f"{F} ", False),
        (f"[PYTHON]\n{F}\n", F, False),
        (f"[BEGIN]\n{F}\n[DONE]\n\nYou are an expert.", F, False),
        (f"{F}\n[DONE]\n\nYou are an expert.", F, False),
        (f"{F}\n[/PYTHON]", F, False),
        (f"[BEGIN]\n{F}\n", F, False),
        (f"[PYTHON]\n```python\n{F}\n```\n[/PYTHON]", F, True),
        ("def f(x):\n    return x[DONE] & lt", "def f(x):\n    return x[DONE] & lt", False),
    ],
)  # fmt: skip
def test_blocks_as_models_write_them(text, code, closed):
    assert extract_code(text) == (code, closed)


def test_the_block_with_the_wanted_name_is_the_program():
    text = f"```python\n{F}\n```\nHelper or test:\n```python\ndef check():\n    assert f() == 1\n```"
    assert "def check" in extract_code(text)[0]
    assert extract_code(text, ["f"])[0] == F
    below = "```python\ndef f(): return g()\n```\nwhere\n```python\ndef g(): return 1\n```"
    assert extract_code(below, ["f"])[0] == "def g(): return 1\n\ndef f(): return g()"
    for stub in ("def f(): ...", 'def f():\n    """One."""', "def f():"):
        assert extract_code(f"```python\n{F}\n```\nSignature:\n```python\n{stub}\n```", ["f"])[0] == F
    assert extract_code(f"```python\nprint(1)\n```\n```\n{F}\n```", ["f"]) == (F, False)
    assert extract_code("```python\nf = lambda: 1\n```\n```python\ndef g(): pass\n```", ["f"])[0] == "f = lambda: 1"
    assert extract_code(f"```python\n{F}\n```", ["other"]) == (F, True)


BLOCK = "```python\n{}\n```\n"


def blocks(*codes: str) -> str:
    return "So:\n".join(map(BLOCK.format, codes))


ROOT = "def f(x):\n    return g(x) + 1"
OLD, NEW = "def g(x):\n    return 0", "import math\n\ndef g(x):\n    return math.floor(x)"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        # a star import brings names that are not known; a test's is not one
        (blocks("from math import *", "def f(x): return floor(x)+1"), 3),
        (blocks("def f(x): return floor(x)+1", "from math import *\nassert f(2) == 3"), 3),
        (blocks("from typing import List\ndef f(x: List): return 3", "from solution import *\nprint(f(2))"), 3),
        # imports from __future__ come first
        (blocks("X = 1", "from __future__ import annotations\ndef f(x): return x + X"), 3),
        (blocks("X = 1", "from __future__ import annotations; Y = 0\ndef f(x: T): return x + X + Y"), 3),
        (blocks("X = 1", '"""It."""\nfrom __future__ import (\n    annotations,\n)\ndef f(x: T): return x + X'), 3),
        # stubs
        *[
            (blocks("def f(x): return x + 1", stub), 3)
            for stub in (
                "def f(x): raise NotImplementedError",
                "def f(x):\n    '''It.'''\n    raise NotImplementedError('yours')",
                "def f(x):\n    # your code here",
                "def f(x):\n    return None  # TODO",
            )
        ],
        # assignments
        (blocks("f: Callable[[int], int] = lambda x: x + 1", "def h(x): return f(x)"), 3),
        (blocks("f = k = lambda x: x + 1", "def h(x): return f(x)"), 3),
        (blocks("k, f = None, lambda x: x + 1", "def h(x): return f(x)"), 3),
        # spaces of another kind, HTML
        (blocks("def f(x):\n\u00a0\u00a0\u00a0\u00a0y = x\n\u00a0\u00a0\u00a0\u00a0return\u00a0y + 1"), 3),
        (blocks("def f(x):\n\u3000\u3000return x + 1"), 3),
        ("<pre><code>def f(x):\n    return x + 1 if x &lt; 9 else 0\n</code></pre>", 3),
        ('<pre><code class="language-python">def f(x):\n    return x + 1</code></pre> <code>f(1)</code>', 3),
        # a later block mends an earlier one
        (blocks(f"{ROOT}\n\n{OLD}", NEW), 3),
        (blocks(OLD, ROOT, NEW), 3),
        (blocks(f"{OLD}\n\n{ROOT}", NEW, "assert f(2) == 3"), 3),
        (blocks(f"{NEW}\n\n{ROOT}", "def g(x): pass"), 3),
    ],
)
def test_the_program_has_what_it_needs(text, value):
    made: dict = {"Callable": Callable}
    exec(extract_code(text, ["f"])[0], made)
    assert made["f"](2) == value


ADD, WRONG = "def add_all(xs):\n    return sum(xs)", "def add_all(xs):\n    return max(xs)"


@pytest.mark.parametrize(
    "text",
    [
        # the last block, tagged or not; thoughts are none
        f"Your code\n```python\n{WRONG}\n```\nis wrong. Fix:\n```\n{ADD}\n```",
        f"Your code\n```python\n{WRONG}\n```\nis wrong. Fix:\n```text\n{ADD}\n```\nIt gives\n```\n3\n```",
        f"```python\n{ADD}\n```\nIn pseudocode, and Ruby:\n```\ndef add_all(xs):\n    for each x add it\n```\n"
        "```ruby\ndef add_all(xs)\n    xs.sum\nend\n```",
        f"<think>\n```python\n{WRONG}\n```\n</think>\n{ADD}",
        f"<reasoning>\n```python\n{WRONG}\n```\n</reasoning>\n{ADD}",
        f"<think>\n{WRONG}\n</think>\nSo:\n\n{ADD}\n\nIt sums.",
        f"<think>\n{WRONG}\n</think>\n```\n{ADD}\n```",
        f"<think>\n```python\n{ADD}\n```\n</think>\nThat is it: `add_all([1, 2])` is 3.",
        f"<think>\n```python\n{ADD}\n```\n</think>\n```python\ndef add_all(xs):\n    ...\n```",
        # prose in a block
        f"```python\nHere is the code:\n{ADD}\n```",
        f"```python\nHere is the code:\n\nT = [0]\n{ADD} + T[0]\n\nExplanation: it sums.\nThat is all.\n```",
        f"```python\n{ADD}\n\nExplanation: it sums.\n```",
        f"```python\nimport it as you like, it's free\n{ADD}\n```",
        f"```python\nimport math\ndef g(x):\n    return x\n\nNow the function:\n\n{ADD} + math.floor(g(0))\n```",
        # the program on the fence's line
        "```python def add_all(xs): return sum(xs)```",
        "Use ```py def add_all(xs): return sum(xs)``` for that.",
        "```python def add_all(xs):\n    return sum(xs)\n```",
        # sessions and notebooks
        "```python\n>>> def add_all(xs):\n...     return sum(xs)\n...\n>>> add_all([1, 2])\n3\n```",
        "```\n>>> import math\n>>> def add_all(xs):\n...     return math.fsum(xs)\n... \n```",
        ">>> def add_all(xs):\n...     return sum(xs)\n",
        f"```python\n%matplotlib inline\n!pip install numpy\nimport math\n{ADD}\n```",
    ],
)
def test_the_function_is_found(text):
    made: dict = {}
    exec(extract_code(text, ["add_all"])[0], made)
    assert made["add_all"]([1, 2]) == 3


def test_wanted_names_of_two_blocks():
    made: dict = {}
    exec(extract_code(blocks("def f(): return 1", "def g(): return 2"), ["f", "g"])[0], made)
    assert (made["f"](), made["g"]()) == (1, 2)


@pytest.mark.parametrize(
    "text",
    [
        blocks("def solve(n):\n    return n + 1", "n = int(input())\nprint(solve(n))"),
        blocks("def solve(n):\n    return n + 1", "n = int(input())", "print(solve(n))"),
        blocks("def main():\n    print(int(input()) + 1)", "if __name__ == '__main__':\n    main()"),
        blocks("def main():\n    print(int(input()) + 1)", "main()"),
        blocks("def solve(n):\n    return n + 1\nprint(solve(int(input())))", "n = int(input())"),
        blocks("def g(n):\n    return n\nprint(g(int(input())))", "def g(n):\n    return n + 1"),
        "```\nprint(int(input()) + 1)\n```\nprints\n```\n2\n```",
        "```\nprint(int(input()) + 1)\n```\nprints\n```\nYES\n```",
        "```\nimport sys\nfor line in sys.stdin:\n    print(int(line) + 1)\n```\nprints\n```\nprint it\n```",
        "```\nprint(3)\n```\nprints\n```\n3\n```",
        "```python\nprint(int(input()))\n```\nis wrong. Fix:\n```\nprint(int(input()) + 1)\n```",
        "```python\nn = int(input())\nprint(n + 1)\n\nExplanation: it adds one.\n```",
        "<think>\n```python\nprint(int(input()))\n```\n</think>\nn = int(input())\nprint(n + 1)\n",
    ],
)
def test_a_program_that_is_run_as_a_whole(text):
    program = extract_code(text)[0]
    done = subprocess.run([sys.executable, "-c", program], input="2\n", capture_output=True, text=True, timeout=30)
    assert done.stdout == "3\n", program


def test_names():
    assert defined_names("def f(): pass\nclass C: pass\nx = 1") == {"f", "C"}
    assert bound_names("import a.b\nx, y = 1, 2\ndef f(z): w = 1") == {"a", "x", "y", "f"}
    assert free_names("def f(x):\n    try: return g(x)\n    except E as e: return str(e)") == ["E", "g"]


def test_helpers_bring_what_helpers_need_and_no_more():
    helpers = ["b = c", "d = 1", "c = len('x')", "b = 2", "def g(): a = b"]
    assert with_helpers("a = b", helpers) == "c = len('x')\n\nb = c\n\na = b"
    assert with_helpers("a = (", helpers) == "a = ("
    assert with_helpers("def f(): return x\nx = 1", ["x = 2"]) == "def f(): return x\nx = 1"


def chain(n: int) -> str:
    """Blocks that each read what the one before binds."""
    helpers = "".join(f"```python\na{each}=a{each - 1}\n```\n" for each in range(n // 26))
    return f"{helpers}```python\ndef f(): return a{n // 26 - 1}\n```\n"


def many(n: int) -> str:
    """Blocks that each bind one of the names that the last one reads."""
    names = [f"a{each}" for each in range(n // 40)]
    return "".join(f"```python\n{name}=1\n```\n" for name in names) + f"```python\ndef f(): return {names}\n```"


LONG = {
    "newlines": lambda n: "```python" + "\n" * n,
    "spaces": lambda n: "```python\n" + " " * n + "x",
    "backticks": lambda n: "`" * n,
    "backticks and a word": lambda n: "`" * n + "x`",
    "tildes and a word": lambda n: "~" * n + "x~",
    "spaces behind a fence": lambda n: "```" + " " * n + "`",
    "letters behind a fence": lambda n: "```" + "a" * n + "`",
    "both behind a fence": lambda n: "~~~" + " " * (n // 2) + "a" * (n // 2) + "~",
    "fences": lambda n: "```\n" * (n // 4),
    "opened": lambda n: "```python\n" * (n // 10),
    "docstrings": lambda n: '```python\n"""\n' * (n // 18) + "```\n" * (n // 18),
    "closed in docstrings": lambda n: "```python\n'''\n```\n'\n" * (n // 20),
    "closed in docstrings, and a long line": lambda n: "```python\n'''\n```\n'\n" * (n // 40) + "'" * (n // 2),
    "tildes": lambda n: "~~~ " * (n // 4),
    "quotes": lambda n: '```python\n"' + "\\" * n,
    "escaped quotes": lambda n: "```python\n" + '\\"' * (n // 2) + "\\\nx",
    "escaped single quotes": lambda n: "```python\n" + "\\'" * (n // 2) + "\\\nx",
    "html": lambda n: "<pre><code>" * (n // 11),
    "marks": lambda n: "[DONE]\n" * (n // 7),
    "marks, never closed": lambda n: "[PYTHON]" * (n // 8),
    "html, never closed": lambda n: "<pre" * (n // 4),
    "names": lambda n: "```python\n" + "a=" * (n // 2) + "\n```",
    "corrections": lambda n: "```python\ndef f(): g()\ndef g(): 1\n```\n```python\ndef g(): 2\n```\n" * (n // 62),
    "programs": lambda n: "```python\nf(x)\n```\n```python\nx = input\n```\n" * (n // 42),
    "comments": lambda n: "```python\ndef f():\n" + " #\n" * (n // 3) + "```",
    "quotations": lambda n: "> " * (n // 2) + "```python",
    "quotations, and lines": lambda n: "> " * (n // 4) + "```python\n" + ">\n" * (n // 4),
    "spaces, and lines": lambda n: " " * (n // 2) + "```python\n" + "x\n" * (n // 4),
    "words": lambda n: "def " * (n // 4),
    "brackets": lambda n: "```python\n" + "(" * n + "\n```",
    "definitions": lambda n: "```python\ndef f(): pass\n```\n" * (n // 28),
    "three quotes": lambda n: "```python\n" + '"' * n,
    "prose": lambda n: "```python\n" + "It sums.\n" * (n // 9) + "```",
    "prose and programs": lambda n: "```python\n" + "It sums.\nx = 1\n\ndef f(): pass\n" * (n // 30) + "```",
    "thoughts": lambda n: "</think>" * (n // 8),
    "sessions": lambda n: "```\n" + ">>> def f(): pass\n" * (n // 18) + "1 1\n```",
    "on one line": lambda n: "```py x" * (n // 7),
    "helpers of helpers": chain,
    "helpers of many names": many,
}  # fmt: skip


@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
def test_a_long_completion_takes_time_in_proportion(text):
    for _ in range(3):  # a busy machine is no slow scanner
        half, whole = (seconds(extract_code, text(n)) for n in (20_000, 40_000))
        if whole < max(3 * half, 0.05):
            return
    pytest.fail(f"{half:.3f} s, then {whole:.3f} s")


def test_repeated_pieces_take_time_in_proportion():
    around = [("```python\n", "\\\nx"), ("```", "`"), ("```python\n'''", "\n```\n")]
    assert superlinear(extract_code, 8000, around=around) == []
