"""Sampled tokens with what their distributions are computed from, and statistics beyond log p and H."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from emlit.functional.certainty import linear_self_certainty, self_certainty
from emlit.functional.entropy import TokenStats, token_stats
from emlit.functional.linear import linear_token_stats
from emlit.functional.linear_loss import linear_entropy_loss
from emlit.functional.tiles import operand_dtype

_HELD_LOGITS = 2**24  # elements, of the tokens whose whole rows are held together
# Of hidden states (M, D), head (V, D), targets (M) and the temperature.
FusedStats = Callable[[Tensor, Tensor, Tensor, float], TokenStats]


@dataclass(frozen=True)
class ScoredTokens:
    """Sampled tokens, and what their distributions are computed from.

    Attributes:
        targets: (M), their ids
        states: (M, D) hidden states, or (M, V) logits where there is no head
        head: (V, D), or None
        bias: (V), or None
        softcap: of the logits, or None
        fused: computes the stats of states and head, in place of emlit's own tiles
    """

    targets: Tensor
    states: Tensor
    head: Tensor | None = None
    bias: Tensor | None = None
    softcap: float | None = None
    fused: FusedStats | None = None

    def stats(self, temperature: float) -> TokenStats:
        """log p and H of each token, (M), nats, differentiable."""
        if self.head is None:
            return token_stats(self.states, self.targets, temperature)
        if self.fused is not None and len(self.targets):
            return self.fused(self.states, self.head, self.targets, temperature)
        return linear_token_stats(self.states, self.head, self.targets, self.bias, temperature, softcap=self.softcap)

    def entropy_loss(self, token_weights: Tensor, temperature: float) -> tuple[Tensor, TokenStats]:
        """sum_i w_i H_i (a scalar, differentiable) and the stats, the latter not to be differentiated."""
        # A gradient taken before the loss is scaled would vanish in float16.
        if self.head is None or self.fused is not None or operand_dtype(self.states, self.head) == torch.float16:
            stats = self.stats(temperature)
            return (stats.entropy * token_weights).sum(), stats
        return linear_entropy_loss(
            self.states, self.head, self.targets, token_weights, self.bias, temperature, softcap=self.softcap
        )

    def with_more(self, stats: TokenStats, wanted: Collection["Stat"], temperature: float) -> "TokenStats | MoreStats":
        """`stats`, which are those at the same temperature, with what else is wanted of each token."""
        if not wanted:
            return stats
        return MoreStats(*stats, {stat: stat.of(self, stats, temperature) for stat in wanted})

    def by_rows(self, compute: Callable[[Tensor, Tensor], Tensor], differentiable: bool = False) -> Tensor:
        """`compute` of whole rows of logits (m, V), before temperature, and their targets (m): some tokens at a time.

        Returns:
            (M). With a gradient the logits are made again in the backward pass, so that they are never all there.
        """
        weight = None if self.head is None else self.head.to(operand_dtype(self.states, self.head))

        def part(states: Tensor, targets: Tensor) -> Tensor:
            return compute(self._logits(states, weight), targets)

        width = self.states.shape[1] if self.head is None else len(self.head)
        size = max(1, _HELD_LOGITS // width)
        found = []
        for start in range(0, len(self.targets), size):
            rows = self.states[start : start + size], self.targets[start : start + size]
            if differentiable:
                found.append(checkpoint(part, *rows, use_reentrant=False))
            else:
                with torch.no_grad():
                    found.append(part(*rows))
        return torch.cat(found) if found else self.states.new_zeros(0, dtype=torch.float32)

    def _logits(self, states: Tensor, weight: Tensor | None) -> Tensor:
        if weight is None:
            return states.to(torch.promote_types(states.dtype, torch.float32))
        bias = None if self.bias is None else self.bias.to(weight.dtype)
        logits = torch.nn.functional.linear(states.to(weight.dtype), weight, bias)
        logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
        return self.softcap * torch.tanh(logits / self.softcap) if self.softcap else logits


class Stat(ABC):
    """A number about each sampled token that a plug-in may need beside log p and H: a frozen dataclass of its settings.

    It is computed where a plug-in lists it in `needs`, and read as `stats.extra[stat]`, (B, T).

    Attributes:
        differentiable: whether it has a gradient
    """

    differentiable: ClassVar[bool] = False

    @abstractmethod
    def __call__(self, logits: Tensor, targets: Tensor, temperature: float) -> Tensor:
        """The statistic (m) of whole rows of logits (m, V), before temperature, and of the tokens sampled, (m)."""

    def of(self, scored: ScoredTokens, stats: TokenStats, temperature: float) -> Tensor:
        """The statistic (M) of all tokens; a cheaper way than by whole rows goes here."""
        return scored.by_rows(lambda logits, targets: self(logits, targets, temperature), self.differentiable)


class MoreStats(NamedTuple):
    """`TokenStats` with what a plug-in `needs`.

    Attributes:
        logprob: log p of the token that was sampled, nats
        entropy: entropy of the distribution that it was sampled from, nats
        extra: of the same distribution
    """

    logprob: Tensor
    entropy: Tensor
    extra: dict[Stat, Tensor]


AnyStats = TokenStats | MoreStats


def mapped(stats: AnyStats, change: Callable[[Tensor], Tensor]) -> AnyStats:
    """Stats with every tensor changed in the same way."""
    changed = change(stats.logprob), change(stats.entropy)
    if isinstance(stats, MoreStats):
        return MoreStats(*changed, {stat: change(value) for stat, value in stats.extra.items()})
    return TokenStats(*changed)


@dataclass(frozen=True)
class SelfCertainty(Stat):
    """KL(U || p), U uniform over the vocabulary, nats (arXiv 2502.18581)."""

    def __call__(self, logits: Tensor, targets: Tensor, temperature: float) -> Tensor:
        return self_certainty(logits, temperature)

    def of(self, scored: ScoredTokens, stats: TokenStats, temperature: float) -> Tensor:
        if scored.head is None:
            return super().of(scored, stats, temperature)
        return linear_self_certainty(
            scored.states, scored.head, scored.targets, stats.logprob, scored.bias, temperature, scored.softcap
        )


@dataclass(frozen=True)
class LogprobAt(Stat):
    """log p of the sampled token at another temperature than it was sampled at, nats.

    Attributes:
        temperature: a positive number
    """

    temperature: float

    def __call__(self, logits: Tensor, targets: Tensor, temperature: float) -> Tensor:
        return torch.log_softmax(logits / self.temperature, dim=-1).gather(1, targets.unsqueeze(1)).squeeze(1)


@dataclass(frozen=True)
class KeptLogprob(Stat):
    """log p of the sampled token after a min-p filter, renormalised, nats; -inf where the filter drops it.

    Attributes:
        min_p: tokens below this share of the most likely one's probability are dropped
    """

    min_p: float

    def __call__(self, logits: Tensor, targets: Tensor, temperature: float) -> Tensor:
        logprobs = torch.log_softmax(logits / temperature, dim=-1)
        least = logprobs.amax(dim=1, keepdim=True) + torch.tensor(self.min_p).log()
        kept = logprobs.masked_fill(logprobs < least, -torch.inf)
        return (kept - kept.logsumexp(dim=1, keepdim=True)).gather(1, targets.unsqueeze(1)).squeeze(1)


@dataclass(frozen=True)
class NucleusEntropy(Stat):
    """Entropy of the nucleus: of the most likely tokens whose mass stays within p, renormalised, nats; differentiable.

    The token that crosses p is left out (SIREN, arXiv 2509.25133, as coded), so that it is 0 where one token has p.

    Attributes:
        p: the nucleus's mass
    """

    p: float
    differentiable: ClassVar[bool] = True

    def __call__(self, logits: Tensor, targets: Tensor, temperature: float) -> Tensor:
        logprobs = torch.log_softmax(logits / temperature, dim=-1)
        with torch.no_grad():
            ordered, order = logprobs.exp().sort(dim=1, descending=True)
            kept = torch.zeros_like(logprobs, dtype=torch.bool).scatter(1, order, ordered.cumsum(dim=1) <= self.p)
            none = ~kept.any(dim=1)
        inside = torch.where(kept, logprobs, torch.finfo(logprobs.dtype).min)
        inside = torch.log_softmax(inside, dim=1)
        terms = torch.where(kept, inside.exp() * inside.masked_fill(~kept, 0.0), 0.0)
        return torch.where(none, logprobs.detach().amax(dim=1) * 0.0, -terms.sum(dim=1))  # nan stays nan
