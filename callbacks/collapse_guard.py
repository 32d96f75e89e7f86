"""Sees a collapse coming, without labels; stops, and keeps the weights from before it."""

import logging
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any, Literal

import lightning as L
import torch

from emlit import progress
from emlit.callbacks import kept_weights
from emlit.callbacks.guard_cost import GuardCost, planned
from emlit.callbacks.run_checkpoint import RunCheckpoint
from emlit.callbacks.weight_sync import load_into
from emlit.collapse import History, Limits, Probe, ProbeSize, labelled_prompts, probe_size, score
from emlit.errors import ConfigError, NonFiniteError, require_at_least
from emlit.export import Room, parameter_count
from emlit.modules import CausalLM
from emlit.resilience.checkpoint_files import restoring
from emlit.rollout.trainer import Trainer
from emlit.tasks import Task

log = logging.getLogger(__name__)


class CollapseGuard(L.Callback):
    """Answers a fixed probe of training prompts now and then, and watches signals of it that need no label.

    What the probe is like before training is the yardstick: `emlit.collapse.Signals` says what is watched,
    `emlit.collapse.Limits` where each signal fires. Of the steps at which nothing fired, the one whose samples agree
    best with the start's votes is kept. Where the start itself speaks against training (too certain already, or two
    answers to most prompts) the start is kept. A run that labels or solutions teach is told nothing of its start, and
    the training prompts' labels, where they have any, pick the kept step in place of votes.

    All probes together cost at most a tenth of the completions that the run samples. A probe of fewer than 16 prompts
    would judge nothing: where one of 16 costs more than that, nothing is probed, unless the mode is "stop" or a size is
    set. What it costs is said when it begins and in the summary.

    Args:
        mode: "warn" tells, "stop" also ends the run and hands the kept step's weights to evaluation and export, "off"
            does neither and samples nothing
        every_n_steps: optimiser steps from one probe to the next
        prompts: of the training set, in the probe; 64, or fewer in a short run, unless set
        samples: of each
        start_samples: of each before training, for the votes; 16, or fewer in a short run, unless set
        patience: probes in a row past a limit before the run is stopped
        limits: where each signal fires
        labelled: a labelled validation set, which then is the probe and picks the kept step by its accuracy, not by
            votes; the report says semi-supervised
    """

    def __init__(
        self,
        mode: Literal["off", "warn", "stop"] = "warn",
        every_n_steps: int = 10,
        prompts: int | None = None,
        samples: int = 4,
        start_samples: int | None = None,
        patience: int = 2,
        limits: Limits = Limits(),  # noqa: B008 (frozen)
        labelled: Task | None = None,
    ) -> None:
        require_at_least(1, "CollapseGuard", every_n_steps=every_n_steps, prompts=prompts, patience=patience)
        require_at_least(2, "CollapseGuard", samples=samples)
        if start_samples is not None and start_samples < samples:
            raise ConfigError(
                f"start_samples of CollapseGuard is {start_samples}; it must be at least {samples}, samples"
            )
        self.mode, self.every_n_steps, self.patience, self.limits = mode, every_n_steps, patience, limits
        self.prompts, self.samples, self.start_samples, self.labelled = prompts, samples, start_samples, labelled
        self.probe: Probe | None = None
        self.history = History()
        self.seconds = 0.0  # that all probes took
        self._taught = False  # by labels or solutions
        self._dumped_step = 0
        self._unfinished: int | None = None  # the step of a probe that is under way
        self._size: ProbeSize | None = None
        self._make: Callable[[ProbeSize], Probe] | None = None
        self._resumed: dict[str, Any] | None = None

    @staticmethod
    def of(trainer: Trainer) -> "CollapseGuard | None":
        """The guard of a run, where it has one."""
        return next((each for each in trainer.callbacks if isinstance(each, CollapseGuard)), None)

    def room(self, trainer: Trainer, module: CausalLM) -> list[Room]:
        """Of the kept step's weights, and of those before them until a checkpoint names the new ones."""
        if self.mode != "stop" or module.lora is not None:
            return []
        size = parameter_count(module.pretrained, module.trust_remote_code) * getattr(torch, module.dtype_name).itemsize
        where = RunCheckpoint.path(trainer).parent
        return [Room("the guard's kept weights", 2 * size, where, "set --guard.mode warn")]

    def preflight(self, trainer: Trainer, module: CausalLM, stage: str) -> None:
        if stage != "fit" or self.mode == "off":
            return
        data = trainer.datamodule
        pool = data.train_prompts if self.labelled is None else labelled_prompts(self.labelled, data)
        self._taught = module.supervised
        steps, run = planned(trainer)
        later = None if steps is None else -(-steps // self.every_n_steps)
        size = probe_size(len(pool), run, later, self.prompts, self.samples, self.start_samples)
        labelled = self.labelled is not None or self._taught
        self._size, self._make = size, lambda size: Probe(pool, size, data.seed, labelled)
        asked_for = self.mode == "stop" or self.prompts or self.start_samples or self.labelled
        self.probe = self._make(size) if asked_for or size.affordable else None
        if self._resumed is not None:
            self._resume(self._resumed)

    def on_train_start(self, trainer: Trainer, pl_module: CausalLM) -> None:
        if self.probe is None:
            if self._size is not None:
                progress.say(
                    f"collapse guard: left out, as its smallest probe ({self._size}) costs more than a tenth; "
                    "--guard.prompts 16 has it all the same"
                )
            return
        if not self.history or self._unfinished == trainer.global_step:
            self._check(trainer, pl_module)
        elif self.mode == "stop" and not (kept := kept_weights.path(trainer, self.history.kept_step)).exists():
            raise ConfigError(
                f"guard.mode is stop, but {kept}, the kept step of the run so far, is not there; resume with "
                "--guard.mode warn"
            )
        if self.history.stop_step is not None and self.mode == "stop":
            trainer.should_stop = True

    def on_train_batch_end(self, trainer: Trainer, pl_module: CausalLM, outputs: Any, batch: Any, *_: Any) -> None:
        step, every = trainer.global_step, self.every_n_steps
        # Between rounds: within one the engine holds older weights.
        if self.probe is None or not batch.ends_round or step == self.history.last:
            return
        if step // every > self.history.last // every or step == trainer.max_steps:
            self._check(trainer, pl_module)

    def _check(self, trainer: Trainer, module: CausalLM) -> None:
        """Measure the probe, judge it, keep or stop."""
        assert self.probe is not None
        step = self._unfinished = trainer.global_step
        if not self.history:
            progress.say(f"collapse guard, start probe: {self.probe.size}")
        began = time.perf_counter()
        with restoring(None if self._resumed is None else trainer.ckpt_path):  # whose tokens are first read here
            signals = self.probe.measure(module)
        seconds, self._unfinished = time.perf_counter() - began, None
        self.seconds += seconds
        if not self.history:
            progress.say(f"collapse guard, start probe: took {seconds:.0f} s")
            if score(signals) is None and not self._taught and trainer.is_global_zero:
                log.warning(
                    "collapse guard: no answer was found in the probe, so that there are no votes to agree with"
                )
        if self._taught and not self.probe.labelled:  # the start's votes are of a model that knew less
            signals = replace(signals, start_agreement=None)
        contested = None if self._taught else self.probe.contested
        new = self.history.add(step, signals, contested, self.limits, self.patience)
        shown = {f"guard/{name}": value for name, value in asdict(signals).items() if value is not None}
        for logger in trainer.loggers:
            logger.log_metrics({**shown, "guard/fired": float(len(self.history.stops(step)))}, step=step)
        if new and trainer.is_global_zero:
            log.warning("collapse guard, step %d: %s", step, "; ".join(map(str, new)))
        if self.mode == "stop":
            if self.history.kept_step == step:
                kept_weights.save(trainer, module, step, also=self._dumped_step)
            if self.history.stop_step is not None:
                trainer.should_stop = True

    def on_train_end(self, trainer: Trainer, pl_module: CausalLM) -> None:
        """Hand the kept weights to what evaluates and exports; the checkpoint is of the last step."""
        if self.probe is not None and trainer.global_step not in self.history.signals:  # ended early, by another's will
            self._check(trainer, pl_module)
        if self.final_step(trainer) == trainer.global_step:
            return
        kept_weights.take(trainer, pl_module, self.history.kept_step)
        load_into(trainer.datamodule.engine, pl_module, version=trainer.global_step)

    def on_exception(self, trainer: Trainer, pl_module: CausalLM, exception: BaseException) -> None:
        """The export that a run ends with on non-finite values is the kept step's too."""
        if isinstance(exception, NonFiniteError) and self.final_step(trainer) != trainer.global_step:
            kept_weights.take(trainer, pl_module, self.history.kept_step)

    def final_step(self, trainer: Trainer) -> int:
        """Whose weights the run ends with."""
        kept = self.mode == "stop" and self.probe is not None and self.history
        return self.history.kept_step if kept else trainer.global_step

    def sentence(self) -> str | None:
        """What became of the run, for its end; None where nothing was watched."""
        if self.probe is None or not self.history:
            return None
        return f"{self.history.sentence(self.mode == 'stop')}; picked by {self._picked_by()}"

    def _picked_by(self) -> str:
        if self.labelled is not None:
            return "labels (semi-supervised)"
        if self.probe is not None and self.probe.labelled:
            return "the labels that it is trained on"
        if self._taught:
            return "the last step at which nothing fired, as not every prompt of the probe has a label"
        if self.history.voteless:
            return "the last step at which nothing fired, as no answer was found to vote on"
        return "votes of the start, no label"

    def cost(self, trainer: Trainer) -> GuardCost | None:
        """Of all probes so far."""
        if self.probe is None or not self.history:
            return None
        return GuardCost.of(self.probe.size, len(self.history.signals), self.seconds, trainer)

    def report(self) -> dict[str, Any] | None:
        """What fired, at which step, with which values, and what is kept; None where nothing was watched."""
        if self.probe is None or not self.history:
            return None
        return {
            "mode": self.mode,
            "contested_at_start": self.probe.contested,
            "picked_by": self._picked_by(),
            **self.history.rows(),
        }

    def state_dict(self) -> dict[str, Any]:
        self._dumped_step = self.history.kept_step
        probe = self._resumed
        if self.probe is not None:
            size = self.probe.size
            probe = {**self.probe.state_dict(), "prompts": size.prompts, "start_samples": size.start_samples}
        return {
            **self.history.state_dict(),
            "probe": probe,
            "seconds": self.seconds,
            "unfinished": self._unfinished,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.history, self._resumed = History.of(state), state["probe"]
        self._dumped_step = self.history.kept_step
        self.seconds, self._unfinished = state["seconds"], state["unfinished"]
        if self._make is not None and self._resumed is not None:
            self._resume(self._resumed)

    def _resume(self, state: dict[str, Any]) -> None:
        """The probe that the run began with, whatever a run of this length would begin with."""
        prompts, votes = self.prompts or state["prompts"], self.start_samples or state["start_samples"]
        assert self._make is not None
        assert self._size is not None
        self.probe = self._make(replace(self._size, prompts=prompts, start_samples=votes))
        self.probe.load_state_dict(state)
