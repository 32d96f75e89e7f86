"""What the model made of each token that vLLM drew, taken where it was drawn."""

from typing import Any

import torch
from torch import Tensor

from emlit.decoding.adam import measure
from emlit.functional import TokenStats


class DrawnStats:
    """Log p and H of the tokens that an engine in this process draws: of the model's own logits, at temperature 1.

    It looks into vLLM's V1 model runner, before a decoding, temperature and filters change the logits and after the
    draw. The host does not wait: numbers stay on the device until a completion ends.

    Args:
        llm: a started vllm.LLM; where its runner is another one, or drafts tokens, nothing is known of any token
    """

    def __init__(self, llm: Any) -> None:
        self._steps: list[tuple[list[tuple[str, int] | None], Tensor, Tensor]] = []
        self._known: dict[str, dict[int, tuple[float, float]]] = {}
        try:
            self._runner = llm.llm_engine.model_executor.driver_worker.worker.model_runner
            sampler, _ = self._runner.sampler, self._runner.discard_request_mask
        except AttributeError:
            return
        if isinstance(sampler, torch.nn.Module):
            sampler.register_forward_pre_hook(self._before, with_kwargs=True)
            sampler.register_forward_hook(self._after)

    def clear(self) -> None:
        """Forget all requests."""
        self._steps.clear()
        self._known.clear()

    def take(self, request: str, prompt: int, tokens: int) -> TokenStats | None:
        """Of a request that has ended.

        Args:
            request: the id that its output carries
            prompt: length, in tokens
            tokens: how many were drawn

        Returns:
            (tokens,) float32, on the CPU; None where one of them was not seen
        """
        for places, logprobs, entropies in self._steps:
            for place, logprob, entropy in zip(places, logprobs.tolist(), entropies.tolist(), strict=True):
                if place is not None:
                    self._known.setdefault(place[0], {})[place[1]] = logprob, entropy
        self._steps.clear()
        known = self._known.pop(request, {})
        if any(place not in known for place in range(prompt, prompt + tokens)):
            return None
        found = torch.tensor([known[place] for place in range(prompt, prompt + tokens)], dtype=torch.float32)
        return TokenStats(*found.view(-1, 2).unbind(dim=1))

    def _before(self, sampler: Any, args: Any, kwargs: dict[str, Any]) -> None:
        logits = args[0] if args else kwargs["logits"]
        self._logits = logits.to(torch.float32, copy=True)

    def _after(self, sampler: Any, args: Any, output: Any) -> None:
        logits = self._logits
        del self._logits
        ids = self._runner.input_batch.req_ids[: len(logits)]
        if len(ids) != len(logits):  # not vLLM's own warming up with rows of nobody's
            return
        lengths = self._runner.optimistic_seq_lens_cpu[: len(ids)].tolist()
        # After a part of a prompt a token is drawn that nobody keeps.
        unkept = self._runner.discard_request_mask.np[: len(ids)].tolist()
        places = [
            None if dropped else (id.partition("-")[0], length)
            for id, length, dropped in zip(ids, lengths, unkept, strict=True)
        ]
        _, lse, entropy = measure(logits)
        logprob = logits.gather(1, output.sampled_token_ids[:, :1].long()) - lse
        self._steps.append((places, logprob.squeeze(1), entropy.squeeze(1)))
