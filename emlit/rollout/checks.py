"""Settings of a RolloutDataModule that do not go together."""

from typing import TYPE_CHECKING, Protocol, runtime_checkable

import lightning as L
from lightning.pytorch.callbacks import Timer

from emlit.errors import ConfigError
from emlit.tasks import TinyArithmetic

if TYPE_CHECKING:
    from emlit.rollout.datamodule import RolloutDataModule


@runtime_checkable
class Preflight(Protocol):
    """A callback that can tell that a run is misconfigured; asked before any model loads."""

    def preflight(self, trainer: L.Trainer, module: L.LightningModule, stage: str) -> None:
        """Raise ConfigError where the run cannot go well."""


@runtime_checkable
class FromTheBeginning(Protocol):
    """A callback that is there before the prompts are read and the engine starts, as Lightning's `setup` is not."""

    def on_begin(self, trainer: L.Trainer, module: L.LightningModule, stage: str) -> None:
        """Called by every process before anything that takes time."""


def begin(trainer: L.Trainer, module: L.LightningModule, stage: str) -> None:
    """Tell the callbacks that the run begins."""
    for callback in trainer.callbacks:
        if isinstance(callback, FromTheBeginning):
            callback.on_begin(trainer, module, stage)


def settle_tasks(data: "RolloutDataModule", pretrained: str, stage: str) -> None:
    """Give the embedded model its own problems where none are named; for any other, say which are missing.

    Raises:
        ConfigError: there is nothing to train on, or nothing to answer
    """
    held_out = data.hold_out != 0
    if data.train_task is None and pretrained == "tiny":
        data.train_task = TinyArithmetic("train")
        if held_out:
            data.evaluation_tasks, data.hold_out = [TinyArithmetic("test", n=256)], 0
    if data.train_task is None and stage == "fit":
        raise ConfigError(
            f"data.train is not set: say what {pretrained} is to be trained on, for example --data.train "
            "emlit.tasks.PromptFile --data.train.path prompts.jsonl"
        )
    if stage != "fit" and not data.evaluation_tasks:
        raise ConfigError(
            f"data.evaluation is {'not set' if held_out else 'null'}: say what {pretrained} is to answer, for example "
            "--data.evaluation emlit.tasks.PromptFile --data.evaluation.path prompts.jsonl"
        )


def check_evaluation(data: "RolloutDataModule", stage: str) -> None:
    """Raise ConfigError where predictions of two tasks or strategies could not be told apart."""
    names = [task.name for task in data.evaluation_tasks]
    if len(set(names)) < len(names):
        raise ConfigError(
            f"data.evaluation has tasks of the same name ({', '.join(names)}); name each file differently"
        )
    if stage != "predict" or data.strategies is None:
        return
    named = [strategy.name(data.sampling) for strategy in data.strategies]
    twice = sorted({name for name in named if named.count(name) > 1})
    if twice:
        raise ConfigError(f"data.strategies has {twice[0]!r} twice; leave one out, or give each a name")
    useless = [n for n, s in zip(named, data.strategies, strict=True) if not any(map(s.suits, data.evaluation_tasks))]
    if useless:
        raise ConfigError(f"data.strategies has {useless[0]!r}, which suits no task of data.evaluation; leave it out")


def check_fit(data: "RolloutDataModule", samples: bool) -> None:
    """Raise ConfigError where rounds cannot be cut as asked, or would train on another distribution than is meant.

    Args:
        data: attached to its trainer
        samples: whether it is the model's own samples that are learnt from
    """
    if not data.engine.trains:
        name = type(data.engine).__name__
        raise ConfigError(f"data.engine is {name}, which has nothing to train on; use it with predict or validate")
    cut_rounds(data)
    if data.rounds_ahead and not data.engine.samples_elsewhere:
        raise ConfigError(
            f"data.rounds_ahead is {data.rounds_ahead}, but {type(data.engine).__name__} samples in the process that "
            "trains; leave it at 0, or set data.engine to VLLMServerEngine (docs/servers.md)"
        )
    _check_shape(data)
    if not samples:
        return
    if data.updates_per_round > 1 and any(isinstance(callback, Timer) for callback in data.trainer.callbacks):
        raise ConfigError(
            f"trainer.max_time could end the run inside a round of {data.updates_per_round} updates "
            "(data.updates_per_round); leave one of them out"
        )
    if data.sampling.temperature == 0:
        raise ConfigError("sampling.temperature is 0, but training needs samples of the model; set it to 1")
    if data.sampling.decoding is not None:
        raise ConfigError(
            "sampling.decoding is set, so training would sample from another distribution than it scores; use it with "
            "predict or validate"
        )
    if data.sampling.filtered and not data.filter_training_samples:
        raise ConfigError(
            "sampling.top_p, top_k or min_p is set, so training would sample from another distribution than it "
            "scores; unset it, or set data.filter_training_samples to true if this is meant"
        )


def cut_rounds(data: "RolloutDataModule") -> None:
    """Set the trainer's number of micro-batches where their size is given.

    Raises:
        ConfigError: both are given
    """
    if data.micro_batch_prompts is None:
        return
    parts = -(-_largest_share(data) // data.micro_batch_prompts)
    if data.trainer.accumulate_grad_batches not in (1, parts):
        raise ConfigError(
            f"data.micro_batch_prompts is {data.micro_batch_prompts}, which makes {parts} micro-batches, and "
            f"trainer.accumulate_grad_batches is {data.trainer.accumulate_grad_batches}; leave one of them out"
        )
    data.trainer.accumulate_grad_batches = parts


def _largest_share(data: "RolloutDataModule") -> int:
    """Prompts of an optimiser step on the first rank; others may have one less."""
    return -(-data.prompts_per_round // data.updates_per_round // data.trainer.world_size)


def _check_shape(data: "RolloutDataModule") -> None:
    parts, updates = data.trainer.accumulate_grad_batches, data.updates_per_round
    if parts < 1:
        raise ConfigError(f"trainer.accumulate_grad_batches is {parts}; it must be at least 1")
    if data.prompts_per_round % updates:
        raise ConfigError(
            f"prompts_per_round is {data.prompts_per_round}, which {updates} updates cannot share evenly; make it a "
            f"multiple of {updates}"
        )
    share = _largest_share(data)
    if share < parts:
        raise ConfigError(
            f"trainer.accumulate_grad_batches is {parts}, but a rank has {share} prompts an optimiser step at most to "
            "cut into micro-batches; lower it or raise data.prompts_per_round"
        )
    steps = data.trainer.max_steps
    if steps > 0 and steps % updates:
        raise ConfigError(
            f"trainer.max_steps is {steps}, which ends inside a round of {updates} updates "
            f"(data.updates_per_round); make it a multiple of {updates}"
        )
