"""The tables of docs/real.md are those of the record."""

import math
from pathlib import Path

import pytest

from benchmarks.cells.reading import by_format, changed, effect, run_named
from benchmarks.cells.record import add, gathered, load
from benchmarks.real_tables import TABLES, replaced, trained

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize(("file", "name"), [(file, name) for file, tables in TABLES.items() for name in tables])
def test_the_docs_have_what_the_command_prints(file, name):
    assert f"<!-- {name} -->\n\n{TABLES[file][name](load())}\n\n<!-- /{name} -->" in (DOCS / file).read_text()


def test_a_table_takes_the_place_of_its_forerunner():
    text = "a\n<!-- x -->\n\n| old |\n| 1 |\n\n<!-- /x -->\nb"
    assert replaced(text, "x", "| \\1 |") == "a\n<!-- x -->\n\n| \\1 |\n\n<!-- /x -->\nb"
    with pytest.raises(SystemExit, match="<!-- y -->"):
        replaced(text, "y", "")


def test_training_helps_beyond_chance_alone():
    start, end = {"pass@1": 0.2}, {"pass@1": 0.3}
    assert effect(changed(start, end, problems=50)) == "none shown"
    assert effect(changed(start, end, problems=500)) == "helps"
    assert effect(changed(end, start, problems=500)) == "hurts"


def test_a_run_is_told_by_its_last_best_and_kept_step():
    curve = [{"step": n, "pass@1": right, "greedy": 0.5} for n, right in ((0, 0.2), (5, 0.6), (10, 0.5))]
    verdict = {"level": "caution", "sentence": "EM may help here, with reservations (format)."}
    cell = {"verdict": verdict, "decodings": {}, "trained": {"em_ft-3e-4-1": {"curve": curve, "kept": 5}}}
    row = trained({"qwen-coder-asdiv-direct": cell}).splitlines()[-1]
    assert row == (
        "| Qwen2.5-Coder-0.5B (Q4), ASDiv, direct | EM-FT, 3e-4, seed 1 | to help | 0.200 | 0.600 at 5: **helps** "
        "| 0.500 at 10: **helps** | 0.500, 0.500, 0.500 | 0.600 at 5 |"
    )


def test_a_run_is_named_by_method_brake_rate_and_seed():
    assert run_named("em_ft-5e-5-0") == "EM-FT"
    assert run_named("em_rl_token+KL_to_the_reference_0_1-1") == "EM-RL-token (KL to the reference, 0.1), seed 1"


def test_a_gain_is_format_or_better_answers():
    plain, boxed = {"pass@1": 0.4, "format_rate": 0.8}, {"pass@1": 0.5, "format_rate": 1.0}
    assert by_format(plain, boxed) == pytest.approx(1.0)
    assert by_format(plain, {"pass@1": 0.5, "format_rate": 0.8}) == 0
    assert by_format(plain, {"pass@1": 0.9, "format_rate": 0.9}) == pytest.approx(math.log(9 / 8) / math.log(9 / 4))
    assert by_format({"pass@1": 0.0, "format_rate": 0.8}, boxed) is None
    assert by_format(plain, plain) is None


def test_the_hubs_weights_are_no_part_of_the_record():
    with pytest.raises(SystemExit, match="GGUF"):
        add({"qwen-coder-asdiv-direct": {"gguf": False, "decodings": {}, "trained": {}}})


def test_where_nothing_was_run_there_is_nothing(tmp_path):
    assert gathered(tmp_path / "absent") == {}
