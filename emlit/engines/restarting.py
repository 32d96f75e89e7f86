"""An engine that dies is started again, once."""

import gc
import logging
import traceback
from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor

from emlit import progress
from emlit.engines.base import Engine, ModelSource, OnFinished
from emlit.engines.pending import Pending
from emlit.errors import EmlitError, EngineError
from emlit.records import Completion, Request, Sampling

log = logging.getLogger(__name__)

# Of libraries whose errors of CUDA are no torch.AcceleratorError.
_CONTEXT_LOST = ("Triton Error [CUDA]", "CUBLAS_STATUS_EXECUTION_FAILED", "ncclUnhandledCudaError")


class RestartingEngine(Engine):
    """Runs an engine; where it fails, starts it again, gives it the current weights and repeats what was asked.

    Seeds stand in the requests, so a repeated round is the same round. Failures are what a machine does to a program:
    memory, files, kernels, sockets, vLLM's own. An error that the next attempt would only repeat (a TypeError, an
    EmlitError) is raised as it is, and one that has taken the GPU's context with it ends the run at once: nothing on
    that GPU can go on in this process.

    Where an engine samples elsewhere, `begin` has it do so in a thread; everything else waits for that to end.

    Args:
        engine: who samples
        restarts: how often in a run; more failures end it

    Attributes:
        can_restart: whether the engine itself can be
        push: hands the current weights to this engine, by `load_weights`; None where those on disk are in use
        generating: whether this thread is sampling, or waits for one that does
        failures: what the engine failed with so far

    Raises:
        EngineError: one failure too many
    """

    def __init__(self, engine: Engine, restarts: int = 1) -> None:
        self.engine, self.restarts = engine, restarts
        self.push: Callable[[], None] | None = None
        self.failures: list[str] = []
        self.generating = False
        self.pending: Pending | None = None

    @property
    def weights_version(self) -> int:  # type: ignore[override]
        return self.engine.weights_version

    @property
    def weights_dtype(self) -> torch.dtype | None:  # type: ignore[override]
        return self.engine.weights_dtype

    @property
    def can_restart(self) -> bool:  # type: ignore[override]
        return self.engine.can_restart

    @property
    def samples_elsewhere(self) -> bool:  # type: ignore[override]
        return self.engine.samples_elsewhere

    def start(self, source: ModelSource) -> None:
        self.source = source
        with progress.phase(self.engine.starting, announce=True):
            self.engine.start(source)

    def generate(
        self, requests: Sequence[Request], sampling: Sampling, on_finished: OnFinished | None = None
    ) -> list[Completion]:
        """As of any engine. One that is started again samples all requests once more, and tells of them again."""
        self.settle()
        try:
            self.generating = True
            return self._generate("sampling", requests, sampling, on_finished)
        except Exception as error:
            self._note(error)
        finally:
            self.generating = False
        # Out of the handler, so that the dead engine's frames and what they hold are gone.
        self._restart()
        return self.generate(requests, sampling, on_finished)

    def _generate(
        self, name: str, requests: Sequence[Request], sampling: Sampling, on_finished: OnFinished | None
    ) -> list[Completion]:
        with progress.phase(name, len(requests), "completions") as phase:

            def finished(place: int, completion: Completion | None = None) -> None:
                if completion is None:  # of an engine that only counts
                    phase.advance(place)
                    return
                phase.advance(1, len(completion.tokens))
                if on_finished is not None:
                    on_finished(place, completion)

            return self.engine.generate(requests, sampling, finished)

    def begin(
        self,
        requests: Sequence[Request],
        sampling: Sampling,
        on_waited: Callable[[float], None] | None = None,
    ) -> Pending:
        """Sample in a thread. Started again it is nothing there: the weights to be pushed are those being trained."""
        self.settle()
        self.pending = Pending(lambda: self._generate("sampling ahead", requests, sampling, None), on_waited)
        return self.pending

    def settle(self) -> None:
        """Wait for what is sampled in a thread; an error that another attempt would not mend is raised now."""
        if self.pending is None:
            return
        error = self.pending.wait()
        if error is not None and not engine_died(error):
            self.pending = None
            raise error

    def collect(self, pending: Pending) -> list[Completion] | None:
        """What `begin` began; None where the engine died of it, so that it can be asked again by `generate`."""
        try:
            self.generating = True
            return pending.result()
        except Exception as error:
            if not engine_died(error):
                raise
            log.warning("the engine failed beside training, and samples the round anew: %s", last_lines(error))
            return None
        finally:
            self.generating, self.pending = False, None

    def load_weights(self, weights: Iterable[tuple[str, Tensor]], version: int) -> None:
        self.settle()
        try:
            with progress.phase("handing the weights to the engine"):
                self.engine.load_weights(weights, version)
            return
        except Exception as error:
            self._note(error, pushing=True)
        self._restart()

    @property
    def asleep(self) -> bool:  # type: ignore[override]
        return self.engine.asleep

    def sleep(self) -> None:
        self.engine.sleep()

    def close(self) -> None:
        self.engine.close()

    def _note(self, error: Exception, pushing: bool = False) -> None:
        """Raise unless the engine may be started again after `error`."""
        if not engine_died(error):
            raise error
        self.failures.append(last_lines(error))
        log.info("the engine failed", exc_info=error)
        if context_lost(error):
            raise EngineError(
                f"the GPU failed with: {self.failures[-1]}; after that nothing on it can go on in this process: fit "
                "goes on from its last checkpoint with --ckpt_path auto, and predict with the same command"
            ) from error
        if len(self.failures) > self.restarts or not self.can_restart:
            earlier = f" (and before that with: {'; '.join(self.failures[:-1])})" if self.failures[1:] else ""
            raise EngineError(
                f"the engine failed with: {self.failures[-1]}{earlier}; once the cause is gone, fit goes on from its "
                "last checkpoint with --ckpt_path auto, and predict with the same command"
            ) from error
        if self.push is None and (pushing or self.weights_version):
            raise EngineError(
                f"the engine failed with: {self.failures[-1]}; it was not started again, because nothing hands it the "
                "trained weights: add callbacks.WeightSync to the trainer's callbacks"
            ) from error
        traceback.clear_frames(error.__traceback__)

    def _restart(self) -> None:
        log.warning("the engine failed and is started again: %s", self.failures[-1])
        try:
            self.engine.close()
        except Exception as error:  # it is dead already
            log.warning("closing it failed too: %s", last_lines(error))
        gc.collect()
        try:
            self.start(self.source)
        except Exception as error:
            raise EngineError(
                f"the engine failed with: {self.failures[-1]}; starting it again failed with: {last_lines(error)}"
            ) from error
        if self.push is not None:
            self.push()


