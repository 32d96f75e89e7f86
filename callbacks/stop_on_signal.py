"""SIGTERM and Ctrl-C: leave with a checkpoint and a line that says how to go on."""

import os
import signal
import threading
from types import FrameType
from typing import Any

import lightning as L

from callbacks.run_checkpoint import RunCheckpoint
from emlit.parallel import is_sharded

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Stopped(SystemExit):
    """A signal ended the run: its exit status is 128 + the signal's number, its `sentence` says what is kept.

    `saved`: whether there is a checkpoint to go on from.
    """

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(status)
        self.sentence, self.saved = sentence, False


class StopOnSignal(L.Callback):
    """Leave at the first SIGTERM or SIGINT with nothing lost, and at the second at once.

    `fit` finishes the round that it optimises on and saves `last.ckpt`; a round that is only being sampled is given up
    (its seeds make it again), so that long generations are not waited for, unless several processes have to agree.
    `predict` finishes the batch that it answers. Where there is nothing to finish, the run is left at once. Replaces
    Lightning's own handling of SIGTERM while the loops run, which would stop between two micro-batches; SLURM's
    requeueing by SIGUSR1 stays Lightning's.

    Args:
        enabled: False leaves the signals to Lightning
    """

    def __init__(self, enabled: bool = True) -> None:
        self.enabled = enabled
        self.received: signal.Signals | None = None
        self._waits_for: str | None = None  # what must be finished before the run can be left
        self._sampling = False
        self._earlier: dict[signal.Signals, Any] = {}

    def _listen(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        # Not in `setup`: Lightning installs its own handlers after that.
        if not self.enabled or threading.current_thread() is not threading.main_thread() or self._earlier:
            return
        self._trainer = trainer
        for number in SIGNALS:
            self._earlier[number] = signal.signal(number, self._receive)

    on_validation_start = _listen
    on_test_start = _listen
    on_predict_start = _listen

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self._listen(trainer, pl_module)
        if self.enabled:
            trainer.datamodule.stream.before_round = lambda: self._between_rounds(trainer)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        """Runs in the main thread, between two Python instructions."""
        trainer, name = self._trainer, signal.Signals(number).name
        status = 128 + number
        if self.received is not None:
            if trainer.local_rank == 0:  # the others hear a signal twice: from the terminal and from the first
                self._tell(f"{name} again: leaving at once; kept: {self._kept(trainer)}")
                self._pass_on(trainer, signal.SIGKILL)
                os._exit(status)
            return
        self.received = signal.Signals(number)
        if number == signal.SIGTERM:  # a Ctrl-C reaches every process of the terminal
            self._pass_on(trainer, number)
        if self._waits_for is None or (self._sampling and self._gives_up_sampling(trainer)):
            raise self._stopped(trainer)
        self._tell(
            f"{name}: leaving after {self._waits_for}; a second signal leaves at once (kept: {self._kept(trainer)})"
        )

    @staticmethod
    def _gives_up_sampling(trainer: L.Trainer) -> bool:
        """Nothing has changed since the last step. (Several processes must leave from the same place.)"""
        return trainer.world_size == 1 and trainer.datamodule.sampler.generating

    def _tell(self, sentence: str) -> None:
        if self._trainer.is_global_zero:
            os.write(2, f"\nemlit: {sentence}\n".encode())  # print() may be what was interrupted

    @staticmethod
    def _pass_on(trainer: L.Trainer, number: int) -> None:
        if trainer.strategy.launcher is not None and hasattr(trainer.strategy.launcher, "procs"):
            trainer.strategy.launcher.kill(number)

    @staticmethod
    def _kept(trainer: L.Trainer) -> str:
        if not trainer.training:
            return "every finished batch" if trainer.predicting else "nothing, as its report is written at the end"
        for callback in trainer.callbacks:
            if isinstance(callback, RunCheckpoint) and callback.published_step is not None:
                return f"step {callback.published_step} in {callback.path(trainer)}"
        return "no checkpoint yet"

    def _stopped(self, trainer: L.Trainer) -> Stopped:
        # Lightning's launcher takes any other status of a process that it started for a crash, and kills the first.
        status = 128 + self.received if trainer.global_rank == 0 else 0
        return Stopped(status, f"stopped by {self.received.name}")

    def _between_rounds(self, trainer: L.Trainer) -> None:
        if trainer.strategy.reduce_boolean_decision(self.received is not None, all=False):
            self.received = self.received or signal.SIGTERM  # another process was told
            self._sampling = True
            raise self._stopped(trainer)
        self._waits_for, self._sampling = f"step {trainer.global_step + 1}", True

    def on_train_batch_start(
        self, trainer: L.Trainer, pl_module: L.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        self._sampling = False

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        # The last checkpoint is in place; a restart would only make up for these.
        self._waits_for, self._sampling = "the last evaluation and the export", False

    def on_fit_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self._waits_for = None
        if self.received is not None:
            raise self._stopped(trainer)

    def on_predict_batch_start(
        self, trainer: L.Trainer, pl_module: L.LightningModule, batch: Any, batch_idx: int, dataloader_idx: int = 0
    ) -> None:
        if self._all_leave(trainer, pl_module):
            raise self._stopped(trainer)
        self._waits_for = f"batch {batch_idx + 1}"

    def _all_leave(self, trainer: L.Trainer, module: L.LightningModule) -> bool:
        told = self.received is not None
        if is_sharded(module.model):  # each batch is scored by all processes together
            told = trainer.strategy.reduce_boolean_decision(told, all=False)
            self.received = self.received or (signal.SIGTERM if told else None)
        return told

    def on_predict_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self._waits_for = None
        if self.received is not None:
            raise self._stopped(trainer)

    def on_exception(self, trainer: L.Trainer, pl_module: L.LightningModule, exception: BaseException) -> None:
        self._restore()
        if not isinstance(exception, Stopped):
            return
        if self._sampling:  # between two rounds, where a checkpoint is whole
            for callback in trainer.callbacks:
                if isinstance(callback, RunCheckpoint):
                    callback.save(trainer)
        exception.saved = RunCheckpoint.path(trainer).exists()
        where = f" after step {trainer.global_step}" if trainer.training else ""
        exception.sentence += f"{where}; kept: {self._kept(trainer)}"

    def teardown(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        self._restore()

    def _restore(self) -> None:
        for number, handler in self._earlier.items():
            signal.signal(number, handler)
        self._earlier = {}
