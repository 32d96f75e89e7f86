"""A micro-batch of completions as tensors."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from emlit.functional import AnyStats, Normaliser, mapped
from emlit.functional.reduction import flat_positions
from emlit.records.groups import Group
from emlit.records.requests import FinishReason


@dataclass(frozen=True)
class RolloutBatch:
    """Whole groups of completions, right-padded: prompt, completion, padding.

    It may have none: where processes cannot share a round evenly, those without a group still take part in the step.

    Attributes:
        tokens: (B, T), int64
        attention_mask: (B, T), bool, true up to the last token of each row
        completion_mask: (B, T), bool, true on every sampled token, the end token included; not on those of a
            completion that were given
        loss_mask: (B, T), bool, true on the sampled tokens that are trained on: those of truncated completions are left
            out where that is asked for
        sampler_logprobs: (B, T), float32, the sampler's log p of each sampled token, nats; 0 elsewhere. None where the
            completions were given (the rows' solutions) rather than sampled
        groups: the prompts and completions behind the rows; row g * N + i is completion i of group g
        normaliser: of the optimiser step, over all of its micro-batches and ranks
        temperature: what the completions were sampled at
        filtered: whether they were drawn from less than the model's whole distribution
        round: which round of the run
        weights_version: which weights sampled it: the number of optimiser steps taken before
        samples_per_prompt: N, also where there is no group
        ends_round: whether the next micro-batch is of another round
        positions: (M,), int64, where `completion_mask` is true, counted along its rows; found before the batch goes to
            a GPU, which would have to be waited for
        old: the policy's stats (B, T) before the round's first update, constants; None unless a plug-in needs them
        advantages: (B,), float32, of completions set apart, whose advantages were given before training; None where
            the objective computes them
    """

    tokens: Tensor
    attention_mask: Tensor
    completion_mask: Tensor
    loss_mask: Tensor
    sampler_logprobs: Tensor | None
    groups: Sequence[Group]
    normaliser: Normaliser
    temperature: float
    filtered: bool
    round: int
    weights_version: int
    samples_per_prompt: int
    ends_round: bool = True
    positions: Tensor = None  # type: ignore[assignment]
    old: AnyStats | None = None
    advantages: Tensor | None = None

    def __post_init__(self) -> None:
        if self.positions is None:
            object.__setattr__(self, "positions", flat_positions(self.completion_mask))

    @property
    def apart(self) -> bool:
        """Whether its completions are trained on apart from their groups; curves of completions leave them out."""
        return self.advantages is not None

    @property
    def prompts(self) -> list[list[int]]:
        """Of its groups, in token ids."""
        return [group.prompt.tokens for group in self.groups]

    @property
    def finish_reasons(self) -> list[FinishReason]:
        return [completion.finish_reason for group in self.groups for completion in group.completions]

    def to(self, device: torch.device | str, non_blocking: bool = False) -> "RolloutBatch":
        """The same batch with its tensors on `device`; Lightning calls this."""
        names = (
            "tokens", "attention_mask", "completion_mask", "loss_mask", "sampler_logprobs", "positions", "advantages",
        )  # fmt: skip
        tensors = {name: tensor for name in names if (tensor := getattr(self, name)) is not None}
        moved: dict[str, Any] = {
            name: sent(tensor, torch.device(device), non_blocking) for name, tensor in tensors.items()
        }
        old = None if self.old is None else mapped(self.old, lambda value: sent(value, torch.device(device)))
        return replace(self, **moved, old=old)


def sent(tensor: Tensor, device: torch.device, non_blocking: bool = True) -> Tensor:
    """A tensor on `device`; to a GPU by way of pinned memory, so that nobody waits for what the GPU is at."""
    if device.type == "cuda" and tensor.device.type == "cpu":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device, non_blocking=non_blocking)
