"""Prompts, the engine that answers them, and the loaders that Lightning's loops run on."""

import logging
import os
import sys
from collections.abc import Iterable
from copy import deepcopy
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import lightning as L
import torch

from emlit import pretrained, progress
from emlit.answering import PromptBatch
from emlit.context import context_of, longest_prompt
from emlit.decoding import Decoding
from emlit.engines import Engine, ModelSource, default_engine, start_engine
from emlit.errors import ConfigError, require_at_least
from emlit.parallel import is_sharded
from emlit.records import RolloutBatch, Sampling
from emlit.rollout.chat import Chat
from emlit.rollout.checks import (
    Preflight,
    RunTasks,
    begin,
    check_engine,
    check_evaluation,
    check_rollouts,
    check_samples,
    resolve_tasks,
    warn_of_toy,
)
from emlit.rollout.first_grades import FirstGrades
from emlit.rollout.held_out import HELD_OUT, held_out_prompts, require_hold_out
from emlit.rollout.prompt_batches import PromptLoader, Share, prediction_batches
from emlit.rollout.prompts import PromptList, render
from emlit.rollout.round_plan import RoundPlan
from emlit.rollout.run_events import RunEvents
from emlit.rollout.solutions import SolutionStream
from emlit.rollout.stream import RolloutStream
from emlit.rollout.trainer import Trainer
from emlit.rollout.training_prompts import training_prompts
from emlit.rollout.waves import Trainee
from emlit.rollouts import Rollouts
from emlit.strategies import Sampled, Strategy
from emlit.tasks import Task, read_from

log = logging.getLogger(__name__)


# Of a prediction: decoding, task, id and sample.
AnsweredKey = tuple[str, str, str, int]
# What a module learns from (`CausalLM.learns_from`), and the stream that brings it.
LearnsFrom = Literal["samples", "solutions"]
_STREAMS: dict[LearnsFrom, type[RolloutStream]] = {"samples": RolloutStream, "solutions": SolutionStream}