def engine_died(error: BaseException) -> bool:
    """Whether a new engine may do what this one could not."""
    if isinstance(error, (EmlitError, NotImplementedError, RecursionError)):
        return False
    if any("ClientError" in kind.__name__ or "ValidationError" in kind.__name__ for kind in type(error).__mro__):
        return False  # vLLM's, of a request that it refuses
    return isinstance(error, (RuntimeError, OSError, MemoryError)) or type(error).__module__.startswith(("vllm", "zmq"))


def context_lost(error: BaseException) -> bool:
    """Whether an error of CUDA other than a lack of memory is behind it: the process can do no more on that GPU.

    torch raises AcceleratorError; Triton, cuBLAS and NCCL have RuntimeErrors that say so.
    """
    return any(
        isinstance(each, torch.AcceleratorError)
        or (any(sign in str(each) for sign in _CONTEXT_LOST) and "out of memory" not in str(each))
        for each in _chain(error)
    )


def _chain(error: BaseException) -> list[BaseException]:
    """An error, and those behind it."""
    found = [error]
    while (behind := found[-1].__cause__ or found[-1].__context__) is not None and behind not in found:
        found.append(behind)
    return found


def last_lines(error: BaseException, count: int = 3) -> str:
    """The end of an error's message, and of the one behind it, on one line."""
    root, told = _chain(error)[-1], []
    for each in dict.fromkeys((error, root)):
        lines = [line.strip() for line in str(each).strip().splitlines() if line.strip()]
        told.append(f"{type(each).__name__}: {' | '.join(lines[-count:])}" if lines else type(each).__name__)
    return ", caused by ".join(told)
