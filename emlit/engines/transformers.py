"""Sampling with transformers' `generate`: everywhere, exact, reproducible row by row, and slower than vLLM."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

import torch
from torch import Tensor

from emlit.decoding import Decoding
from emlit.engines.base import Completion, Engine, ModelSource, Request, Sampling
from emlit.errors import ConfigError, EngineError


class TransformersEngine(Engine):
    """A copy of the model in this process.

    Args:
        batch_size: completions sampled together
        dtype: of the copy; float32 reproduces a float32 trainer to rounding
        device: "auto" takes the GPU where there is one
    """

    def __init__(
        self,
        batch_size: int = 128,
        dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto",
        device: str = "auto",
    ) -> None:
        if batch_size < 1:
            raise ConfigError(f"batch_size is {batch_size}; it must be at least 1")
        self.batch_size = batch_size
        self.dtype = dtype
        self.device = torch.device(("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device)

    def start(self, source: ModelSource) -> None:
        from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig
        from transformers.utils import logging as transformers_logging

        transformers_logging.disable_progress_bar()  # of copying tensors; downloads have their own
        try:
            model: Any = AutoModelForCausalLM.from_pretrained(source.path, dtype=self.dtype)
        except (OSError, ValueError) as error:
            raise EngineError(f"{source.path} could not be loaded: {' '.join(str(error).split())}") from error
        self.model = model.to(self.device).eval()
        # Its own penalties and filters would otherwise apply behind our back.
        self.model.generation_config = GenerationConfig()
        self.tokenizer = AutoTokenizer.from_pretrained(source.path)
        self.source = source
        self.weights_version = 0

    @torch.inference_mode()
    def generate(
        self, requests: Sequence[Request], sampling: Sampling, on_finished: Callable[[int], None] | None = None
    ) -> list[Completion]:
        # Prompts of like length share a batch, so that little of it is padding.
        order = sorted(range(len(requests)), key=lambda i: len(requests[i].prompt))
        completions: dict[int, Completion] = {}
        for start in range(0, len(order), self.batch_size):
            batch = order[start : start + self.batch_size]
            sampled = self._generate_batch([requests[i] for i in batch], sampling)
            completions.update(zip(batch, sampled, strict=True))
            if on_finished is not None:
                on_finished(len(batch))
        return [completions[i] for i in range(len(requests))]

    def _generate_batch(self, requests: list[Request], sampling: Sampling) -> list[Completion]:
        from transformers import GenerationConfig, LogitsProcessorList

        width = max(len(request.prompt) for request in requests)
        tokens = torch.zeros(len(requests), width, dtype=torch.long)
        mask = torch.zeros_like(tokens)
        for row, request in enumerate(requests):
            tokens[row, width - len(request.prompt) :] = torch.tensor(request.prompt)
            mask[row, width - len(request.prompt) :] = 1
        steps = min(sampling.max_tokens, self.source.context - max(len(request.prompt) for request in requests))
        seeds = [request.seed for request in requests]
        draw = SeededDraw(seeds, sampling, self.decoding, steps, self.device)
        output = self.model.generate(
            tokens.to(self.device),
            attention_mask=mask.to(self.device),
            logits_processor=LogitsProcessorList([draw]),
            generation_config=GenerationConfig(
                do_sample=False,  # SeededDraw leaves one token a row
                max_new_tokens=steps,
                eos_token_id=list(self.source.stop_token_ids),
                pad_token_id=self.source.stop_token_ids[0],
                stop_strings=sampling.stop or None,
            ),
            tokenizer=self.tokenizer if sampling.stop else None,
        )
        logprobs = torch.stack(draw.logprobs, dim=1).tolist()
        return [
            self._completion(row, values, sampling)
            for row, values in zip(output[:, width:].tolist(), logprobs, strict=True)
        ]

    def _completion(self, row: list[int], logprobs: list[float], sampling: Sampling) -> Completion:
        """Cut one row of `generate` where it ended; what follows is padding."""
        length = next((i + 1 for i, token in enumerate(row) if token in self.source.stop_token_ids), len(row))
        stopped = length < len(row) or row[length - 1] in self.source.stop_token_ids
        if sampling.stop:
            for end in range(1, length + 1):
                if any(stop in self.tokenizer.decode(row[:end]) for stop in sampling.stop):
                    length, stopped = end, True
                    break
        return Completion(row[:length], logprobs[:length], "stop" if stopped else "length")

    def load_weights(self, weights: Iterable[tuple[str, Tensor]], version: int) -> None:
        own = self.model.state_dict()
        with torch.no_grad():
            for name, tensor in weights:
                if name not in own:
                    raise EngineError(f"the engine's model has no weight called {name}; are both the same model?")
                own[name].copy_(tensor)
        self.weights_version = version

    def close(self) -> None:
        if hasattr(self, "model"):
            del self.model


class SeededDraw:
    """The last logits processor of a batch: draws each row's token with that row's own seed.

    `generate` has one random state for the whole batch, so a row would depend on its neighbours. Here row i consumes
    one uniform number a step from its own generator and inverts the cumulative distribution; the chosen token alone
    keeps a finite score, and `generate` takes it.

    Args:
        seeds: one a row
        sampling: temperature and filters
        decoding: applied to the raw logits first; skipped by greedy sampling, which it would not change
        steps: the most tokens that will be drawn
        device: where the logits are
    """

    def __init__(
        self, seeds: list[int], sampling: Sampling, decoding: Decoding | None, steps: int, device: torch.device
    ) -> None:
        self.sampling, self.decoding = sampling, decoding
        uniforms = [
            torch.rand(steps, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) for seed in seeds
        ]
        self.uniforms = torch.stack(uniforms).to(device)
        self.logprobs: list[Tensor] = []

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        logits = scores.float()
        if self.decoding is not None and self.sampling.temperature > 0:  # no decoding moves the most likely token
            logits = self.decoding(logits)
        if self.sampling.temperature == 0:
            logprobs = torch.log_softmax(logits, dim=-1)
            chosen = logprobs.argmax(dim=-1, keepdim=True)
        else:
            logprobs = filter_logits(logits / self.sampling.temperature, self.sampling).log_softmax(dim=-1)
            cumulative = logprobs.double().exp().cumsum(dim=-1)
            # The total differs from 1 by rounding; scaled by it, the draw never falls off the end.
            draw = self.uniforms[:, len(self.logprobs)].unsqueeze(1) * cumulative[:, -1:]
            chosen = torch.searchsorted(cumulative, draw, right=True).clamp(max=logits.shape[1] - 1)
        self.logprobs.append(logprobs.gather(1, chosen).squeeze(1))
        return torch.full_like(scores, -torch.inf).scatter_(1, chosen, 0.0)


def filter_logits(logits: Tensor, sampling: Sampling) -> Tensor:
    """(B, V) -> (B, V), with -inf at the tokens that top-k, top-p and min-p leave out."""
    from transformers import MinPLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

    ids: Any = None  # these three look at scores alone
    scores: Any = logits
    if sampling.top_k:
        scores = TopKLogitsWarper(sampling.top_k)(ids, scores)
    if sampling.top_p < 1:
        scores = TopPLogitsWarper(sampling.top_p)(ids, scores)
    if sampling.min_p > 0:
        scores = MinPLogitsWarper(sampling.min_p)(ids, scores)
    return scores
