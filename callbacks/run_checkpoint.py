"""Where `fit --ckpt_path last` resumes from."""

import contextlib
import random
import shutil
from pathlib import Path
from typing import Any

import lightning as L
import numpy
import torch
from lightning.fabric.plugins import TorchCheckpointIO
from lightning.pytorch.callbacks import Checkpoint
from lightning.pytorch.loops.fit_loop import _FitLoop
from lightning.pytorch.trainer.connectors.checkpoint_connector import _CheckpointConnector
from torch.distributed.checkpoint.api import CheckpointException

from emlit import progress
from emlit.errors import EmlitError, EngineError, StorageError, first_line, require_at_least
from emlit.export import Room, parameter_count, require_room
from emlit.processes import all_gather
from emlit.resilience.checkpoint_files import restoring
from emlit.resilience.direct_checkpoint_io import DirectCheckpointIO
from emlit.resilience.files import delete, put_in_place, replacing, scratch_of, writing
from emlit.resilience.marks import seal
from emlit.rollout.trainer import Trainer


class RunCheckpoint(Checkpoint):
    """Keep `checkpoints/last.ckpt` up to date, replaced whole: a kill or a full disk leaves the one before.

    Saved right after the last optimiser step of a round, and at the end before the run is evaluated and exported: where
    that fails, the run resumes at its last step, and makes up for its end alone. Lightning's ModelCheckpoint, for the
    best of a monitored value, may stand beside it in `trainer.callbacks`. Beside what Lightning saves, it keeps the
    state of each process's random generators, which dropout draws from; completions have seeds of their own.

    Args:
        every_n_steps: optimiser steps from one to the next
        keep: also keep each one as `step-N.ckpt`
    """

    def __init__(self, every_n_steps: int = 10, keep: bool = False) -> None:
        require_at_least(1, "RunCheckpoint", every_n_steps=every_n_steps)
        self.every_n_steps, self.keep = every_n_steps, keep
        self.saved_step = 0
        self.published_step: int | None = None  # of last.ckpt
        self._generators: list[dict[str, Any]] = []

    @staticmethod
    def path(trainer: Trainer) -> Path:
        return Path(trainer.default_root_dir) / "checkpoints" / "last.ckpt"

    def state_dict(self) -> dict[str, Any]:
        return {"generators": all_gather(_generators())}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._generators = state["generators"]

    def setup(self, trainer: Trainer, pl_module: L.LightningModule, stage: str) -> None:
        if type(trainer.strategy.checkpoint_io) is TorchCheckpointIO:  # nobody has chosen one
            trainer.strategy.checkpoint_io = DirectCheckpointIO()
        trainer.fit_loop.__class__ = _ToItsEnd
        trainer._checkpoint_connector.__class__ = _Restoring

    def preflight(self, trainer: Trainer, module: Any, stage: str) -> None:
        """Raise ConfigError where there is no room for a checkpoint."""
        if stage == "fit" and trainer.is_global_zero:
            require_room(*self.room(trainer, module))

    def room(self, trainer: Trainer, module: Any) -> list[Room]:
        """Of weights in float32 and AdamW's two moments; a new one is written beside the one before."""
        if module.lora is not None:
            return []
        saves = -(-trainer.max_steps // self.every_n_steps) if trainer.max_steps > 0 else 2
        copies = min(saves, 2) + (saves if self.keep else 0)
        size = 3 * 4 * parameter_count(module.pretrained, module.trust_remote_code)
        held = sum(each.stat().st_size for each in self.path(trainer).parent.glob("**/*") if each.is_file())
        what = "a checkpoint" if copies == 1 else f"{copies} checkpoints"
        return [Room(what, max(copies * size - held, 0), self.path(trainer).parent, "choose another --run_dir")]

    def on_train_start(self, trainer: Trainer, pl_module: L.LightningModule) -> None:
        self.saved_step = trainer.global_step
        if trainer.is_global_zero:
            with writing(self.path(trainer)):
                delete(scratch_of(self.path(trainer)))  # killed while it was written
        self.published_step = trainer.global_step if self.path(trainer).exists() else None
        # As late as can be: what came before this (loading a model, say) may have drawn numbers.
        if len(self._generators) == trainer.world_size:
            _set_generators(self._generators[trainer.global_rank])
        self._generators = []
        if trainer.global_step:
            _recount(trainer)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, *_: Any
    ) -> None:
        step = trainer.global_step
        if step == self.saved_step or not batch.ends_round:
            return
        if (
            step == trainer.max_steps
            or trainer.should_stop
            or (step // self.every_n_steps > self.saved_step // self.every_n_steps)
        ):
            self.save(trainer)

    def save(self, trainer: Trainer) -> None:
        """Save now, unless this step is saved already; every process must call it, with no step under way.

        Raises:
            StorageError: it could not be written; the one before is kept
        """
        if trainer.global_step != self.saved_step:
            self._save(trainer)

    def on_exception(self, trainer: Trainer, pl_module: L.LightningModule, exception: BaseException) -> None:
        """Lose no step to an engine that dies of a round, where one process can tell that nothing else is wrong."""
        stream = trainer.datamodule.stream
        if isinstance(exception, EngineError) and trainer.world_size == 1 and stream and stream.sampling_round:
            with contextlib.suppress(EmlitError, RuntimeError):  # such as of a GPU that is lost
                self.save(trainer)

    def _kept(self, trainer: Trainer) -> str:
        if not self.path(trainer).exists():
            return "no checkpoint was saved before; make room and repeat the command with --ckpt_path auto"
        return f"{self.path(trainer)}, saved before, is kept; make room and resume with --ckpt_path last"

    @progress.phase("saving a checkpoint")
    def _save(self, trainer: Trainer) -> None:
        target, kept, failure = self.path(trainer), self._kept(trainer), None
        with writing(target, kept):
            scratch = scratch_of(target)
        try:
            with writing(target, kept):
                trainer.save_checkpoint(scratch)
        except (StorageError, CheckpointException) as error:
            failure = error if isinstance(error, StorageError) else _storage_error(error, kept)
            delete(scratch)
            trainer.strategy.barrier("Trainer.save_checkpoint")  # where the other processes wait for this one
        if trainer.strategy.reduce_boolean_decision(failure is not None, all=False):
            raise failure or StorageError("a checkpoint could not be written by another process")
        self.saved_step = trainer.global_step
        if trainer.is_global_zero:
            self._publish(trainer, scratch)

    def _publish(self, trainer: Trainer, scratch: Path) -> None:
        target = self.path(trainer)
        with writing(target, self._kept(trainer), scratch):
            if scratch.is_dir():
                seal(scratch)
            put_in_place(scratch, target)
            self.published_step = trainer.global_step
        if self.keep:
            with replacing(target.with_name(f"step-{trainer.global_step}.ckpt"), f"{target} is kept") as scratch:
                shutil.copytree(target, scratch) if target.is_dir() else shutil.copy2(target, scratch)


class _ToItsEnd(_FitLoop):
    """Saves the last step before any callback ends the run, and ends one that resumes at its last step once more.

    Lightning leaves such a run without `on_train_start` and `on_train_end`.
    """

    trainer: Trainer

    def run(self) -> None:
        checkpoint, began = self.trainer.ckpt_path, self.trainer.global_step

        def path() -> Any:
            """Values of a checkpoint that cannot be may be met as late as at the end of the first step."""
            return checkpoint if self.trainer.global_step <= began + 1 else None

        with restoring(path):
            super().run()

    @property
    def skip(self) -> bool:
        return super().skip and not self.trainer.global_step

    def on_run_end(self) -> None:
        for callback in self.trainer.callbacks:
            if isinstance(callback, RunCheckpoint):
                callback.save(self.trainer)
        super().on_run_end()


class _Restoring(_CheckpointConnector):
    """Says in one sentence what is wrong with a checkpoint."""

    def _restore_modules_and_callbacks(self, checkpoint_path: Any = None, *args: Any, **kwargs: Any) -> None:
        with restoring(checkpoint_path):
            super()._restore_modules_and_callbacks(checkpoint_path, *args, **kwargs)

    def restore_training_state(self) -> None:
        with restoring(self.trainer.ckpt_path):
            super().restore_training_state()


def _storage_error(error: CheckpointException, kept: str) -> StorageError:
    """Of what went wrong in one of the processes that write a folder of shards."""
    reason = first_line(next((each for each, _ in error.failures.values()), error))
    return StorageError(f"a checkpoint could not be written: {reason}; {kept}")


def _recount(trainer: Trainer) -> None:
    """Put Lightning's place in the epoch where this run's micro-batches have it: it counts the earlier run's.

    How many a round is cut into may have changed, with the number of processes for one. Their sum would otherwise end
    optimiser steps in the middle of rounds.
    """
    stream, loop = trainer.datamodule.stream, trainer.fit_loop.epoch_loop
    assert stream is not None
    rounds = (trainer.global_step // stream.shape.updates - 1) % stream.rounds_per_epoch + 1  # done in this epoch
    place: Any = loop.batch_progress.current
    if not place.ready:  # it was saved before an epoch's first round
        return
    place.ready = place.started = place.processed = place.completed = rounds * stream.shape.batches
    if loop.restarted_on_train_batch_end:  # Lightning counts the batch that it was saved in itself
        place.completed -= 1


def _generators() -> dict[str, Any]:
    """The state of this process's random generators, in types that `torch.load(weights_only=True)` knows."""
    state: Any = numpy.random.get_state()
    name, keys, *rest = state
    return {
        "python": random.getstate(),
        "numpy": (name, keys.tolist(), *rest),
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }


def _set_generators(state: dict[str, Any]) -> None:
    random.setstate(state["python"])
    numpy.random.set_state(state["numpy"])
    torch.set_rng_state(state["torch"])
    with contextlib.suppress(RuntimeError):  # resumed with fewer GPUs, or none
        torch.cuda.set_rng_state_all(state["cuda"])
