"""The on-policy stream: prompts in, micro-batches of freshly sampled completions out."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from emlit.engines import Engine, sample
from emlit.errors import WeightSyncError
from emlit.functional import Normaliser
from emlit.records import Completion, Group, Prompt, Request, RolloutBatch, Sampling, request_seed
from emlit.rollout.batch import collate, counts, partition
from emlit.rollout.prompts import Prompts
from emlit.rollout.round_ahead import Round, RoundAhead
from emlit.rollout.run_events import RunEvents

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RoundShape:
    """How many of what a round has.

    Attributes:
        prompts: in the round, over all ranks
        samples: completions of each prompt
        micro_batches: into which each rank's share of an optimiser step is cut
        rank: of this process
        ranks: how many processes there are
        updates: optimiser steps of a round, each on a part of its prompts
    """

    prompts: int
    samples: int
    micro_batches: int
    rank: int = 0
    ranks: int = 1
    updates: int = 1

    @property
    def batches(self) -> int:
        """Micro-batches in a rank's share of a round."""
        return self.micro_batches * self.updates


class RolloutStream:
    """What `RolloutDataModule.train_dataloader()` returns: a plain iterable of `RolloutBatch`.

    Without `__len__` Lightning would fetch one batch ahead, and every rollout would come from weights one step old.
    Each epoch goes through the prompts once in the order that they draw from the seed; a round that runs past the end
    goes on with the next order, so a single prompt can be trained on for ever. Everything follows from the seed and the
    round's number, which is therefore all the state there is; the prompts' fingerprint beside it is to be compared.

    Args:
        prompts: what to sample from
        engine: who samples
        tokenizer: decodes completions, and knows the pad token
        sampling: how
        shape: how many
        seed: of the order and of every completion
        mask_truncated: leave completions that were cut at max_tokens out of the loss
        trainer_step: how many optimiser steps the trainer has taken
        sum_over_ranks: adds a number up over all ranks
        has_round: with it, each round is sampled beside training on the one before, by weights that are a round old;
            whether there will be a round of this number
        events: whose functions are called
    """

    def __init__(
        self,
        prompts: Prompts,
        engine: Engine,
        tokenizer: "PreTrainedTokenizerBase",
        sampling: Sampling,
        shape: RoundShape,
        seed: int,
        trainer_step: Callable[[], int],
        sum_over_ranks: Callable[[float], float] = lambda value: value,
        mask_truncated: bool = False,
        has_round: Callable[[int], bool] | None = None,
        events: RunEvents | None = None,
    ) -> None:
        self.prompts, self.engine, self.tokenizer = prompts, engine, tokenizer
        self.sampling, self.shape, self.seed = sampling, shape, seed
        self.trainer_step, self.sum_over_ranks = trainer_step, sum_over_ranks
        self.mask_truncated = mask_truncated
        self.round = 0
        self.rounds_per_epoch = max(1, len(prompts) // shape.prompts)
        self.round_started = 0.0  # time.perf_counter()
        self.generation_seconds = 0.0  # since then, for which training waited
        self.sampling_round = False  # as is still true where sampling failed: the state is that of the round's start
        self.events = events or RunEvents()
        self.has_round = has_round
        if has_round is not None:
            self.ahead = RoundAhead(engine, self._count_waiting)

    def __len__(self) -> int:
        return self.rounds_per_epoch * self.shape.batches

    def __iter__(self) -> Iterator[RolloutBatch]:
        for _ in range(self.round % self.rounds_per_epoch, self.rounds_per_epoch):
            for call in self.events.before_round:
                call()
            batches: Sequence[RolloutBatch] = self._sample_round()
            for change in self.events.before_updates:
                batches = change(batches)
            # A checkpoint taken while the last micro-batch is worked on belongs to the next round.
            yield from batches[:-1]
            self.round += 1
            yield batches[-1]

    def state_dict(self) -> dict[str, Any]:
        return {"round": self.round, "prompts": self.prompts.fingerprint}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.round = state["round"]
        known, found = state.get("prompts"), self.prompts.fingerprint  # older checkpoints do not tell
        if known is not None and known != found and self.shape.rank == 0:
            log.warning(
                "data.train was changed: the checkpoint's run had %s, and here are %s; rounds go on from number %d, "
                "with other prompts than that run would have drawn",
                known, found, self.round,
            )  # fmt: skip

    def draw(self, round: int) -> list[tuple[int, Prompt]]:
        """This rank's prompts of a round, each with its place in the run."""
        first = round * self.shape.prompts
        places = range(first + self.shape.rank, first + self.shape.prompts, self.shape.ranks)
        orders: dict[int, Sequence[int]] = {}
        drawn = []
        for place in places:
            epoch, position = divmod(place, len(self.prompts))
            if epoch not in orders:
                orders[epoch] = self.prompts.order(self.seed, epoch)
            drawn.append((place, self.prompts[orders[epoch][position]]))
        return drawn

    def _sample_round(self) -> list[RolloutBatch]:
        self.round_started, self.generation_seconds = time.perf_counter(), 0.0
        self.sampling_round = True
        sampled = self.ahead.take(self.round) if self.has_round is not None else None
        if sampled is None:
            self._require_newest_weights()
            drawn, version = self.draw(self.round), self.engine.weights_version
            sampled = Round(drawn, self._complete(drawn), version)
            self.engine.sleep()
            self.generation_seconds = time.perf_counter() - self.round_started
        if self.has_round is not None and self.has_round(self.round + 1):
            self._require_newest_weights()
            drawn = self.draw(self.round + 1)
            requests = self._requests(drawn)
            self.ahead.begin(self.round + 1, drawn, requests, self.sampling)
        self.sampling_round = False
        return self._batches(sampled)

    def _require_newest_weights(self) -> None:
        if self.engine.weights_version != self.trainer_step():
            raise WeightSyncError(
                f"the engine holds the weights of step {self.engine.weights_version}, but the trainer is at step "
                f"{self.trainer_step()}: add callbacks.WeightSync to the trainer's callbacks"
            )

    def _count_waiting(self, seconds: float) -> None:
        self.generation_seconds += seconds

    def _batches(self, sampled: Round) -> list[RolloutBatch]:
        drawn, completions = sampled.drawn, sampled.completions
        n = self.shape.samples
        texts = self.tokenizer.batch_decode([c.tokens for c in completions], skip_special_tokens=True)
        groups = [
            Group(prompt, completions[i * n : (i + 1) * n], texts[i * n : (i + 1) * n], self._decode)
            for i, (_, prompt) in enumerate(drawn)
        ]
        # Prompts come in an order drawn at random, so a part of them is a fair sample of the round.
        parts = []
        for update in range(self.shape.updates):
            part = [group for (place, _), group in zip(drawn, groups, strict=True) if self._update(place) == update]
            normaliser = self._normaliser(part)
            pieces = partition(part, min(len(part), self.shape.micro_batches)) if part else []
            pieces += [[]] * (self.shape.micro_batches - len(pieces))  # the other ranks have some of theirs
            parts += [(piece, normaliser) for piece in pieces]
        return [
            collate(
                piece,
                self.tokenizer.pad_token_id,
                normaliser,
                self.sampling.temperature,
                self.sampling.filtered,
                self.round,
                sampled.weights_version,
                n,
                self.mask_truncated,
                ends_round=number == len(parts),
            )
            for number, (piece, normaliser) in enumerate(parts, 1)
        ]

    def _decode(self, tokens: list[int]) -> str:
        return self.tokenizer.decode(tokens, skip_special_tokens=True)

    def _update(self, place: int) -> int:
        """Which optimiser step of its round the prompt at a place of the run belongs to, on any rank."""
        return place % self.shape.prompts * self.shape.updates // self.shape.prompts

    def _normaliser(self, groups: Sequence[Group]) -> Normaliser:
        """Of one optimiser step, over all ranks."""
        trained = [c for group in groups for c in group.completions if counts(c, self.mask_truncated)]
        return Normaliser(
            tokens=self.sum_over_ranks(float(sum(len(c.tokens) for c in trained))),
            sequences=self.sum_over_ranks(float(len(trained))),
        )

    def _complete(self, drawn: Sequence[tuple[int, Prompt]]) -> Sequence[Completion]:
        """The completions of a round's prompts, `shape.samples` of each, in order."""
        return sample(self.engine, self._requests(drawn), self.sampling)

    def _requests(self, drawn: Sequence[tuple[int, Prompt]]) -> list[Request]:
        return [
            Request(prompt.tokens, request_seed(self.seed, "train", place, sample))
            for place, prompt in drawn
            for sample in range(self.shape.samples)
        ]
