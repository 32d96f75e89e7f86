"""The embedded reasoner half-knows its task, and its confidence means something."""

import re

import pytest
import torch
from torchmetrics.functional.classification import binary_auroc

from emlit.engines import ModelSource, Request, Sampling, default_engine
from emlit.metrics import CompletionMetrics
from emlit.modules import CausalLM
from emlit.pretrained import stop_token_ids
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


def test_evaluate_by_hand():
    assert evaluate(20, "-", 3, "*", 4) == 8
    assert evaluate(20, "-", 3, "+", 4) == 21


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("dev", 1), "split is 'dev'"),
        (("test", 1, 0, "easy"), "difficulty is 'easy'"),
        (("test", 10**5, 0, "hard"), "more problems"),
    ],
)
def test_bad_arguments(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        problems(*arguments)


def test_model_is_small():
    assert (MODEL_DIR / "model.safetensors").stat().st_size < 8e6


def measure(tokenizer, difficulty: str) -> tuple[dict[str, float], float, float]:
    """(metrics of 16 samples, greedy pass@1, AUROC of -mean entropy) on 200 test problems."""
    from emlit.predictions import Prediction
    from emlit.rollout import render

    engine = default_engine()
    engine.start(ModelSource(str(MODEL_DIR), 256, stop_token_ids(str(MODEL_DIR), tokenizer)))
    module = CausalLM("tiny")
    module.configure_model()
    prompts = render(TinyArithmetic("test", 200, seed=1, difficulty=difficulty), tokenizer, 200)

    def predictions(samples: int, temperature: float) -> list[Prediction]:
        wanted = [(prompt, i) for prompt in prompts for i in range(samples)]
        requests = [Request(prompt.tokens, 1000 * n + i) for n, (prompt, i) in enumerate(wanted)]
        completions = engine.generate(requests, Sampling(temperature=temperature, max_tokens=48))
        stats = module.score_completions([r.prompt for r in requests], completions)
        texts = tokenizer.batch_decode([c.tokens for c in completions], skip_special_tokens=True)
        return [
            Prediction.of(prompt, i, *found)
            for (prompt, i), *found in zip(wanted, completions, texts, stats, strict=True)
        ]

    sampled, greedy = predictions(16, 1.0), predictions(1, 0.0)
    engine.close()
    metrics = CompletionMetrics()
    metrics.update(sampled)
    auroc = binary_auroc(
        torch.tensor([-p.mean_entropy for p in sampled]), torch.tensor([int(p.correct) for p in sampled])
    )
    return (
        {name: value.item() for name, value in metrics.compute().items()},
        sum(p.correct for p in greedy) / len(greedy),
        auroc.item(),
    )


@pytest.mark.slow
def test_half_knows_the_default_task(tokenizer):
    metrics, greedy, auroc = measure(tokenizer, "default")
    assert 0.3 <= metrics["pass@1"] <= 0.6
    assert metrics["maj@16"] >= metrics["pass@1"] + 0.15
    assert metrics["pass@1"] < greedy < 0.95
    assert auroc >= 0.75


@pytest.mark.slow
def test_confidence_misleads_on_the_hard_task(tokenizer):
    metrics, _, auroc = measure(tokenizer, "hard")
    assert metrics["pass@16"] > 0.8  # it can do it,
    assert auroc < 0.45  # but is surer of the wrong way
