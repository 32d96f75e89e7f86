"""What the embedded reasoner knows before any training: docs/tiny.md's table (`python -m benchmarks.tiny_model`)."""

import argparse

import torch
from torchmetrics.functional.classification import binary_auroc

from emlit.engines import ModelSource, Request, Sampling, default_engine
from emlit.metrics import CompletionMetrics
from emlit.modules import CausalLM
from emlit.predictions import Prediction, count_votes
from emlit.pretrained import load_tokenizer, stop_token_ids
from emlit.rollout import render
from emlit.strategies import Reply
from emlit.strategies.sampled import single_reply_turn
from emlit.tasks import TinyArithmetic
from emlit.tiny import MODEL_DIR
from emlit.tiny.problems import Difficulty

SAMPLES = 16


def measure(difficulty: Difficulty, n: int, seed: int) -> dict[str, float]:
    """Every metric of 16 samples at temperature 1 on `n` test problems, greedy pass@1, and `auroc`: how well minus the
    mean token entropy of a completion tells right from wrong."""
    tokenizer = load_tokenizer(str(MODEL_DIR))
    engine = default_engine()
    engine.start(ModelSource(str(MODEL_DIR), 256, stop_token_ids(str(MODEL_DIR), tokenizer)))
    module = CausalLM("tiny")
    module.configure_model()
    task = TinyArithmetic("test", n, seed=seed, difficulty=difficulty)
    prompts = render(task, tokenizer, 200)

    def predictions(samples: int, temperature: float) -> list[Prediction]:
        wanted = [(prompt, sample) for prompt in prompts for sample in range(samples)]
        requests = [Request(prompt.tokens, 1000 * i + sample) for i, (prompt, sample) in enumerate(wanted)]
        completions = engine.generate(requests, Sampling(temperature=temperature, max_tokens=48))
        stats = module.score_completions([request.prompt for request in requests], completions)
        texts = tokenizer.batch_decode([c.tokens for c in completions], skip_special_tokens=True)
        found = []
        for (prompt, sample), completion, text, scored in zip(wanted, completions, texts, stats, strict=True):
            turn = single_reply_turn(Reply(prompt.tokens, completion, text))
            grade = task.grade(prompt.row, text)
            found.append(Prediction.of(prompt, sample, f"T={temperature:g}", [turn], [scored], grade))
        count_votes(found, [task])
        return found

    sampled, greedy = predictions(SAMPLES, 1.0), predictions(1, 0.0)
    engine.close()
    metrics = CompletionMetrics()
    metrics.update(sampled)
    certainty = torch.tensor([-p.mean_entropy for p in sampled])
    right = torch.tensor([int(p.correct) for p in sampled])
    return {
        **{name: value.item() for name, value in metrics.compute().items()},
        "greedy": sum(p.correct for p in greedy) / len(greedy),
        "auroc": binary_auroc(certainty, right).item(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=256, help="test problems")
    parser.add_argument("--seed", type=int, default=0, help="which ones")
    arguments = parser.parse_args()
    columns = ("pass@1", "greedy", f"maj@{SAMPLES}", f"pass@{SAMPLES}", "mean_entropy", "auroc")
    lines = ["| difficulty | " + " | ".join(columns) + " |", "| --- |" + " ---: |" * len(columns)]
    for difficulty in ("default", "hard"):
        found = measure(difficulty, arguments.n, arguments.seed)
        lines.append(f"| {difficulty} | " + " | ".join(f"{found[column]:.3f}" for column in columns) + " |")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
