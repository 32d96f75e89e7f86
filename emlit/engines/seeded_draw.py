"""Drawing tokens for transformers' `generate`, each row with its own seed."""

from typing import Any

import torch
from torch import Tensor

from emlit.functional.entropy import token_stats
from emlit.records import Sampling


class SeededDraw:
    """The last logits processor of a batch: draws each row's token with that row's own seed.

    `generate` has one random state for the whole batch, so a row would depend on its neighbours. Here row i consumes
    one uniform number a step from its own generator and inverts the cumulative distribution; the chosen token gets an
    infinite score, and `generate` takes it.

    Args:
        seeds: one a row
        sampling: temperature, filters, and the decoding of the raw logits before them
        steps: the most tokens that will be drawn
        device: where the logits are
    """

    def __init__(self, seeds: list[int], sampling: Sampling, steps: int, device: torch.device) -> None:
        self.sampling = sampling
        uniforms = [
            torch.rand(steps, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) for seed in seeds
        ]
        self.uniforms = torch.stack(uniforms).to(device)
        self.step = 0
        self.drawn: list[Tensor] = []

    def take(self) -> Tensor:
        """Of the tokens drawn since the last call, (B, steps, 3): log p as drawn, and the model's own log p and H."""
        taken, self.drawn = torch.stack(self.drawn, dim=1), []
        return taken

    def keep(self, rows: Tensor) -> None:
        """Go on with these rows of the batch alone."""
        self.uniforms = self.uniforms[rows]

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        logits = raw = scores.float()
        if self.sampling.temperature == 0:  # greedy: no decoding is asked
            logprobs = torch.log_softmax(logits, dim=-1)
            chosen = logprobs.argmax(dim=-1, keepdim=True)
        else:
            if self.sampling.decoding is not None:
                logits = self.sampling.decoding(logits)
            if self.sampling.temperature != 1:
                logits = logits / self.sampling.temperature
            logprobs = filter_logits(logits, self.sampling).log_softmax(dim=-1)
            chosen = invert(logprobs.exp(), self.uniforms[:, self.step].unsqueeze(1))
        self.step += 1
        chosen_logprob = logprobs.gather(1, chosen).squeeze(1)
        self.drawn.append(torch.stack([chosen_logprob, *token_stats(raw, chosen.squeeze(1))], dim=1))
        return scores.scatter_(1, chosen, torch.inf)  # `generate` takes the largest


def invert(p: Tensor, uniforms: Tensor, block: int = 512) -> Tensor:
    """The first token at which the cumulative sum of p, in float64, exceeds a share of its total.

    A running sum over a whole vocabulary would cost more than its softmax: blocks are summed, and only the block in
    which the draw falls is gone through.

    Args:
        p: (B, V), not negative, float32
        uniforms: (B, 1), float64 in [0, 1)
        block: tokens

    Returns:
        (B, 1), int64; never a token with p = 0
    """
    vocabulary = p.shape[1]
    whole = vocabulary // block * block
    sums = p[:, :whole].unflatten(1, (-1, block)).sum(dim=2, dtype=torch.float64)
    rest = p[:, whole:].sum(dim=1, keepdim=True, dtype=torch.float64)
    upto = torch.cat([sums, rest], dim=1).cumsum(dim=1)
    draw = uniforms * upto[:, -1:]
    index = _first_above(upto, draw)
    draw = draw - torch.where(index > 0, upto.gather(1, (index - 1).clamp(min=0)), 0.0)
    tokens = index * block + torch.arange(block, device=p.device)
    inside = p.gather(1, tokens.clamp(max=vocabulary - 1)).double().masked_fill(tokens >= vocabulary, 0.0)
    return (index * block + _first_above(inside.cumsum(dim=1), draw)).clamp(max=vocabulary - 1)


def _first_above(cumulative: Tensor, draw: Tensor) -> Tensor:
    """The first column whose cumulative sum exceeds the draw; where rounding leaves none, the last that adds to it."""
    last = torch.searchsorted(cumulative, cumulative[:, -1:].contiguous())
    # Of nan there is none, and an index out of bounds would take a GPU down: the log-probability tells.
    last = last.clamp(max=cumulative.shape[1] - 1)
    return torch.minimum(torch.searchsorted(cumulative, draw, right=True), last)


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
