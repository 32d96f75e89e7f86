"""The reference policy of an objective: the model before training, or one that follows the policy slowly."""

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import torch
from lightning.pytorch.trainer.states import TrainerFn

from emlit.errors import ConfigError
from emlit.parallel import is_sharded
from emlit.policy.loading import AUTOCAST_DTYPES, load_reference
from emlit.rollout import RolloutDataModule

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from emlit.modules.causal_lm import CausalLM as Behind
else:
    Behind = object


class ReferenceMixin(Behind):
    """A frozen copy of the policy, or the policy without its adapters; there where a loss term needs it.

    Attributes:
        reference_momentum: how much of itself the reference keeps after each optimiser step, the rest being the policy;
            None for one that stays
    """

    reference_momentum: float | None = None
    # In a tuple, so that it is no submodule: it is not trained.
    _reference: "tuple[PreTrainedModel, ...]" = ()
    model: "PreTrainedModel"

    if TYPE_CHECKING:

        @property
        def needs_reference(self) -> bool: ...  # of the plug-ins

    def check_momentum(self) -> None:
        """Raise ConfigError for a momentum that is none, or that has nothing to move."""
        if self.reference_momentum is None:
            return
        if not 0 <= self.reference_momentum < 1:
            raise ConfigError(
                f"reference_momentum is {self.reference_momentum}; it must be at least 0 and below 1, or null"
            )
        if not self.needs_reference:
            raise ConfigError("reference_momentum is set, but no loss term reads the reference policy; set kl_weight")
        if self.lora is not None:
            raise ConfigError(
                "reference_momentum is set, and with lora the reference policy is the base model, which does not move; "
                "leave one of them out"
            )

    def check_rollouts(self, data: RolloutDataModule) -> None:
        super().check_rollouts(data)
        if self.reference_momentum is not None and self.sharding is not None:
            raise ConfigError(
                "reference_momentum is set, which a model cut over processes has not; leave it out, or use one device "
                "or --trainer.strategy ddp"
            )

    def configure_model(self) -> None:
        super().configure_model()
        fitting = self._trainer is None or self._trainer.state.fn == TrainerFn.FITTING
        if self.needs_reference and fitting and self.lora is None and not self._reference:
            autocast = AUTOCAST_DTYPES.get(str(getattr(self._trainer, "precision", "32-true")))
            if self.reference_momentum is not None:
                autocast = None  # its small steps would be rounded away
            self._reference = (
                load_reference(self.pretrained, self.dtype_name, self.sharding, autocast, self.trust_remote_code),
            )

    @contextlib.contextmanager
    def reference_policy(self) -> "Iterator[PreTrainedModel]":
        """The model to score with, on the policy's device."""
        if self.lora is None:
            (reference,) = self._reference
            if not is_sharded(reference) and reference.device != self.device:  # once: asking each parameter takes time
                reference.to(self.device)  # type: ignore[arg-type]
            yield reference
        else:
            adapted: Any = self.model  # peft's
            with adapted.disable_adapter():
                yield self.model

    def optimizer_step(self, epoch: int, batch_idx: int, optimizer: Any, optimizer_closure: Any = None) -> None:
        super().optimizer_step(epoch, batch_idx, optimizer, optimizer_closure)
        if self.reference_momentum is None:
            return
        with torch.no_grad(), self.reference_policy() as reference:
            for kept, new in zip(reference.parameters(), self.model.parameters(), strict=True):
                kept.lerp_(new.to(kept.dtype), 1 - self.reference_momentum)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        super().on_save_checkpoint(checkpoint)
        if self.reference_momentum is not None:
            checkpoint["emlit"]["reference"] = self._reference[0].state_dict()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        super().on_load_checkpoint(checkpoint)
        state = checkpoint.get("emlit", {}).get("reference")
        if self.reference_momentum is not None and self._reference and state is not None:
            self._reference[0].load_state_dict(state)