class RolloutDataModule(L.LightningDataModule):
    """On-policy rollouts for `fit`, prompts to answer for `validate`, `test` and `predict`.

    Args:
        train: what to sample from while training, or the solutions to learn from; labels, where there are any, are
            only measured against, but for rewards that say otherwise. The embedded arithmetic for `pretrained: tiny`
        evaluation: what is answered before and after training, and by validate, test and predict; prompts of `train`
            that training leaves out ("held_out") unless set; null for no evaluation
        hold_out: how many prompts of `train` are held out, or their share; a tenth, at most 128, unless set
        chat_template_kwargs: variables of the model's chat template, such as {"enable_thinking": false}
        few_shot: solved examples, each with `prompt` and `answer`, that stand before every problem
        plain_template: the form of a problem for a model without a chat template, such as "Problem: {prompt}\\nAnswer:"
        engine: what samples; vLLM where it is installed, transformers otherwise
        sampling: how, in training and evaluation
        strategies: ways to decode in predict, one after the other; the sampling above unless set
        path: read the benchmarks of `evaluation` from here and not from the hub: the file of one, or a directory with
            a NAME.jsonl (.json, .parquet, .csv) for each
        filter_training_samples: allow top_p, top_k and min_p in training, though losses score the whole distribution
        mask_truncated: leave completions that were cut at max_tokens out of the loss; they still count in the baseline
            of their group
        prompts_per_round: prompts in a round, over all ranks
        updates_per_round: optimiser steps that a round feeds, each with its share of the prompts; only the first is
            exactly on-policy
        rounds_ahead: 1 has each round sampled while the one before is trained on, by weights that are one round old
            (docs/servers.md); with vLLM servers or, in a run of one process, vLLM in this process
        samples_per_prompt: completions of each prompt of a round that are trained on; the paper's N
        rollouts: where those completions come from, by its class path: more votes, branches from prefixes, another
            temperature, earlier rounds; one wave of samples, all of them trained on, unless set
        micro_batch_prompts: prompts of a rank that are worked on together, with all of their completions; sets
            trainer.accumulate_grad_batches, whatever the number of ranks is
        evaluation_samples: completions of each prompt in evaluation
        evaluation_problems: the first so many problems of each task of evaluation; all unless set
        evaluation_batch_size: prompts answered together in evaluation
        context: longest prompt plus completion in tokens; the model's own limit, at most 8192, unless set
    """

    trainer: Trainer

    def __init__(
        self,
        train: Task | None = None,
        evaluation: Task | list[Task] | Literal["held_out"] | None = HELD_OUT,
        engine: Engine | None = None,
        sampling: Sampling = Sampling(),  # noqa: B008 (frozen)
        strategies: list[Strategy] | None = None,
        path: str | None = None,
        filter_training_samples: bool = False,
        mask_truncated: bool = False,
        prompts_per_round: int = 64,
        updates_per_round: int = 1,
        rounds_ahead: Literal[0, 1] = 0,
        samples_per_prompt: int = 4,
        micro_batch_prompts: int | None = None,
        evaluation_samples: int = 16,
        evaluation_problems: int | None = None,
        evaluation_batch_size: int = 128,
        context: int | None = None,
        hold_out: int | float | None = None,
        chat_template_kwargs: dict[str, Any] | None = None,
        few_shot: list[dict[str, str]] | None = None,
        plain_template: str | None = None,
        rollouts: Rollouts | None = None,
    ) -> None:
        super().__init__()
        require_at_least(
            1, prompts_per_round=prompts_per_round, updates_per_round=updates_per_round,
            samples_per_prompt=samples_per_prompt, micro_batch_prompts=micro_batch_prompts,
            evaluation_samples=evaluation_samples, evaluation_problems=evaluation_problems,
            evaluation_batch_size=evaluation_batch_size, context=context,
        )  # fmt: skip
        require_hold_out(hold_out)
        if hold_out is not None and evaluation != HELD_OUT:
            raise ConfigError("data.hold_out is set, and so is data.evaluation; leave one of them out")
        if evaluation == []:
            raise ConfigError("evaluation is an empty list; name a task, or leave the key out")
        self.train_task, self.hold_out = train, hold_out if evaluation == HELD_OUT else 0
        tasks = train if evaluation == HELD_OUT else evaluation
        self.evaluation_tasks: list[Task] = tasks if isinstance(tasks, list) else [] if tasks is None else [tasks]
        if path is not None:
            read_from(Path(path), self.evaluation_tasks)
        self.engine = engine if engine is not None else default_engine()
        self._sampling = sampling
        if strategies is not None and not strategies:
            raise ConfigError("strategies is an empty list; name one, or leave the key out")
        self.strategies = None if strategies is None else [each for one in strategies for each in one.expand()]
        self.filter_training_samples = filter_training_samples
        self.mask_truncated = mask_truncated
        self.prompts_per_round = prompts_per_round
        self.updates_per_round = updates_per_round
        self.rounds_ahead = rounds_ahead
        self.samples_per_prompt = samples_per_prompt
        self.rollouts = rollouts if rollouts is not None else Rollouts()
        self.micro_batch_prompts = micro_batch_prompts
        self.evaluation_samples = evaluation_samples
        self.evaluation_problems = evaluation_problems
        self.evaluation_batch_size = evaluation_batch_size
        self.context = context
        self.chat_template_kwargs, self.few_shot, self.plain_template = chat_template_kwargs, few_shot, plain_template
        self.first_grades = FirstGrades()
        self.finished: frozenset[AnsweredKey] = frozenset()  # what predict has already
        self.events = RunEvents()
        self.plan: RoundPlan | None = None
        self.stream: RolloutStream | None = None
        self.started = False

    @property
    def sampling(self) -> Sampling:
        """As set; with the decoding of a callback that has one, such as EMInference."""
        callbacks = [] if self.trainer is None else self.trainer.callbacks
        found = (getattr(callback, "decoding", None) for callback in callbacks)
        decoding = next((each for each in found if isinstance(each, Decoding)), None)
        return self._sampling if decoding is None else replace(self._sampling, decoding=decoding)

    def default_strategy(self) -> Strategy:
        """`sampling` as it is; what is replayed is called so."""
        return Sampled(name=None if self.engine.trains else "replayed")

    def all_strategies(self) -> list[Strategy]:
        """Those that were set, or the default one."""
        return self.strategies or [self.default_strategy()]

    @property
    def seed(self) -> int:
        """What `seed_everything` was given."""
        return int(os.environ.get("PL_GLOBAL_SEED", 0))

    def setup(self, stage: str) -> None:
        """Read and render the prompts, then start the engine: bad input ends the run before a model loads.

        Not earlier: before Lightning has made its process group, an engine in this process would make one of its own,
        and the ranks would train apart without an error.
        """
        module: Any = self.trainer.lightning_module  # a CausalLM, whose room is above this one
        begin(self.trainer, module, stage)
        reading = progress.begin("reading the prompts", announce=True)
        module.check_rollouts(self)
        self.train_task, self.evaluation_tasks, self.hold_out = resolve_tasks(
            RunTasks(self.train_task, self.evaluation_tasks, self.hold_out), module.pretrained, stage
        )
        strategies = self.strategies if stage == "predict" else None
        check_evaluation(self.evaluation_tasks, strategies or [], self.sampling)
        if stage == "fit":
            check_engine(self.engine, self.rounds_ahead, self.trainer.world_size)
            check_rollouts(self.rollouts, self.samples_per_prompt, self.rounds_ahead, module)
            self.events = RunEvents()
            self.plan = self.round_plan()
            self.trainer.accumulate_grad_batches = self.plan.accumulated
            if module.learns_from == "samples":
                check_samples(
                    self._sampling, self.filter_training_samples, self.updates_per_round, self.trainer.callbacks
                )
        path = pretrained.resolve(module.pretrained)
        trusted = module.trust_remote_code
        self.tokenizer = pretrained.load_tokenizer(path, trusted)
        if stage == "fit":
            warn_of_toy(self.train_task, module.pretrained, len(self.tokenizer))
        # What is replayed has no context, unless the model is to read it.
        replayed = not self.engine.needs_context and not module.score
        asked = self.context
        context = (asked or sys.maxsize) if replayed else context_of(asked, module.pretrained, path, trusted)
        self.longest_context = context
        longest = self.longest_prompt = longest_prompt(context, self.sampling.max_tokens)
        stop = pretrained.stop_token_ids(path, self.tokenizer, trusted)
        # What is only replayed is read by nobody.
        config = None if replayed else pretrained.load_config(path, trusted).get_text_config()
        vocabulary = getattr(config, "vocab_size", None)
        self.chat = Chat(self.tokenizer, self.chat_template_kwargs, self.few_shot, self.plain_template, vocabulary)
        if stage == "fit":
            assert self.train_task is not None
            self.train_prompts = training_prompts(
                self.train_task, self.tokenizer, longest, module.check_prompts,
                solutions=(stop[0], context) if module.learns_from == "solutions" else None,
                chat=self.chat, hold_out=self.hold_out,
            )  # fmt: skip
        self.evaluation_prompts = self._evaluation_prompts()
        self.engine.offer({(p.task.name, p.row.id): p.row.solution for p in self.evaluation_prompts})
        if not self.started and not replayed:
            pretrained.check_weights(path)
        for callback in self.trainer.callbacks:
            if isinstance(callback, Preflight):
                callback.preflight(self.trainer, module, stage)
        progress.end(reading)
        if not self.started:
            start_engine(self.engine, ModelSource(path, context, stop, trusted))
            self.started = True

    def round_plan(self) -> RoundPlan:
        """How the trainer's ranks share a round; ConfigError where they cannot."""
        accumulate, before = self.trainer.accumulate_grad_batches, self.plan
        if before is not None and accumulate == before.accumulated:  # set by an earlier fit
            accumulate = before.micro_batches
        return RoundPlan.of(
            self.prompts_per_round, self.samples_per_prompt, self.updates_per_round, self.micro_batch_prompts,
            accumulate, self.trainer.world_size, self.trainer.max_steps, self.rollouts.apart, self.trainer.global_rank,
        )  # fmt: skip

    def _evaluation_prompts(self) -> PromptList:
        """Those of `evaluation`, or those of `train` that are held out where it is not set."""
        if self.hold_out == 0:
            longest, problems = self.longest_prompt, self.evaluation_problems
            rendered = (render(each, self.tokenizer, longest, problems, self.chat) for each in self.evaluation_tasks)
            return PromptList(chain.from_iterable(rendered))
        assert self.train_task is not None
        held = held_out_prompts(self.train_task, self.chat, self.longest_prompt, self.hold_out)
        if self.trainer.is_global_zero:
            log.warning(
                "%d of the %d prompts of data.train (%s) are held out of training and evaluated on (data.hold_out says "
                "how many); name other problems with data.evaluation, or none with null",
                len(held), len(self.train_task.rows()), self.train_task.name,
            )  # fmt: skip
        return PromptList(held[: self.evaluation_problems])

    def train_dataloader(self) -> RolloutStream:
        module: Any = self.trainer.lightning_module
        assert self.plan is not None
        self.stream = _STREAMS[module.learns_from](
            self.train_prompts,
            self.engine,
            self.tokenizer,
            self.sampling,
            self.plan,
            self.seed,
            trainer_step=lambda: self.trainer.global_step,
            sum_over_ranks=self._sum_over_ranks,
            mask_truncated=self.mask_truncated,
            events=self.events,
            has_round=self._has_round if self.rounds_ahead and module.learns_from == "samples" else None,
            rollouts=deepcopy(self.rollouts),  # what it remembers is of one fit
            trainee=Trainee(
                partial(module.score_completions, temperature=self.sampling.temperature),
                getattr(module, "rewards_of", None),
            ),
        )
        return self.stream

    def _has_round(self, round: int) -> bool:
        """Whether the trainer, which is at the beginning of the round before, will come to this one."""
        steps, epochs = self.trainer.max_steps, self.trainer.max_epochs
        more_steps = steps < 0 or self.trainer.global_step + self.updates_per_round < steps
        assert self.stream is not None
        more_epochs = epochs is None or epochs == -1 or round < epochs * self.stream.rounds_per_epoch
        return more_steps and more_epochs and not self.trainer.should_stop

    def _sum_over_ranks(self, value: float) -> float:
        return float(
            self.trainer.strategy.reduce(torch.tensor(value, device=self.trainer.strategy.root_device), reduce_op="sum")
        )

    def _share(self) -> Share:
        module: Any = self.trainer.lightning_module
        sharded = is_sharded(module.model)
        return Share(self.trainer.global_rank, self.trainer.world_size, self.evaluation_batch_size, in_step=sharded)

    def skip(self, finished: Iterable[AnsweredKey]) -> None:
        """Leave these predictions out of `predict_dataloader`: they are there already."""
        self.finished = frozenset(finished)

    def evaluation_batches(self, samples: int) -> list[PromptBatch]:
        """This process's share of the evaluation prompts, `samples` of each."""
        share = self._share()
        return share.cut([(prompt, range(samples)) for prompt in share.of(self.evaluation_prompts)])

    def val_dataloader(self) -> PromptLoader:
        return PromptLoader(self.evaluation_batches(self.evaluation_samples))

    def test_dataloader(self) -> PromptLoader:
        return self.val_dataloader()

    def predict_dataloader(self) -> PromptLoader:
        return PromptLoader(
            prediction_batches(
                self.evaluation_prompts, self.evaluation_tasks, self.all_strategies(), self.sampling,
                self.evaluation_samples, self.finished, self._share(),
            )
        )  # fmt: skip

    def transfer_batch_to_device(
        self, batch: PromptBatch | RolloutBatch, device: torch.device, dataloader_idx: int
    ) -> PromptBatch | RolloutBatch:
        # Prompts are lists of ints that the engine takes; only rollouts have tensors.
        return batch.to(device) if isinstance(batch, RolloutBatch) else batch

    def teardown(self, stage: str) -> None:
        self._close()

    def on_exception(self, exception: BaseException) -> None:
        self._close()

    def _close(self) -> None:
        # Shutting an engine down in this process destroys the process group that several ranks still need.
        if self.started and (self.trainer.world_size == 1 or self.engine.samples_elsewhere):
            self.engine.close()
            self.started = False
