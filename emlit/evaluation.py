"""Measure a policy on the evaluation prompts, with the engine that it trains or predicts with."""

from emlit import progress
from emlit.metrics import CompletionMetrics
from emlit.modules import CausalLM
from emlit.strategies import Sampled

NAMES = ("pass@1", "greedy", "format_rate", "mean_entropy", "mean_length")


def evaluate(module: CausalLM) -> dict[str, float | None]:
    """Sample `data.evaluation_samples` completions of each evaluation prompt, and one greedy one.

    Calls with the same seed and weights measure the same samples; calls before and after training share their seeds, so
    that their difference has less noise than either. Every process must call it.

    Returns:
        pass@1, greedy, format_rate, mean_entropy, mean_length (None where there are no labels, or nothing is
        evaluated), and beside them pass@k, maj@k, mean_logprob and truncated
    """
    data, step = module.data, module.trainer.global_step
    if not data.evaluation_tasks:  # data.evaluation is null
        return dict.fromkeys(NAMES)
    sampled, greedy = CompletionMetrics().to(module.device), CompletionMetrics().to(module.device)
    greedily = Sampled(temperature=0.0)
    batches, once = data.evaluation_batches(data.evaluation_samples), data.evaluation_batches(1)
    name = f"evaluation after step {step}" if step else "evaluation before training"
    with module.measurement(), progress.phase(name, len(batches) + len(once), "batches", announce=True) as phase:
        for batch in batches:
            sampled.update(module.answer(batch))
            phase.advance()
        for batch in once:
            greedy.update(module.answer(batch, greedily))
            phase.advance()
    values: dict[str, float | None] = dict.fromkeys(NAMES)
    values.update({name: value.item() for name, value in sampled.compute().items()})
    if "pass@1" in (scores := greedy.compute()):
        values["greedy"] = scores["pass@1"].item()
    return values
