"""What an objective does for its plug-ins: gives them what they need, and updates and saves their statistics."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from lightning.pytorch.trainer.states import TrainerFn
from torch import Tensor

from emlit.errors import ConfigError
from emlit.functional import AnyStats, Stat, mapped
from emlit.losses import Lagged, LossTerm, Over, TokenWeights
from emlit.parallel import release
from emlit.records import RolloutBatch
from emlit.rollout import RolloutDataModule

# An objective's mixins stand in front of a CausalLM; types alone say so, as each class names it after them.
if TYPE_CHECKING:
    from emlit.modules.causal_lm import CausalLM as Behind
else:
    Behind = object


class PlugInsMixin(Behind):
    """The part of an objective that knows of its plug-ins."""

    if TYPE_CHECKING:

        def rollout_stats(self, batch: RolloutBatch) -> AnyStats: ...  # the objective's

    loss_terms: Sequence[LossTerm] = ()
    token_weights: Sequence[TokenWeights] = ()
    statistics: Over = "step"

    @property
    def plug_ins(self) -> list[Any]:
        """All that may need more than log p and H of each token; a subclass adds its own."""
        return [*self.loss_terms, *self.token_weights]

    @property
    def lagged(self) -> dict[str, Lagged]:
        """The plug-ins with statistics of the optimiser step before, under the names that checkpoints have."""
        found: dict[str, Lagged] = {}
        for each in self.plug_ins:
            if isinstance(each, Lagged):
                twins = sum(type(other) is type(each) for other in found.values())
                found[f"{type(each).__name__}.{twins}" if twins else type(each).__name__] = each
        return found

    @property
    def needs(self) -> frozenset[Stat]:
        """What `rollout_stats` has of each token beside log p and H."""
        return frozenset(stat for plug_in in self.plug_ins for stat in plug_in.needs)

    @property
    def needs_old(self) -> bool:
        """Whether a plug-in reads the policy's stats before the round's first update."""
        return any(plug_in.needs_old for plug_in in self.plug_ins)

    @property
    def needs_reference(self) -> bool:
        """Whether the reference policy is kept and scored."""
        return any(term.needs_reference for term in self.loss_terms)

    def check_rollouts(self, data: RolloutDataModule) -> None:
        super().check_rollouts(data)
        if data.trainer.state.fn != TrainerFn.FITTING or hasattr(self, "rewards_of"):
            return
        for plug_in in self.lagged.values():
            if plug_in.needs_rewards:
                raise ConfigError(
                    f"{type(plug_in).__name__} needs advantages or rewards, which {type(self).__name__} has not; use "
                    "it with EMRL"
                )

    def on_train_start(self) -> None:
        super().on_train_start()
        for plug_in in self.lagged.values():
            plug_in.go_by(self.statistics)
        if self.needs_old and self.data.updates_per_round > 1:
            self.data.events.before_updates.append(self._scored_before_updates)

    @torch.no_grad()
    def _scored_before_updates(self, batches: Sequence[RolloutBatch]) -> list[RolloutBatch]:
        with self.trainer.precision_plugin.forward_context():
            old = [mapped(self.rollout_stats(batch.to(self.device)), Tensor.cpu) for batch in batches]
        release(self.model)
        return [replace(batch, old=stats) for batch, stats in zip(batches, old, strict=True)]

    def with_old(self, batch: RolloutBatch, stats: AnyStats) -> RolloutBatch:
        """With `batch.old` where a plug-in reads it; in a round of one update the old policy is the one trained."""
        if not self.needs_old or batch.old is not None:
            return batch
        return replace(batch, old=mapped(stats, Tensor.detach))

    def optimizer_step(self, epoch: int, batch_idx: int, optimizer: Any, optimizer_closure: Any = None) -> None:
        super().optimizer_step(epoch, batch_idx, optimizer, optimizer_closure)
        # Lightning would keep the gradients until the next step's first backward pass: through generation.
        optimizer.zero_grad(set_to_none=True)
        for plug_in in self.lagged.values():
            plug_in.update(lambda value, how: self.trainer.strategy.reduce(value.to(self.device), reduce_op=how))

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        super().on_save_checkpoint(checkpoint)
        state = {name: {**each.state_dict(), "lagged": each.lagged_state()} for name, each in self.lagged.items()}
        checkpoint["emlit"]["plug_ins"] = state

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        super().on_load_checkpoint(checkpoint)
        state = checkpoint.get("emlit", {}).get("plug_ins", {})
        for name, plug_in in self.lagged.items():
            if name in state:
                plug_in.load_state_dict(state[name])
                plug_in.load_lagged_state(state[name]["lagged"])
