"""docs/python.ipynb, cell by cell."""

import ast
import json

import pytest

from tests.runs.test_runs import ROOT

CELLS = [
    "".join(cell["source"])
    for cell in json.loads((ROOT / "docs/python.ipynb").read_text())["cells"]
    if cell["cell_type"] == "code"
]


def run(source: str, names: dict) -> object:
    """The value of the cell's last expression, which a notebook would show."""
    body = ast.parse(source).body
    last = body.pop() if isinstance(body[-1], ast.Expr) else None
    exec(compile(ast.Module(body, []), "python.ipynb", "exec"), names)
    return None if last is None else eval(compile(ast.Expression(last.value), "python.ipynb", "eval"), names)


def test_every_cell_runs():
    names: dict = {}
    shown = [run(cell, names) for cell in CELLS]
    entropies, text, metrics, parameters = (each for each in shown if each is not None)
    assert all(0 <= entropy < 5 for _, entropy in entropies)
    assert entropies[-1][0] == names["tokenizer"].eos_token or len(entropies) == 40
    assert text
    assert metrics["reward/mean"] < 0
    assert parameters == names["model"].num_parameters()


def test_an_error_in_ones_own_reward_shows_its_traceback():
    names: dict = {}
    for cell in CELLS:
        broken = cell.replace("-(stats.entropy * batch.completion_mask).sum(dim=1)", "batch.no_such_thing")
        if broken != cell or names.get("SureAndShort") is None:
            run(broken, names)
        elif "trainer.fit" in cell:
            with pytest.raises(AttributeError, match="no_such_thing") as caught:
                run(cell, names)
            assert "SureAndShort" in str(caught.traceback[-1].frame.code.raw.co_qualname)
            return
    pytest.fail("no cell trains")
