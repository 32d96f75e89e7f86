"""Where the seconds of a training step go."""

import functools
import time
from typing import Any

import lightning as L

from emlit.callbacks import WeightSync


class StepClock(L.Callback):
    """Times each optimiser step, from the end of the one before; must be the last callback.

    Attributes:
        steps: for each, seconds of the whole, of generation, of forward and backward passes and of weight sync, and
            this process's CPU time
        mean_length: sampled tokens of a completion, over the run
    """

    def __init__(self) -> None:
        self.steps: list[dict[str, float]] = []
        self._lengths: list[int] = []
        self._forward_backward = 0.0

    @property
    def completions(self) -> float:
        """Of a step."""
        return len(self._lengths) / max(1, len(self.steps))

    @property
    def mean_length(self) -> float:
        return sum(self._lengths) / max(1, len(self._lengths))

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self._sync = next(callback for callback in trainer.callbacks if isinstance(callback, WeightSync))
        self._last, self._cpu = time.perf_counter(), time.process_time()
        step = pl_module.training_step

        @functools.wraps(step)  # Lightning looks at its arguments
        def timed(*args: Any) -> Any:
            self._forward = time.perf_counter()
            loss = step(*args)
            self._forward_backward += time.perf_counter() - self._forward
            return loss

        pl_module.training_step = timed

    def on_before_backward(self, *_: Any) -> None:
        self._backward = time.perf_counter()

    def on_after_backward(self, *_: Any) -> None:
        self._forward_backward += time.perf_counter() - self._backward

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        self._lengths += batch.completion_mask.sum(dim=1).tolist()
        if trainer.global_step == len(self.steps):
            return  # a micro-batch that is not the last
        now, cpu = time.perf_counter(), time.process_time()
        self.steps.append(
            {
                "step": now - self._last,
                "generate": trainer.datamodule.stream.generation_seconds,
                "forward_backward": self._forward_backward,
                "sync": self._sync.seconds,
                "cpu": cpu - self._cpu,
            }
        )
        self._last, self._cpu, self._forward_backward = now, cpu, 0.0
