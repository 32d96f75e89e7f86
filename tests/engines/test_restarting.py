"""When an engine that failed is started again, and when the run ends with a sentence."""

import gc
import weakref

import pytest
import torch

from emlit.engines import Completion, ModelSource, Request, Sampling
from emlit.engines.base import Engine
from emlit.engines.restarting import RestartingEngine, context_lost
from emlit.errors import EngineError

ASKED = [Request([1, 2], 0)]


class Failing(Engine):
    """Fails at the first request with `error`; each start has memory of its own."""

    def __init__(self, error: Exception, can_restart: bool = True) -> None:
        self.error, self.can_restart, self.starts = error, can_restart, 0

    def start(self, source):
        self.starts += 1
        self.memory = torch.zeros(8)
        self.held = weakref.ref(self.memory)

    def generate(self, requests, sampling, on_finished=None):
        cache = self.memory  # a frame of the traceback holds it
        if self.starts == 1:
            raise self.error
        assert len(cache)
        return [Completion([3], [0.0], "stop") for _ in requests]

    def load_weights(self, weights, version): ...

    def close(self):
        self.closed, self.memory = self.held, None


def started(error: Exception, **options) -> RestartingEngine:
    engine = RestartingEngine(Failing(error, **options))
    engine.start(ModelSource("none", 8, (1,)))
    return engine


def test_nothing_of_the_old_engine_is_left_when_the_new_one_starts(monkeypatch):
    engine = started(torch.OutOfMemoryError("CUDA out of memory"))
    left = []
    start = engine.engine.start

    def looks(source):
        gc.collect()
        left.append(engine.engine.closed() is not None)
        start(source)

    monkeypatch.setattr(engine.engine, "start", looks)
    assert engine.generate(ASKED, Sampling())[0].tokens == [3]
    assert left == [False]


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    "error",
    [
        torch.AcceleratorError("CUDA error: an illegal memory access was encountered"),
        caused(RuntimeError("the worker failed"), torch.AcceleratorError("CUDA error: unspecified launch failure")),
        RuntimeError("Triton Error [CUDA]: an illegal memory access was encountered"),
        RuntimeError("CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling `cublasGemmEx`"),
    ],
)
def test_a_lost_gpu_ends_the_run_at_once(error):
    engine = started(error)
    with pytest.raises(EngineError, match=r"nothing on it can go on in this process.*--ckpt_path auto"):
        engine.generate(ASKED, Sampling())
    assert engine.engine.starts == 1


def test_an_engine_that_sleeps_is_not_started_again():
    engine = started(torch.OutOfMemoryError("CUDA out of memory"), can_restart=False)
    with pytest.raises(EngineError, match=r"failed with: OutOfMemoryError: CUDA out of memory; once the cause is gone"):
        engine.generate(ASKED, Sampling())
    assert engine.engine.starts == 1


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"), OSError("no space"), MemoryError(),
        RuntimeError("Triton Error [CUDA]: out of memory"),
    ],
)  # fmt: skip
def test_a_lack_of_memory_is_no_lost_gpu(error):
    assert not context_lost(error)
