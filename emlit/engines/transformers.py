"""Sampling with transformers' `generate`: everywhere, exact, reproducible row by row, and slower than vLLM."""

import inspect
import itertools
import logging
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal

import torch
from torch import Tensor

from emlit import progress
from emlit.engines.base import Engine, ModelSource, OnFinished
from emlit.engines.padding import ignores_padding
from emlit.engines.seeded_draw import SeededDraw
from emlit.engines.stop_strings import StopStrings
from emlit.errors import EngineError, require_at_least
from emlit.functional import TokenStats
from emlit.pretrained import load_model, load_tokenizer
from emlit.records import Completion, FinishReason, Request, Sampling

log = logging.getLogger(__name__)

# Steps of `generate` between looks at which rows have ended.
_PHASE = 8


class TransformersEngine(Engine):
    """The model in this process; weights of a trainer's that have its dtype and device are shared, others copied.

    Args:
        batch_size: completions sampled together
        dtype: of the copy; float32 reproduces a float32 trainer to rounding
        device: "auto" takes the GPU where there is one
    """

    starting = "loading the engine's model"

    def __init__(
        self,
        batch_size: int = 128,
        dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto",
        device: str = "auto",
    ) -> None:
        require_at_least(1, batch_size=batch_size)
        self.batch_size = batch_size
        self.dtype = dtype
        self.rows_are_independent = True
        self.device = torch.device(("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device)

    def start(self, source: ModelSource) -> None:
        from transformers import GenerationConfig

        dtype = self.dtype if self.dtype == "auto" else getattr(torch, self.dtype)
        model: Any = load_model(source.path, dtype, source.trust_remote_code)
        self.model = model.to(self.device).eval()
        self.float32 = self.model.dtype == torch.float32
        self.weights_dtype = None if self.float32 else self.model.dtype
        # Its own penalties and filters would otherwise apply behind our back.
        self.model.generation_config = GenerationConfig()
        self.tokenizer = load_tokenizer(source.path, source.trust_remote_code)
        self.source = source
        self.weights_version = 0
        self.rows_are_independent = ignores_padding(self.model, self.device)
        if not self.rows_are_independent:
            log.warning("padding would change what %s draws: completions are sampled one by one", source.path)

    @torch.inference_mode()
    def generate(
        self, requests: Sequence[Request], sampling: Sampling, on_finished: OnFinished | None = None
    ) -> list[Completion]:
        # Prompts of like length share a batch, so that little of it is padding.
        order = sorted(range(len(requests)), key=lambda i: len(requests[i].prompt))
        for request in requests:
            if not 0 < len(request.prompt) < self.source.context:
                raise EngineError(
                    f"a prompt has {len(request.prompt)} tokens; with a context of {self.source.context} it must have "
                    f"1 to {self.source.context - 1}"
                )
        completions: dict[int, Completion] = {}
        for batch in self._batches(order, [self._room(request, sampling) for request in requests]):
            tell = None if on_finished is None else _for_rows(batch, on_finished)
            sampled = self._generate_batch([requests[i] for i in batch], sampling, tell)
            completions.update(zip(batch, sampled, strict=True))
        return [completions[i] for i in range(len(requests))]

    def _room(self, request: Request, sampling: Sampling) -> int:
        """The most tokens that may be sampled after a prompt."""
        return min(sampling.max_tokens, self.source.context - len(request.prompt))

    def _batches(self, order: list[int], rooms: list[int]) -> Iterator[list[int]]:
        """Cut into batches of one room each: a prompt near the context's end must not cut its neighbours short."""
        for _, group in itertools.groupby(order, rooms.__getitem__):
            same = list(group)
            size = self.batch_size if self.rows_are_independent else 1
            yield from (same[start : start + size] for start in range(0, len(same), size))

    def _generate_batch(
        self, requests: list[Request], sampling: Sampling, on_finished: OnFinished | None = None
    ) -> list[Completion]:
        width = max(len(request.prompt) for request in requests)
        tokens = torch.zeros(len(requests), width, dtype=torch.long)
        mask = torch.zeros_like(tokens)
        for row, request in enumerate(requests):
            tokens[row, width - len(request.prompt) :] = torch.tensor(request.prompt)
            mask[row, width - len(request.prompt) :] = 1
        steps = self._room(requests[0], sampling)  # they share it
        draw = SeededDraw([request.seed for request in requests], sampling, steps, self.device)
        rows: list[tuple[list[int], list[Tensor]]] = [([], []) for _ in requests]
        found: dict[int, Completion] = {}

        def finish(index: int) -> None:
            tokens, stats = rows[index][0], torch.cat(rows[index][1])
            if stats[:, 0].isnan().any():
                raise EngineError(
                    f"the model's logits are nan, with weights of version {self.weights_version} (0 are those on "
                    "disk): they hold nan or infinite numbers, or overflow in the engine's dtype; give others, or "
                    "another dtype"
                )
            found[index] = self._completion(tokens, stats, sampling)
            if on_finished is not None:
                on_finished(index, found[index])

        for indices, sampled, stats in self._phases(
            tokens.to(self.device), mask.to(self.device), draw, sampling, steps
        ):
            # Those that the last phase had and this one has not have ended.
            for index in set(range(len(rows))).difference(indices, found):
                finish(index)
            for index, more, values in zip(indices, sampled.tolist(), stats.cpu(), strict=True):
                rows[index][0].extend(more)
                rows[index][1].append(values)
            progress.under_way(sum(len(rows[index][0]) for index in indices))
        progress.under_way(0)
        for index in range(len(rows)):
            if index not in found:
                finish(index)
        return [found[index] for index in range(len(rows))]

    def _phases(
        self, tokens: Tensor, mask: Tensor, draw: SeededDraw, sampling: Sampling, steps: int
    ) -> Iterator[tuple[list[int], Tensor, Tensor]]:
        """A few steps of `generate` at a time; after each, rows that have ended leave the batch and its cache.

        Yields:
            Whose the rows are, by request, the tokens sampled for them (R, S) and what `SeededDraw.take` says of them
        """
        from transformers import GenerationConfig, LogitsProcessorList, StoppingCriteriaList

        indices, cache = list(range(len(tokens))), self._shared_prefix(tokens, mask)
        stop_ids = torch.tensor(self.source.stop_token_ids, device=tokens.device)
        # What a stop string ends, only `generate` knows; and only an attention's cache can lose rows.
        whole = bool(sampling.stop) or not self._attention_only()
        stopping = StoppingCriteriaList()
        if sampling.stop:
            stopping.append(StopStrings(self.tokenizer, sampling.stop, tokens.shape[1]))  # type: ignore[arg-type]
        while indices and steps:
            span = steps if whole else min(_PHASE, steps)
            output = self.model.generate(
                tokens,
                attention_mask=mask,
                **({} if cache is None else {"past_key_values": cache}),
                logits_processor=LogitsProcessorList([draw]),
                generation_config=GenerationConfig(
                    do_sample=False,  # SeededDraw leaves one token a row
                    max_new_tokens=span,
                    eos_token_id=list(self.source.stop_token_ids),
                    pad_token_id=self.source.stop_token_ids[0],
                    return_dict_in_generate=True,
                ),
                stopping_criteria=stopping,
            )
            sampled = output.sequences[:, tokens.shape[1] :]
            yield indices, sampled, draw.take()
            steps = 0 if whole else steps - sampled.shape[1]
            if not steps:
                return
            keep = (~torch.isin(sampled, stop_ids).any(dim=1)).nonzero().squeeze(1)
            cache, tokens = output.past_key_values, output.sequences
            mask = torch.cat([mask, mask.new_ones(sampled.shape)], dim=1)
            if len(keep) < len(indices) and len(keep):
                cache.batch_select_indices(keep)
                tokens, mask = tokens[keep], mask[keep]
                draw.keep(keep)
            indices = [indices[row] for row in keep.tolist()]

    def _shared_prefix(self, tokens: Tensor, mask: Tensor) -> Any:
        """The cache of the prompts but for their last token, where rows share a prompt: it is read once, for all."""
        from transformers import DynamicCache

        prompts, places = torch.unique(torch.where(mask.bool(), tokens, -1), dim=0, return_inverse=True)
        if len(prompts) == len(tokens) or tokens.shape[1] == 1 or not self._attention_only():
            return None
        first = torch.stack([(places == number).nonzero()[0, 0] for number in range(len(prompts))])
        cache, read = DynamicCache(config=self.model.config), mask[first, :-1]
        self.model.base_model(
            tokens[first, :-1],
            attention_mask=read,
            position_ids=(read.cumsum(1) - 1).clamp(min=0),
            past_key_values=cache,
            use_cache=True,
        )
        cache.batch_select_indices(places)
        return cache

    def _attention_only(self) -> bool:
        """Whether the model's cache is that of attention layers alone, from which rows can be taken out."""
        from transformers import DynamicCache

        if self.model._is_stateful or not self.model._supports_default_dynamic_cache():
            return False
        if "past_key_values" not in inspect.signature(self.model.forward).parameters:
            return False
        layers = DynamicCache(config=self.model.config).layers
        return all(hasattr(layer, "batch_select_indices") for layer in layers)

    def _completion(self, row: list[int], stats: Tensor, sampling: Sampling) -> Completion:
        """Cut one row of `generate` where it ended; what follows is padding."""
        length = next((i + 1 for i, token in enumerate(row) if token in self.source.stop_token_ids), len(row))
        stopped = length < len(row) or row[length - 1] in self.source.stop_token_ids
        if sampling.stop:
            for end in range(1, length + 1):
                if any(stop in self.tokenizer.decode(row[:end]) for stop in sampling.stop):
                    length, stopped = end, True
                    break
        logprobs, *own = stats[:length].unbind(dim=1)
        finish_reason: FinishReason = "stop" if stopped else "length"
        return Completion(row[:length], logprobs.tolist(), finish_reason, stats=TokenStats(*own))

    def load_weights(self, weights: Iterable[tuple[str, Tensor]], version: int) -> None:
        """Take the weights over; those of the same dtype and device are shared with their owner, not copied."""
        own = {**dict(self.model.named_parameters(remove_duplicate=False)), **dict(self.model.named_buffers())}
        with torch.no_grad():
            for name, tensor in weights:
                if name not in own:
                    raise EngineError(f"the engine's model has no weight called {name}; are both the same model?")
                if (tensor.dtype, tensor.device, tensor.shape) == (own[name].dtype, own[name].device, own[name].shape):
                    own[name].data = tensor.detach()
                else:
                    own[name].copy_(tensor)
        self.weights_version = version

    def close(self) -> None:
        if hasattr(self, "model"):
            del self.model


def _for_rows(batch: list[int], on_finished: OnFinished) -> OnFinished:
    """Told of a batch's rows by their places in it, tells of the requests that they are."""
    return lambda row, completion: on_finished(batch[row], completion)
