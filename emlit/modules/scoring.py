"""What the policy makes of tokens, whoever drew them."""

import contextlib
import logging
from collections.abc import Collection
from operator import itemgetter
from typing import TYPE_CHECKING

import lightning as L
import torch
from torch import Tensor

from emlit import progress
from emlit.engines import Engine
from emlit.functional import AnyStats, ScoredTokens, Stat, TokenStats, mapped
from emlit.functional.reduction import flat_positions
from emlit.parallel import is_sharded, release
from emlit.policy.loading import Dtype
from emlit.policy.passes import in_passes, shared_prefix
from emlit.policy.scoring import Scorer
from emlit.processes import all_gather
from emlit.records import Completion
from emlit.rollout import RolloutDataModule, pad_rows

if TYPE_CHECKING:
    from transformers import PreTrainedModel

log = logging.getLogger(__name__)

# What an engine knows of a token is believed where the model says the same to so many nats.
_GAP = 1e-3


class ScoringModule(L.LightningModule):
    """A LightningModule with a causal language model, which scores completions.

    Attributes:
        model: None before `configure_model`, and where the module does not score
        scorer: how it is forwarded
        dtype_name: of its weights
        scoring_tokens: padded tokens scored in one forward pass
    """

    scorer: Scorer
    dtype_name: Dtype
    scoring_tokens: int

    def __init__(self) -> None:
        super().__init__()
        self.model: PreTrainedModel | None = None
        self._agreed: tuple[int, bool] | None = None  # the weights that were last compared with the engine's

    @property
    def data(self) -> RolloutDataModule:
        return self.trainer.datamodule  # type: ignore[attr-defined]

    @property
    def engine(self) -> Engine:
        return self.data.engine

    def token_stats(
        self,
        tokens: Tensor,
        completion_mask: Tensor,
        temperature: float,
        entropy_temperature: float | None = None,
        model: "PreTrainedModel | None" = None,
        needs: Collection[Stat] = (),
        positions: Tensor | None = None,
        shared: int = 0,
    ) -> AnyStats:
        """Log-probability and entropy of each sampled token, in one forward pass.

        A sampled token is never first in its row: a prompt stands before it.

        Args:
            tokens: (B, T), padded to the right
            completion_mask: (B, T), bool, true on the tokens to score
            temperature: of log p, and of H unless `entropy_temperature` is set
            entropy_temperature: of H
            model: the policy unless given
            needs: what else is wanted of each token, at `temperature`
            positions: (M,), where the mask is true, counted along its rows; found here unless given, which on a GPU
                means to wait for it
            shared: as of `Scorer`

        Returns:
            TokenStats, or MoreStats where more is needed, of (B, T) float32, nats; 0 outside of `completion_mask`
        """

        def compute(scored: ScoredTokens) -> AnyStats:
            stats = scored.stats(temperature)
            if entropy_temperature is not None and entropy_temperature != temperature:
                stats = TokenStats(stats.logprob, scored.stats(entropy_temperature).entropy)
            return scored.with_more(stats, needs, temperature)

        positions = flat_positions(completion_mask) if positions is None else positions
        model = self.model if model is None else model
        assert model is not None
        stats = self.scorer(model, tokens, positions, compute, shared)
        return self.in_place(stats, positions, completion_mask.shape)

    @staticmethod
    def in_place(stats: AnyStats, positions: Tensor, shape: torch.Size) -> AnyStats:
        """The stats (M) of the scored tokens, each where its token is: (B, T), 0 elsewhere."""
        zeros = stats.logprob.new_zeros(shape.numel())
        return mapped(stats, lambda value: zeros.index_copy(0, positions, value.to(zeros.dtype)).view(shape))

    @torch.no_grad()
    def score_completions(
        self, prompts: list[list[int]], completions: list[Completion], temperature: float = 1.0
    ) -> list[TokenStats]:
        """The model's own stats at a temperature, whatever the completions were sampled with: (length,) each.

        Where the model is sharded every process must call it, though it may have nothing to score.
        """
        rows = [(prompt, completion.tokens) for prompt, completion in zip(prompts, completions, strict=True)]
        by_length = sorted(range(len(rows)), key=lambda row: len(rows[row][0]) + len(rows[row][1]))  # little is padded
        assert self.model is not None
        was_training = self.model.training
        self.model.eval()
        # Evaluation inside fit runs in callbacks, outside of the trainer's autocast.
        precision = self._trainer.precision_plugin.forward_context() if self._trainer else contextlib.nullcontext()
        found: list[TokenStats] = []
        with precision, progress.phase("scoring", len(rows), "completions") as phase:
            passes = list(in_passes((rows[row] for row in by_length), self.scoring_tokens))
            spare = self._passes_of_others(len(passes))
            for part in passes:
                tokens, _, completion_mask = (tensor.to(self.device) for tensor in pad_rows(part, pad_token_id=0))
                stats = self.token_stats(
                    tokens, completion_mask, temperature, shared=shared_prefix([p for p, _ in part])
                )
                found.extend(
                    TokenStats(logprob[mask].cpu(), entropy[mask].cpu())
                    for logprob, entropy, mask in zip(
                        stats.logprob.cpu(), stats.entropy.cpu(), completion_mask.cpu(), strict=True
                    )
                )
                phase.advance(len(part))
            nothing = torch.zeros(0, 2, dtype=torch.long, device=self.device)
            for _ in range(spare):
                self.token_stats(nothing, nothing.bool(), temperature=1.0)
        release(self.model)
        self.model.train(was_training)
        return [stats for _, stats in sorted(zip(by_length, found, strict=True), key=itemgetter(0))]

    def score_drawn(
        self, prompts: list[list[int]], completions: list[Completion], temperature: float = 1.0
    ) -> list[TokenStats]:
        """As `score_completions`, of completions that the engine has drawn.

        What it knows of their tokens is not computed again, where it has these weights and both compute in float32; the
        longest completion is, once for all weights, and where the two differ on it all are.
        """
        found = [each.stats if temperature == 1 and each.weights_version is None else None for each in completions]
        known = [place for place, stats in enumerate(found) if stats is not None]
        if known:
            longest = max(known, key=lambda place: len(completions[place].tokens))
            if not self._engine_agrees(prompts[longest], completions[longest]):
                found = [None] * len(found)
        left = [place for place, stats in enumerate(found) if stats is None]
        if left or is_sharded(self.model):
            asked = [prompts[place] for place in left], [completions[place] for place in left]
            scored = iter(self.score_completions(*asked, temperature))
            found = [next(scored) if stats is None else stats for stats in found]
        return [TokenStats(*(value.clone() for value in stats)) for stats in found if stats is not None]

    @property
    def in_float32(self) -> bool:
        """Whether both this model and the engine compute in single precision."""
        return self.engine.float32 and self.dtype_name == "float32" and self.trainer.precision == "32-true"

    def _engine_agrees(self, prompt: list[int], completion: Completion) -> bool:
        """Whether the engine has this model's weights, and what it knows of a completion's tokens is what this says."""
        version = self.engine.weights_version
        if not self.in_float32 or version != self.trainer.global_step or is_sharded(self.model):
            return False
        if self._agreed is None or self._agreed[0] != version:
            (own,), theirs = self.score_completions([prompt], [completion]), completion.stats
            assert theirs is not None
            gap = max((float((a - b).abs().max()) for a, b in zip(own, theirs, strict=True) if len(a)), default=0.0)
            if gap > _GAP and (self._agreed is None or self._agreed[1]):
                log.warning(
                    "engine and model differ by up to %.2g nats on a token: completions are scored by the model", gap
                )
            self._agreed = version, gap <= _GAP
        return self._agreed[1]

    def _passes_of_others(self, passes: int) -> int:
        """How many forward passes fewer this process makes than the one with the most, where each is a collective."""
        return max(all_gather(passes)) - passes if is_sharded(self.model) else 0
