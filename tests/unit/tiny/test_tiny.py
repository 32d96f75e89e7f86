"""The embedded reasoner half-knows its task, and its confidence means something."""

import re

import pytest

from benchmarks.tiny_model import measure
from emlit.errors import ConfigError
from emlit.tasks import TinyArithmetic
from emlit.tiny import MODEL_DIR, problems
from emlit.tiny.problems import evaluate


@pytest.mark.parametrize("difficulty", ["default", "hard"])
def test_splits_do_not_overlap(difficulty):
    n = 60 if difficulty == "hard" else 500
    found = {
        split: {row["expression"] for seed in range(3) for row in problems(split, n, seed, difficulty)}
        for split in ("train", "validation", "test")
    }
    assert not found["train"] & found["validation"]
    assert not found["train"] & found["test"]
    assert not found["validation"] & found["test"]


@pytest.mark.parametrize("difficulty", ["default", "hard"])
def test_problems_are_right_and_differ(difficulty):
    rows = problems("train", 300, 1, difficulty)
    assert len({row["id"] for row in rows}) == len({row["expression"] for row in rows}) == 300
    for row in rows:
        assert re.fullmatch(r"[\d+*-]+", row["expression"])
        assert row["answer"] == str(eval(row["expression"]))
        assert int(row["answer"]) >= 0
        assert row["expression"] in row["prompt"]
    assert problems("train", 300, 1, difficulty) == rows
    assert problems("train", 300, 2, difficulty) != rows


def test_all_problems_of_a_split_can_be_had():
    assert len({row["id"] for row in problems("validation", 980, 0, "hard")}) == 980


def test_more_than_there_are_is_refused_at_once():
    with pytest.raises(ConfigError, match="TinyArithmetic: n is 99999999999999999999; "):
        TinyArithmetic(n=99999999999999999999).rows()


def test_evaluate_by_hand():
    assert evaluate(20, "-", 3, "*", 4) == 8
    assert evaluate(20, "-", 3, "+", 4) == 21


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("dev", 1), "split is 'dev'"),
        (("test", 1, 0, "easy"), "difficulty is 'easy'"),
        (("test", 1036, 0, "hard"), "n is 1036; the test split of difficulty hard gives no more problems than 1035"),
        (("train", 10**20), "n is 100000000000000000000; .* gives no more problems than 1300000"),
        (("validation", 160_001), "more problems"),
    ],
)
def test_bad_arguments(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        problems(*arguments)


def test_model_is_small():
    assert (MODEL_DIR / "model.safetensors").stat().st_size < 8e6


@pytest.mark.nightly
def test_half_knows_the_default_task():
    found = measure("default", n=200, seed=1)
    assert 0.3 <= found["pass@1"] <= 0.6
    assert found["maj@16"] >= found["pass@1"] + 0.15
    assert found["pass@1"] < found["greedy"] < 0.95
    assert found["auroc"] >= 0.75


@pytest.mark.nightly
def test_confidence_misleads_on_the_hard_task():
    found = measure("hard", n=200, seed=1)
    assert found["pass@16"] > 0.8  # it can do it,
    assert found["auroc"] < 0.45  # but is surer of the wrong way
