"""One whole optimiser step of a module on made-up completions, with nothing of a run around it."""

import contextlib
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from emlit.functional import Normaliser
from emlit.modules import EntropyObjectiveMixin
from emlit.records import Completion, Group, Prompt, RolloutBatch, Row
from emlit.rollout import collate
from emlit.tasks import TinyArithmetic


def made_up_batch(rows: int, group: int, prompt: int, completion: int, micro_batches: int = 1) -> RolloutBatch:
    """`rows` completions of the same length, in groups of `group`, as one micro-batch of an optimiser step.

    Args:
        rows: completions in it
        group: completions of each prompt
        prompt: tokens
        completion: tokens
        micro_batches: in the optimiser step, which its normaliser is of
    """
    task = TinyArithmetic("train", n=1)
    sampled = [
        Completion([2 + (row + i) % 200 for i in range(completion)], [-1.0] * completion, "length")
        for row in range(group)
    ]
    groups = [
        Group(Prompt(task, Row(id=str(index), prompt="p", answer="1"), [2] * prompt), sampled, [""] * group)
        for index in range(rows // group)
    ]
    whole = Normaliser(float(rows * completion * micro_batches), float(rows * micro_batches))
    return collate(
        groups, 0, whole, temperature=1.0, filtered=False, round=0, weights_version=0, samples_per_prompt=group
    )


def without_trainer(
    module: EntropyObjectiveMixin, micro_batches: int = 1, world_size: int = 1, autocast: torch.dtype | None = None
) -> None:
    """Let `module` take training steps with nobody around it that asks for them, in bf16-mixed for an `autocast`."""
    module._trainer = SimpleNamespace(  # type: ignore[assignment]
        accumulate_grad_batches=micro_batches,
        world_size=world_size,
        precision="32-true" if autocast is None else "bf16-mixed",
        state=SimpleNamespace(fn="fit"),
        precision_plugin=None,
        strategy=None,
    )
    module.scorer.sharing = module.scorer.packing = False  # as on a GPU


def whole_step(
    module: EntropyObjectiveMixin,
    optimizer: torch.optim.Optimizer,
    batch: RolloutBatch,
    micro_batches: int,
    clip: float | None = 1.0,
    autocast: torch.dtype | None = None,
    in_phase: Any = contextlib.nullcontext,
    from_zero: bool = True,
) -> Tensor:
    """Forward and backward for each micro-batch, clipping, AdamW: in the order of a run, whose steps end without
    gradients. Here the last ones stay, to be looked at.

    Args:
        module: with its model configured
        optimizer: its own
        batch: every micro-batch
        micro_batches: how many
        clip: largest norm of the gradient
        autocast: what `trainer.precision` computes in, where that is mixed
        in_phase: called with the name of each phase, for a context to run it in
        from_zero: whether there are no gradients before, as in a step's first micro-batch

    Returns:
        The last loss
    """
    if from_zero:
        optimizer.zero_grad()
    for _ in range(micro_batches):
        with in_phase("forward"), _precision(module, autocast):
            loss = module.training_step(batch)
        vars(module).pop("step_output", None)
        with in_phase("backward"):
            loss.backward()
        loss = loss.detach()
    with in_phase("optimiser step"):
        if clip is not None:
            torch.nn.utils.clip_grad_norm_(module.parameters(), clip)
        optimizer.step()
    return loss


@contextlib.contextmanager
def _precision(module: EntropyObjectiveMixin, autocast: torch.dtype | None) -> Iterator[None]:
    if autocast is None:
        yield
        return
    with torch.autocast(next(module.parameters()).device.type, dtype=autocast):
        yield
