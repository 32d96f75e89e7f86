"""Settings of data that do not go together."""

import logging
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

import lightning as L
from lightning.pytorch.callbacks import Timer

from emlit.engines import Engine
from emlit.errors import ConfigError
from emlit.printable import printable
from emlit.records import Sampling
from emlit.rollout.trainer import Trainer
from emlit.rollouts import Rollouts
from emlit.strategies import Strategy
from emlit.tasks import Task, TinyArithmetic

_TINY_VOCABULARY = 1000  # the embedded tokenizer has fewer tokens, and no pretrained model's has
log = logging.getLogger(__name__)


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


def begin(trainer: Trainer, module: L.LightningModule, stage: str) -> None:
    """Tell the callbacks that the run begins."""
    for callback in trainer.callbacks:
        if isinstance(callback, FromTheBeginning):
            callback.on_begin(trainer, module, stage)


class RunTasks(NamedTuple):
    """Whose problems a run trains on and is evaluated on, and how many of the first it holds out."""

    train: Task | None
    evaluation: list[Task]
    hold_out: int | float | None


def resolve_tasks(asked: RunTasks, pretrained: str, stage: str) -> RunTasks:
    """The tasks that were asked for; the embedded model's own problems where it has none.

    Raises:
        ConfigError: there is nothing to train on, or nothing to answer
    """
    train, evaluation, hold_out = asked
    held_out = hold_out != 0
    if train is None and pretrained == "tiny":
        train = TinyArithmetic("train")
        if held_out:
            evaluation, hold_out = [TinyArithmetic("test", n=256)], 0
    if train is None and stage == "fit":
        raise ConfigError(
            f"data.train is not set: say what {pretrained} is to be trained on, for example --data.train "
            "emlit.tasks.PromptFile --data.train.path prompts.jsonl"
        )
    if stage != "fit" and not evaluation:
        raise ConfigError(
            f"data.evaluation is {'not set' if held_out else 'null'}: say what {pretrained} is to answer, for example "
            "--data.evaluation emlit.tasks.PromptFile --data.evaluation.path prompts.jsonl"
        )
    return RunTasks(train, evaluation, hold_out)


def warn_of_toy(task: Task | None, pretrained: str, vocabulary: int) -> None:
    """Say it where a model that is none of the embedded one's offspring is trained on that one's problems."""
    if isinstance(task, TinyArithmetic) and vocabulary > _TINY_VOCABULARY:
        log.warning(
            "%s is trained on the embedded model's arithmetic, as the config's data.train says: name other problems "
            "with --data.train",
            printable(pretrained),
        )


def check_evaluation(tasks: Sequence[Task], strategies: Sequence[Strategy], sampling: Sampling) -> None:
    """Raise ConfigError where predictions of two tasks or strategies could not be told apart."""
    names = [task.name for task in tasks]
    if len(set(names)) < len(names):
        raise ConfigError(
            f"data.evaluation has tasks of the same name ({', '.join(names)}); name each file differently"
        )
    named = [strategy.name(sampling) for strategy in strategies]
    twice = sorted({name for name in named if named.count(name) > 1})
    if twice:
        raise ConfigError(f"data.strategies has {twice[0]!r} twice; leave one out, or give each a name")
    useless = [name for name, strategy in zip(named, strategies, strict=True) if not any(map(strategy.suits, tasks))]
    if useless:
        raise ConfigError(f"data.strategies has {useless[0]!r}, which suits no task of data.evaluation; leave it out")


def check_engine(engine: Engine, rounds_ahead: int, ranks: int) -> None:
    """Raise ConfigError where an engine cannot sample what is trained on, or not when it is to."""
    name = type(engine).__name__
    if not engine.trains:
        raise ConfigError(f"data.engine is {name}, which has nothing to train on; use it with predict or validate")
    if rounds_ahead and not (engine.samples_beside or engine.samples_elsewhere):
        raise ConfigError(
            f"data.rounds_ahead is {rounds_ahead}, but {name} samples with weights that change, or are not there, "
            "while training goes on; leave it at 0, or set data.engine to VLLMEngine without sleep or VLLMServerEngine"
        )
    if rounds_ahead and ranks > 1 and not engine.samples_elsewhere:
        raise ConfigError(
            f"data.rounds_ahead is {rounds_ahead}, but {name} samples in the {ranks} processes that train; leave it at "
            "0, or set data.engine to VLLMServerEngine (docs/servers.md)"
        )


def check_rollouts(rollouts: Rollouts, samples: int, rounds_ahead: int, module: Any) -> None:
    """Raise ConfigError where the module, or another setting, does not suit how completions come about.

    Args:
        rollouts: data.rollouts
        samples: data.samples_per_prompt
        rounds_ahead: data.rounds_ahead
        module: that is trained
    """
    name, objective = type(rollouts).__name__, type(module).__name__
    if module.learns_from != "samples" and type(rollouts) is not Rollouts:
        raise ConfigError(f"data.rollouts is {name}, but {objective} samples nothing in training; leave it out")
    rollouts.check(samples)
    if rounds_ahead and (rollouts.waves > 1 or rollouts.needs_rewards):
        raise ConfigError(
            f"data.rounds_ahead is {rounds_ahead}, but {name} asks the policy in training about a round before it is "
            "whole; set data.rounds_ahead to 0 or leave data.rollouts out"
        )
    if rollouts.needs_rewards and not hasattr(module, "rewards_of"):
        raise ConfigError(
            f"data.rollouts is {name}, which chooses completions by their rewards, but {objective} has none; use it "
            "with EMRL"
        )
    if rollouts.needs_off_policy and not module.policy_update.takes_earlier_rounds:
        raise ConfigError(
            f"data.rollouts is {name}, which trains on completions of older weights, but "
            f"{type(module.policy_update).__name__} is right only for those of {module.policy_update.right_for}; set "
            "--model.policy_update to PPO or TruncatedImportanceSampling"
        )


def check_samples(sampling: Sampling, filtered: bool, updates: int, callbacks: Sequence[L.Callback]) -> None:
    """Raise ConfigError where samples would come from another distribution than is trained, or be left half used.

    Args:
        sampling: that they are drawn with
        filtered: whether top_p, top_k and min_p are meant
        updates: optimiser steps of a round
        callbacks: the trainer's
    """
    if updates > 1 and any(isinstance(callback, Timer) for callback in callbacks):
        raise ConfigError(
            f"trainer.max_time could end the run inside a round of {updates} updates (data.updates_per_round); leave "
            "one of them out"
        )
    if sampling.temperature == 0:
        raise ConfigError("sampling.temperature is 0, but training needs samples of the model; set it to 1")
    if sampling.decoding is not None:
        raise ConfigError(
            "sampling.decoding is set, so training would sample from another distribution than it scores; use it with "
            "predict or validate"
        )
    if sampling.filtered and not filtered:
        raise ConfigError(
            "sampling.top_p, top_k or min_p is set, so training would sample from another distribution than it "
            "scores; unset it, or set data.filter_training_samples to true if this is meant"
        )
