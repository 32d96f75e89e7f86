"""What others do, written from its description: the other side of the benchmarks, and of some tests."""

import json
import time
from pathlib import Path
from typing import Any

import torch
import transformers.models.qwen2.modeling_qwen2  # noqa: F401 (lazily imported otherwise, and counted as memory)
from torch import Tensor
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast

from emlit.decoding import EntropyMinimization


@torch.enable_grad()
def adam_on_logits(row: Tensor, decoding: EntropyMinimization) -> Tensor:
    """EM-INF of one row of logits (V), by autograd and torch.optim.Adam, as paper and released code describe it."""
    z = row.detach().clone().requires_grad_()
    optimizer = torch.optim.Adam([z], lr=decoding.learning_rate)
    start = torch.softmax(z.detach(), dim=-1)
    for _ in range(decoding.steps):
        logp = torch.log_softmax(z, dim=-1)
        entropy = -(logp.exp() * logp).sum()
        if entropy < decoding.threshold:
            break
        divergence = (start * (start.log() - logp)).sum()
        optimizer.zero_grad()
        (entropy + decoding.kl_weight * divergence).backward()
        optimizer.step()
    return z.detach()


class OneShotEM:
    """The one-shot-EM training loop's way of working, re-implemented from its description.

    Micro-batches of 2 prompts; for each, `generate` without a cache, whole logits, the entropy of softmax(z / 0.5)
    averaged over the generated tokens, backward; AdamW once all are through. (Its masks, which count padding and miss
    the first token, are not repeated here.)

    Args:
        model: a Hugging Face directory with prompts.json
        tokens: of a completion at most
    """

    micro_batch = 2
    temperature = 0.5

    def __init__(self, model: str, tokens: int) -> None:
        self.model = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32).train()
        self.tokenizer = PreTrainedTokenizerFast.from_pretrained(model, padding_side="left")
        self.prompts = json.loads((Path(model) / "prompts.json").read_text())
        self.tokens, self.seconds, self.lengths = tokens, {"generate": 0.0, "forward_backward": 0.0}, []

    def run(self, steps: int, batch: int) -> dict[str, Any]:
        optimizer = torch.optim.AdamW(self.model.parameters(), lr=1e-6)
        found = []
        for step in range(steps):
            started = time.perf_counter()
            self.seconds = dict.fromkeys(self.seconds, 0.0)
            for first in range(0, batch, self.micro_batch):
                places = range(step * batch + first, step * batch + first + self.micro_batch)
                self._micro_step([self.prompts[i % len(self.prompts)] for i in places], batch // self.micro_batch)
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
            found.append({"step": time.perf_counter() - started, **self.seconds, "sync": 0.0})
        return {"steps": found, "length": sum(self.lengths) / len(self.lengths)}

    def _micro_step(self, prompts: list[str], micro_batches: int) -> None:
        inputs = self.tokenizer(prompts, return_tensors="pt", padding=True, return_token_type_ids=False)
        width = inputs["input_ids"].shape[1]
        started = time.perf_counter()
        with torch.no_grad():
            output = self.model.generate(
                **inputs, max_new_tokens=self.tokens, do_sample=True, top_k=0, use_cache=False,
                pad_token_id=self.tokenizer.pad_token_id,
            )  # fmt: skip
        generated = time.perf_counter()
        sampled = output[:, width:]
        ended = (sampled == self.model.generation_config.eos_token_id).cumsum(dim=1)
        mask = ended - (sampled == self.model.generation_config.eos_token_id).long() == 0
        attention = torch.cat([inputs["attention_mask"], mask.long()], dim=1)
        logits = self.model(input_ids=output, attention_mask=attention).logits[:, width - 1 : -1]
        logprobs = torch.log_softmax(logits / self.temperature, dim=-1)
        entropy = -(logprobs.exp() * logprobs).sum(-1)
        ((entropy * mask).sum() / mask.sum() / micro_batches).backward()
        self.lengths += mask.sum(dim=1).tolist()
        self.seconds["generate"] += generated - started
        self.seconds["forward_backward"] += time.perf_counter() - generated
