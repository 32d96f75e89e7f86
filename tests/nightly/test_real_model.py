"""The whole path of a user with a pretrained model: SmolLM2 from its package, a handful of problems, vLLM."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROBLEMS = [
    ("Rosa has 4 shells. She finds 3 more on the beach.", "How many shells does Rosa have?", 7),
    ("A shelf holds 9 books. Tom takes 5 of them home.", "How many books are on the shelf now?", 4),
    ("There are 6 boats with 2 people in each.", "How many people are in the boats?", 12),
    ("Twelve cakes are shared equally by 3 tables.", "How many cakes does each table get?", 4),
    ("Ben is 8 years old. Ann is 5 years older than Ben.", "How old is Ann?", 13),
    ("A train has 20 seats and 14 are taken.", "How many seats are free?", 6),
    ("Lia buys 3 pens for 2 dollars each.", "How many dollars does she pay?", 6),
    ("One jar has 10 olives and another has 11.", "How many olives are there?", 21),
]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    place = tmp_path_factory.mktemp("problems")
    svamp = [{"ID": str(n), "Body": body, "Question": asked, "Answer": float(answer)}
             for n, (body, asked, answer) in enumerate(PROBLEMS)]  # fmt: skip
    asdiv = [{"id": str(n), "body": body, "question": asked, "answer": f"{answer} (things)"}
             for n, (body, asked, answer) in enumerate(PROBLEMS)]  # fmt: skip
    for name, rows in (("svamp", svamp), ("asdiv", asdiv)):
        (place / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return place


def run(*arguments):
    done = subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=1200)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done.stdout


def test_make_real_and_what_it_exports(data, tmp_path):
    shown = run("-m", "benchmarks.real_demo", "--smoke", "--data", str(data), "--run_dir", str(tmp_path))
    for row in ("| T=1 |", "| greedy |", "| EM-INF (released), T=1 |", "| after 2 steps of EM-FT, T=1 |"):
        assert row in shown
    drawn = [json.loads(line) for line in (tmp_path / "em_inf" / "predictions.jsonl").read_text().splitlines()]
    assert {each["decoding"] for each in drawn} == {"T=1", "greedy", "EM-INF (released), T=1"}
    (exported,) = {file.parent for file in (tmp_path / "em_ft").rglob("model*.safetensors")}
    run(
        "cli.py", "validate", "--config", "configs/smollm2-135m/word_problems.yaml", f"--model.pretrained={exported}",
        f"--data.evaluation.path={data / 'asdiv.jsonl'}", "--data.evaluation.n=4", f"--run_dir={tmp_path / 'v'}",
    )  # fmt: skip
    assert json.loads((tmp_path / "v" / "report.json").read_text())[0]["findings"]
