"""What a run is doing, told to another process: `survive` kills it in the phase that it wants."""

import functools
import os
from collections.abc import Callable
from typing import Any

import lightning as L
from lightning.pytorch.callbacks import Checkpoint
from lightning.pytorch.trainer.states import TrainerFn

from emlit.callbacks import HFExport, PredictionWriter, RunCheckpoint

# The file descriptor of a pipe.
VARIABLE = "EMLIT_PHASES"


class PhaseMarks(Checkpoint):
    """Writes `begin NAME STEP` and `end NAME STEP` to the pipe as a run goes in and out of its phases.

    A Checkpoint so that Lightning puts it last; it saves nothing.
    """

    def __init__(self) -> None:
        self.pipe = int(os.environ[VARIABLE])
        self.batches = 0

    def _tell(self, word: str, name: str, trainer: L.Trainer) -> None:
        place = self.batches if trainer.state.fn == TrainerFn.PREDICTING else trainer.global_step
        os.write(self.pipe, f"{word} {name} {place}\n".encode())

    def _around(self, name: str, function: Callable, trainer: L.Trainer) -> Callable:
        @functools.wraps(function)
        def told(*args: Any, **options: Any) -> Any:
            self._tell("begin", name, trainer)
            result = function(*args, **options)
            self._tell("end", name, trainer)
            return result

        return told

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        # From here on: the first evaluation generates too, and is over.
        self._wrap_engine(trainer)
        for callback in trainer.callbacks:
            if isinstance(callback, RunCheckpoint):
                callback._save = self._around("checkpoint", callback._save, trainer)
            if isinstance(callback, HFExport):
                callback.export = self._around("export", callback.export, trainer)

    def on_predict_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self._wrap_engine(trainer)
        for callback in trainer.callbacks:
            if isinstance(callback, PredictionWriter):
                callback.on_predict_batch_end = self._around("writing", callback.on_predict_batch_end, trainer)
                callback._merge = self._around("merge", callback._merge, trainer)

    def _wrap_engine(self, trainer: L.Trainer) -> None:
        engine = trainer.datamodule.engine
        engine.generate = self._around("generation", engine.generate, trainer)

    def on_predict_batch_end(self, *_: Any, **__: Any) -> None:
        self.batches += 1

    def on_before_backward(self, trainer: L.Trainer, *_: Any) -> None:
        self._tell("begin", "backward", trainer)

    def on_after_backward(self, trainer: L.Trainer, *_: Any) -> None:
        self._tell("end", "backward", trainer)
