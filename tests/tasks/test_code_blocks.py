"""Programs as models write them."""

import time

import pytest

from emlit.tasks import extract_code
from emlit.tasks.program_names import bound_names, defined_names, free_names

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


def test_names():
    assert defined_names("def f(): pass\nclass C: pass\nx = 1") == {"f", "C"}
    assert bound_names("import a.b\nx, y = 1, 2\ndef f(z): w = 1") == {"a", "x", "y", "f"}
    assert free_names("def f(x):\n    try: return g(x)\n    except E as e: return str(e)") == ["E", "g"]


LONG = {
    "newlines": "```python" + "\n" * 40_000,
    "spaces": "```python\n" + " " * 40_000 + "x",
    "backticks": "`" * 40_000,
    "fences": "```\n" * 10_000,
    "opened": "```python\n" * 10_000,
    "docstrings": '```python\n"""\n' * 5_000 + "```\n" * 5_000,
    "closed in docstrings": "```python\n'''\n```\n'\n" * 5_000,
    "tildes": "~~~ " * 10_000,
    "quotes": '```python\n"' + "\\" * 40_000,
    "quotations": "> " * 20_000 + "```python",
    "words": "def " * 10_000,
    "brackets": "```python\n" + "(" * 40_000 + "\n```",
    "definitions": "```python\ndef f(): pass\n```\n" * 2_000,
    "three quotes": "```python\n" + '"' * 40_000,
}


@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
def test_a_long_completion_takes_time_in_proportion(text):
    half = text[: len(text) // 2]

    def seconds(of: str) -> float:
        taken = []
        for _ in range(3):
            start = time.process_time()
            extract_code(of)
            taken.append(time.process_time() - start)
        return min(taken)

    assert seconds(text) < max(3.2 * seconds(half), 0.05)
