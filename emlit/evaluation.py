"""Measure a policy on the evaluation prompts, with the engine that it trains or predicts with."""

from emlit.metrics import CompletionMetrics
from emlit.modules import CausalLM
from emlit.rollout import evaluation_batches
from emlit.strategies import Sampled

NAMES = ("pass@1", "greedy", "format_rate", "mean_entropy", "mean_length")


def evaluate(module: CausalLM) -> dict[str, float | None]:
    """Sample `data.evaluation_samples` completions of each evaluation prompt, and one greedy one.

    Calls with the same seed and weights measure the same samples; calls before and after training share their seeds, so
    that their difference has less noise than either. Every process must call it.

    Returns:
        pass@1, greedy, format_rate, mean_entropy, mean_length (None where there are no labels), and beside them
        pass@k, maj@k, mean_logprob and truncated
    """
    data = module.data
    sampled = CompletionMetrics().to(module.device)
    for batch in evaluation_batches(data, data.evaluation_samples):
        sampled.update(module.answer(batch))
    greedy = CompletionMetrics().to(module.device)
    greedily = Sampled(temperature=0.0, decoding=data.engine.decoding)
    for batch in evaluation_batches(data, 1):
        greedy.update(module.answer(batch, greedily))
    values: dict[str, float | None] = dict.fromkeys(NAMES)
    values.update({name: value.item() for name, value in sampled.compute().items()})
    if "pass@1" in (scores := greedy.compute()):
        values["greedy"] = scores["pass@1"].item()
    return values
