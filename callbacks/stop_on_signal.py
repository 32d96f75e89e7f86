"""SIGTERM, SIGHUP, SIGUSR1 and Ctrl-C: leave within seconds, with what is kept and a line that says how to resume."""

import contextlib
import os
import signal
import threading
from types import FrameType
from typing import Any

import lightning as L
from lightning.pytorch.trainer.states import TrainerFn

from emlit.callbacks.run_checkpoint import RunCheckpoint
from emlit.callbacks.samples_page import planned_steps
from emlit.modules import CausalLM
from emlit.parallel import is_sharded
from emlit.resilience.unheard_signals import UnheardSignals
from emlit.rollout.trainer import Trainer

# SIGHUP is of a terminal that is closed, SIGUSR1 of SLURM before a job's time is up, where a batch file asks for it.
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1)


class Stopped(SystemExit):
    """A signal ended the run: its exit status is 128 + the signal's number, its `sentence` says what is kept.

    `saved`: whether there is a checkpoint to resume from. `way_on`: what the command is for that stands behind it.
    """

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(status)
        self.sentence, self.saved, self.way_on = sentence, False, "resume with"


class StopOnSignal(L.Callback):
    """Leave at the first of SIGNALS with nothing lost, and at the second at once.

    `fit` finishes the round that it optimises on and saves `last.ckpt`. What only samples is given up at once: a round
    (its seeds make it again), a probe or an evaluation between two rounds (the resumed run makes it again), those
    before training; that after the last step goes back to the last checkpoint. Several processes have to agree and
    finish it. `predict` keeps the completions that have ended, and leaves; so do reading data, loading models and
    starting an engine, which have nothing to keep, and `validate`. Replaces Lightning's own handling of SIGTERM, which
    would stop between two micro-batches, and of SIGUSR1 under SLURM, which would save in the middle of one: processes
    that hold shards would wait for each other there.

    Args:
        enabled: False leaves the signals to Lightning
    """

    def __init__(self, enabled: bool = True) -> None:
        self.enabled = enabled
        self.received: signal.Signals | None = None
        self._waits_for: str | None = None  # what must be finished before the run can be left
        self._sampling = False  # a round, before which a checkpoint is whole
        self._ending = False  # training is over, and the last checkpoint not yet in place
        self._earlier: dict[signal.Signals, Any] = {}
        self._unheard: UnheardSignals | None = None
        self._came = self._heard = 0  # signals; two in a row may come to the handler as one

    def on_begin(self, trainer: Trainer, pl_module: L.LightningModule, stage: str) -> None:
        """Before anything that takes time."""
        self._trainer, self.received, self._waits_for = trainer, None, None
        self._sampling = self._ending = False
        self._came = self._heard = 0
        self._listen(trainer, pl_module)

    def _listen(self, trainer: Any, pl_module: L.LightningModule) -> None:
        if not self.enabled or threading.current_thread() is not threading.main_thread():
            return
        self._trainer, self._process = trainer, os.getpid()
        for number in SIGNALS:
            found = signal.getsignal(number)
            if number == signal.SIGHUP and found == signal.SIG_IGN:  # nohup
                continue
            if found != self._receive:
                self._earlier.setdefault(number, found)
                signal.signal(number, self._receive)
            # Lightning has put its own in front meanwhile, and would put ours back after a run that failed.
            if trainer._signal_connector._original_handlers.get(number) == self._receive:
                trainer._signal_connector._original_handlers[number] = self._earlier[number]
        if self._unheard is None:
            self._unheard = UnheardSignals(SIGNALS, self._not_heard)

    on_validation_start = _listen
    on_test_start = _listen
    on_predict_start = _listen

    def on_train_start(self, trainer: Trainer, pl_module: L.LightningModule) -> None:
        self._listen(trainer, pl_module)
        if self.enabled:
            trainer.datamodule.events.before_round.append(lambda: self._between_rounds(trainer))

    def _receive(self, number: int, frame: FrameType | None) -> None:
        """Runs in the main thread, between two Python instructions."""
        if os.getpid() != self._process:  # a process that was forked from this one
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            return
        self._heard += 1
        trainer, name = self._trainer, signal.Signals(number).name
        if self.received is not None:
            if trainer.local_rank == 0:  # the others hear a signal twice: from the terminal and from the first
                self._leave_at_once(f"{name} again", number)
            return
        self.received = signal.Signals(number)
        if number == signal.SIGTERM:  # a Ctrl-C reaches every process of the terminal
            self._pass_on(trainer, number)
        if self._waits_for is None or self._gives_up(trainer):
            raise self._stopped(trainer)
        self._tell(f"{name}: leaving after {self._waits_for}; a second signal leaves at once ({self._kept(trainer)})")

    def _gives_up(self, trainer: Trainer) -> bool:
        """Nothing has changed since the last step. (Several processes must leave from the same place.)"""
        if trainer.world_size > 1:
            return False
        if self._sampling and (stream := trainer.datamodule.stream) is not None and stream.sampling_round:
            return True
        module: Any = trainer.lightning_module  # a CausalLM
        return module.measuring

    def _not_heard(self, number: int) -> None:
        """Runs in another thread, a while after each signal."""
        self._came += 1
        if not self._earlier or self._heard >= self._came:
            return
        again = self._came > 1 and self._trainer.local_rank == 0
        if again or (self.received is None and self._waits_for is None):
            self._leave_at_once(f"{signal.Signals(number).name}{' again' if again else ''}", number)

    def _leave_at_once(self, why: str, number: int) -> None:
        self._tell(f"{why}: leaving at once; {self._kept(self._trainer)}")
        self._pass_on(self._trainer, signal.SIGKILL)
        os._exit(128 + number)

    def _tell(self, sentence: str) -> None:
        if self._trainer.is_global_zero:
            with contextlib.suppress(OSError):  # nobody reads it any more
                os.write(2, f"\nemlit: {sentence}\n".encode())  # print() may be what was interrupted

    @staticmethod
    def _pass_on(trainer: Trainer, number: int) -> None:
        if trainer.strategy.launcher is not None and hasattr(trainer.strategy.launcher, "procs"):
            trainer.strategy.launcher.kill(number)

    @staticmethod
    def _kept(trainer: Trainer) -> str:
        if trainer.state.fn == TrainerFn.PREDICTING:
            module: Any = trainer.lightning_module  # a CausalLM
            sampled = module.sampled
            under_way = f" and {sampled.kept} completions of the next" if sampled is not None and sampled.kept else ""
            return f"kept: every finished batch{under_way}"
        if trainer.state.fn != TrainerFn.FITTING:
            assert trainer.state.fn is not None
            return f"{trainer.state.fn.value} keeps nothing until it ends"
        for callback in trainer.callbacks:
            if isinstance(callback, RunCheckpoint) and callback.published_step is not None:
                return f"kept: step {callback.published_step} in {callback.path(trainer)}"
        path = RunCheckpoint.path(trainer)
        return f"kept: {path}" if path.exists() else "kept: no checkpoint yet"

    def _stopped(self, trainer: Trainer) -> Stopped:
        # Lightning's launcher takes any other status of a process that it started for a crash, and kills the first.
        assert self.received is not None
        status = 128 + self.received if trainer.global_rank == 0 else 0
        return Stopped(status, f"stopped by {self.received.name}")

    def _between_rounds(self, trainer: Trainer) -> None:
        if trainer.strategy.reduce_boolean_decision(self.received is not None, all=False):
            self.received = self.received or signal.SIGTERM  # another process was told
            self._sampling = True
            raise self._stopped(trainer)
        self._waits_for, self._sampling = f"step {trainer.global_step + 1}", True

    def on_train_batch_start(self, trainer: Trainer, pl_module: L.LightningModule, batch: Any, batch_idx: int) -> None:
        self._sampling = False

    def on_train_end(self, trainer: Trainer, pl_module: L.LightningModule) -> None:
        # The last checkpoint is in place; a restart would only make up for these.
        self._waits_for, self._sampling, self._ending = "the last evaluation and the export", False, True

    def on_fit_end(self, trainer: Trainer, pl_module: L.LightningModule) -> None:
        self._waits_for, self._ending = None, False
        if self.received is not None:
            raise self._stopped(trainer)

    def on_predict_batch_start(
        self, trainer: Trainer, pl_module: CausalLM, batch: Any, batch_idx: int, dataloader_idx: int = 0
    ) -> None:
        if not is_sharded(pl_module.model):
            return
        # Each batch is scored by all processes together.
        if trainer.strategy.reduce_boolean_decision(self.received is not None, all=False):
            self.received = self.received or signal.SIGTERM
            raise self._stopped(trainer)
        self._waits_for = f"batch {batch_idx + 1}"

    def on_predict_end(self, trainer: Trainer, pl_module: L.LightningModule) -> None:
        self._waits_for = None
        if self.received is not None:
            raise self._stopped(trainer)

    def on_exception(self, trainer: Trainer, pl_module: L.LightningModule, exception: BaseException) -> None:
        self._restore()
        if not isinstance(exception, Stopped):
            return
        if self._is_whole(trainer):
            for callback in trainer.callbacks:
                if isinstance(callback, RunCheckpoint):
                    callback.save(trainer)
        exception.saved = RunCheckpoint.path(trainer).exists()
        if trainer.state.fn in (TrainerFn.VALIDATING, TrainerFn.TESTING):
            exception.way_on = "repeat the command"
        where = f" after step {trainer.global_step}" if trainer.training and trainer.global_step else ""
        exception.sentence += f"{where}; {self._kept(trainer)}"

    def _is_whole(self, trainer: Trainer) -> bool:
        """Whether a checkpoint of now is one to resume from: between two rounds, with another one to come."""
        if self._sampling or self._waits_for is None or self._ending or trainer.state.fn != TrainerFn.FITTING:
            return self._sampling
        return trainer.global_step != planned_steps(trainer) and not trainer.should_stop

    def teardown(self, trainer: Trainer, pl_module: L.LightningModule, stage: str) -> None:
        self._restore()

    def _restore(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            return
        for number, handler in self._earlier.items():
            signal.signal(number, handler)
        self._earlier = {}
        if self._unheard is not None:
            self._unheard.close()
            self._unheard = None
