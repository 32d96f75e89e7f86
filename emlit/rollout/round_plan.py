"""How a round is shared out over optimiser steps, ranks and micro-batches."""

from dataclasses import dataclass

from emlit.errors import ConfigError


@dataclass(frozen=True)
class RoundPlan:
    """A round's prompts, cut so that every rank has as many micro-batches an optimiser step.

    Attributes:
        prompts: in the round, over all ranks
        samples: completions of each prompt that are trained on
        micro_batches: into which each rank's share of an optimiser step is cut
        rank: of this process
        ranks: how many processes there are
        updates: optimiser steps of the round, each on a part of its prompts
        apart: further micro-batches of an optimiser step, for completions that are trained on apart from their groups
    """

    prompts: int
    samples: int
    micro_batches: int
    rank: int = 0
    ranks: int = 1
    updates: int = 1
    apart: int = 0

    @classmethod
    def of(
        cls,
        prompts: int,
        samples: int,
        updates: int,
        micro_batch_prompts: int | None,
        accumulate: int,
        ranks: int,
        max_steps: int,
        apart: int = 0,
        rank: int = 0,
    ) -> "RoundPlan":
        """The plan of a run.

        Args:
            prompts: data.prompts_per_round
            samples: data.samples_per_prompt
            updates: data.updates_per_round
            micro_batch_prompts: prompts of a micro-batch; with it their number follows, whatever the ranks are
            accumulate: trainer.accumulate_grad_batches; 1 where it is not set
            ranks: how many there are
            max_steps: of the run; -1 for no end
            apart: micro-batches that data.rollouts adds to each optimiser step
            rank: whose part is asked for

        Raises:
            ConfigError: both numbers are given, or there are too few prompts, or a round would be left half done
        """
        # On the first rank; others may have one less.
        share = -(-prompts // updates // ranks)
        parts = accumulate
        if micro_batch_prompts is not None:
            parts = -(-share // micro_batch_prompts)
            if accumulate not in (1, parts):
                raise ConfigError(
                    f"data.micro_batch_prompts is {micro_batch_prompts}, which makes {parts} micro-batches, and "
                    f"trainer.accumulate_grad_batches is {accumulate}; leave one of them out"
                )
        if parts < 1:
            raise ConfigError(f"trainer.accumulate_grad_batches is {parts}; it must be at least 1")
        if prompts % updates:
            raise ConfigError(
                f"prompts_per_round is {prompts}, which {updates} updates cannot share evenly; make it a multiple of "
                f"{updates}"
            )
        if share < parts:
            raise ConfigError(
                f"trainer.accumulate_grad_batches is {parts}, but a rank has {share} prompts an optimiser step at most "
                "to cut into micro-batches; lower it or raise data.prompts_per_round"
            )
        if max_steps > 0 and max_steps % updates:
            raise ConfigError(
                f"trainer.max_steps is {max_steps}, which ends inside a round of {updates} updates "
                f"(data.updates_per_round); make it a multiple of {updates}"
            )
        return cls(prompts, samples, parts, rank, ranks, updates, apart)

    @property
    def accumulated(self) -> int:
        """Micro-batches of an optimiser step: trainer.accumulate_grad_batches."""
        return self.micro_batches + self.apart

    @property
    def batches(self) -> int:
        """Micro-batches in a rank's share of a round."""
        return self.accumulated * self.updates

    def update(self, place: int) -> int:
        """Which optimiser step of its round the prompt at a place of the run belongs to, on any rank."""
        return place % self.prompts * self.updates // self.prompts
