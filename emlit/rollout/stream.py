"""The on-policy stream: prompts in, micro-batches of freshly sampled completions out."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from emlit.engines import Engine, sample
from emlit.errors import WeightSyncError
from emlit.functional import Normaliser
from emlit.records import Completion, Group, Prompt, RolloutBatch, Sampling
from emlit.rollout.batch import collate, is_trained_on, partition
from emlit.rollout.prompts import Prompts
from emlit.rollout.round_ahead import Round, RoundAhead
from emlit.rollout.round_plan import RoundPlan
from emlit.rollout.run_events import RunEvents
from emlit.rollout.waves import Trainee, Waves
from emlit.rollouts import Rollouts

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

log = logging.getLogger(__name__)


class RolloutStream:
    """What `RolloutDataModule.train_dataloader()` returns: a plain iterable of `RolloutBatch`.

    Without `__len__` Lightning would fetch one batch ahead, and every rollout would come from weights one step old.
    Each epoch goes through the prompts once in the order that they draw from the seed; a round that runs past the end
    goes on with the next order, so a single prompt can be trained on for ever. Everything follows from the seed, the
    round's number and what the rollouts remember, which is therefore all the state there is; the prompts' fingerprint
    beside it is to be compared.

    Args:
        prompts: what to sample from
        engine: what samples
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
        rollouts: where completions come from, and which are trained on; one wave, and all of it, unless given
        trainee: the policy in training, where the rollouts ask it
    """

    def __init__(
        self,
        prompts: Prompts,
        engine: Engine,
        tokenizer: "PreTrainedTokenizerBase",
        sampling: Sampling,
        shape: RoundPlan,
        seed: int,
        trainer_step: Callable[[], int],
        sum_over_ranks: Callable[[float], float] = lambda value: value,
        mask_truncated: bool = False,
        has_round: Callable[[int], bool] | None = None,
        events: RunEvents | None = None,
        rollouts: Rollouts | None = None,
        trainee: Trainee | None = None,
    ) -> None:
        self.prompts, self.engine, self.tokenizer = prompts, engine, tokenizer
        self.sampling, self.shape, self.seed = sampling, shape, seed
        self.trainer_step, self.sum_over_ranks = trainer_step, sum_over_ranks
        self.mask_truncated = mask_truncated
        self._orders: dict[int, Sequence[int]] = {}  # of the epoch that was asked for last
        self.round = 0
        self.rounds_per_epoch = max(1, len(prompts) // shape.prompts)
        self.round_started = 0.0  # time.perf_counter()
        self.generation_seconds = 0.0  # since then, for which training waited
        self.sampling_round = False  # as is still true where sampling failed: the state is that of the round's start
        self.events = events or RunEvents()
        self.waves = Waves(rollouts or Rollouts(), engine, tokenizer, sampling, shape, seed, self.prompt_at, trainee)
        self.remembered = self.waves.rollouts.state_dict()  # by the rollouts, at the round's start
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
            self.round, self.remembered = self.round + 1, self.waves.rollouts.state_dict()
            yield batches[-1]

    def state_dict(self) -> dict[str, Any]:
        state = {"round": self.round, "prompts": self.prompts.fingerprint}
        name = type(self.waves.rollouts).__name__
        return {**state, "rollouts": {name: self.remembered}} if self.remembered else state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.round = state["round"]
        remembered = state.get("rollouts", {}).get(type(self.waves.rollouts).__name__)
        if remembered is not None:  # and it is of these rollouts
            self.waves.rollouts.load_state_dict(remembered)
            self.remembered = self.waves.rollouts.state_dict()
        known, found = state.get("prompts"), self.prompts.fingerprint  # other checkpoints do not tell
        if known is not None and known != found and self.shape.rank == 0:
            log.warning(
                "data.train was changed: the checkpoint's run had %s, and here are %s; rounds continue with number %d, "
                "with other prompts than that run would have drawn",
                known, found, self.round,
            )  # fmt: skip

    def draw(self, round: int) -> list[tuple[int, Prompt]]:
        """This rank's prompts of a round, each with its place in the run."""
        first = round * self.shape.prompts
        places = range(first + self.shape.rank, first + self.shape.prompts, self.shape.ranks)
        return [(place, self.prompt_at(place)) for place in places]

    def prompt_at(self, place: int) -> Prompt:
        """The prompt at a place of the run."""
        epoch, position = divmod(place, len(self.prompts))
        if epoch not in self._orders:
            self._orders = {epoch: self.prompts.order(self.seed, epoch)}
        return self.prompts[self._orders[epoch][position]]

    def _sample_round(self) -> list[RolloutBatch]:
        self.round_started, self.generation_seconds = time.perf_counter(), 0.0
        self.sampling_round = True
        sampled = self.ahead.take(self.round) if self.has_round is not None else None
        if sampled is not None:
            groups: Sequence[Group] = self.waves.groups(sampled.drawn, sampled.completions)
        else:
            self._require_newest_weights()
            drawn, version = self.draw(self.round), self.engine.weights_version
            sampled = Round(drawn, self._complete(drawn), version)
            groups = self.waves.more(self.round, drawn, self.waves.groups(drawn, sampled.completions), version)
            self.engine.sleep()
            self.generation_seconds = time.perf_counter() - self.round_started
        if self.has_round is not None and self.has_round(self.round + 1):
            self._require_newest_weights()
            drawn = self.draw(self.round + 1)
            self.ahead.begin(self.round + 1, drawn, self.waves.requests(drawn), self.sampling)
        self.sampling_round = False
        return self._batches(sampled, groups)

    def _require_newest_weights(self) -> None:
        if self.engine.weights_version != self.trainer_step():
            raise WeightSyncError(
                f"the engine holds the weights of step {self.engine.weights_version}, but the trainer is at step "
                f"{self.trainer_step()}: add callbacks.WeightSync to the trainer's callbacks"
            )

    def _count_waiting(self, seconds: float) -> None:
        self.generation_seconds += seconds

    def _batches(self, sampled: Round, groups: Sequence[Group]) -> list[RolloutBatch]:
        trained = self.waves.trained(self.round, sampled.drawn, groups, sampled.weights_version)
        # Prompts come in an order drawn at random, so a part of them is a fair sample of the round.
        parts: list[tuple[list[Group], Normaliser, bool]] = []
        for update in range(self.shape.updates):
            part, apart = (
                [group for place, group in chosen if self.shape.update(place) == update]
                for chosen in (trained.groups, trained.apart)
            )
            normaliser = self._normaliser(part if trained.own_mean else part + apart)
            parts += [(piece, normaliser, False) for piece in _pieces(part, self.shape.micro_batches)]
            if self.shape.apart:
                normaliser = self._normaliser(apart) if trained.own_mean else normaliser
                parts += [(piece, normaliser, True) for piece in _pieces(apart, self.shape.apart)]
        return [
            collate(
                piece,
                self.tokenizer.pad_token_id,
                normaliser,
                self.sampling.temperature,
                self.sampling.filtered,
                self.round,
                sampled.weights_version,
                1 if apart else self.shape.samples,
                self.mask_truncated,
                ends_round=number == len(parts),
                apart=apart,
            )
            for number, (piece, normaliser, apart) in enumerate(parts, 1)
        ]

    def _normaliser(self, groups: Sequence[Group]) -> Normaliser:
        """Of one optimiser step, over all ranks."""
        trained = [c for group in groups for c in group.completions if is_trained_on(c, self.mask_truncated)]
        return Normaliser(
            tokens=self.sum_over_ranks(float(sum(c.sampled for c in trained))),
            sequences=self.sum_over_ranks(float(len(trained))),
        )

    def _complete(self, drawn: Sequence[tuple[int, Prompt]]) -> Sequence[Completion]:
        """The first wave's completions of a round's prompts, in order."""
        return sample(self.engine, self.waves.requests(drawn), self.sampling)


def _pieces(groups: list[Group], parts: int) -> list[list[Group]]:
    """As `partition`; of fewer groups than parts some are empty, as other ranks have some of theirs."""
    pieces = partition(groups, min(len(groups), parts)) if groups else []
    return pieces + [[]] * (parts - len(pieces))
