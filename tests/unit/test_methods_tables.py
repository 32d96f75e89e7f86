"""The tables of docs/methods.md are those of the record, and name every method that is trained."""

import json
from pathlib import Path

import pytest

from benchmarks.method_cases import CASES, METHODS, budget
from benchmarks.methods_tables import FILE, row, tables

ROOT = Path(__file__).parents[2]


RECORD = json.loads(FILE.read_text())


@pytest.mark.parametrize("name", tables(RECORD))
def test_the_docs_have_what_the_command_prints(name):
    text = tables(RECORD)[name]
    assert f"<!-- {name} -->\n\n{text}\n\n<!-- /{name} -->" in (ROOT / "docs/methods.md").read_text()


def test_every_method_has_a_tiny_config():
    for method in (method for kind in METHODS.values() for method in kind):
        assert (ROOT / f"configs/tiny/{method}.yaml").exists(), method


def test_a_brake_that_reads_advantages_is_not_put_on_em_ft():
    assert "em_rl_token, Clip-Cov" in CASES
    assert "em_ft, Clip-Cov" not in CASES


def test_a_step_samples_as_many_completions_whatever_the_groups():
    assert budget("em_ft") == ["--data.prompts_per_round=512"]
    assert budget("ttrl") == ["--data.prompts_per_round=32"]  # 16 votes of each
    assert budget("grpo") == []  # 64 prompts with 8 samples, as its config has it


def test_a_row_is_of_the_last_step_the_best_and_the_kept():
    numbers = {"greedy": 0.5, "maj@16": 0.5, "pass@16": 0.9, "mean_entropy": 0.1, "mean_length": 20.0}
    curve = [{"step": step, "pass@1": right, **numbers} for step, right in ((0, 0.3), (4, 0.7), (8, 0.6))]
    later = [{**each, "pass@1": each["pass@1"] + 0.1} for each in curve]
    runs = {"0": {"curve": curve, "kept": 0}, "1": {"curve": later, "kept": 8}}
    assert row("x", runs) == [
        "x", "2", "0.650 (0.600 to 0.700)", "0.500", "0.500", "0.900", "0.100", "20.0", "0.750", "4, 4", "0.500",
    ]  # fmt: skip
