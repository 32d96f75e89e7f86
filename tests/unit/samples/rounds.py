"""Rounds written by hand."""

from collections.abc import Sequence

import torch

from emlit.engines import Completion
from emlit.functional import TokenStats
from emlit.modules import StepOutput
from emlit.rollout import Group, Prompt, RolloutBatch
from emlit.samples import Sample
from emlit.tasks import Row, TinyArithmetic


def make_text_group(tokenizer, prompt: str, texts: Sequence[str], answer: str | None = "1") -> Group:
    """A group whose completions have these texts and then the end token."""

    def encode(text: str) -> list[int]:
        return tokenizer(text, add_special_tokens=False)["input_ids"]

    tokens = [[*encode(text), tokenizer.eos_token_id] for text in texts]
    completions = [Completion(each, [-0.5] * len(each), "stop") for each in tokens]
    row = Row(id=f"row {prompt}", prompt=prompt, answer=answer)
    return Group(Prompt(TinyArithmetic("train", n=1), row, encode(prompt)), completions, list(texts))


def make_record(
    batch: RolloutBatch,
    entropy: Sequence[Sequence[float]] = (),
    logprob: Sequence[Sequence[float]] = (),
    reward: Sequence[float] | None = None,
) -> StepOutput:
    """The first tokens of each row have these stats, the rest 0; an advantage is twice its reward."""
    mask = batch.completion_mask
    found = []
    for given in (logprob, entropy):
        values = torch.zeros(mask.shape)
        for row, numbers in enumerate(given):
            first = int(mask[row].nonzero()[0])
            values[row, first : first + len(numbers)] = torch.tensor(numbers)
        found.append(values)
    values = {}
    if reward is not None:
        values = {"reward": torch.tensor(reward), "advantage": 2 * torch.tensor(reward).unsqueeze(1).expand(mask.shape)}
    return StepOutput(batch, TokenStats(*found), values, torch.tensor(0.0), found[1])


def make_sample(step: int = 1, texts: Sequence[str] = ("a", "b"), **fields) -> Sample:
    """A sample of these token texts, each with 0.3 nats and log p -0.2 unless `entropies` says otherwise."""
    entropies = fields.pop("entropies", [0.3] * len(texts))
    tokens = [(text, entropy, -0.2) for text, entropy in zip(texts, entropies, strict=True)]
    known = [entropy for entropy in entropies if entropy is not None]
    defaults = {
        "task": "tiny", "id": "row", "sample": 0, "prompt": "What?", "input": "<|user|>What?", "omitted": None,
        "answer": "1", "label": "1", "correct": True, "mean_entropy": sum(known) / len(known), "mean_logprob": -0.2,
        "reward": None, "advantage": None, "finish_reason": "stop", "length": len(tokens),
    }  # fmt: skip
    return Sample(step=step, tokens=tokens, **(defaults | fields))
