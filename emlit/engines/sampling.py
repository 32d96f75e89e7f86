"""How a run uses its engine: progress is shown, a round sampled beside training is waited for, failures are told."""

import contextlib
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence

import torch
from torch import Tensor

from emlit import progress
from emlit.decoding import Decoding
from emlit.engines.base import Engine, ModelSource, OnFinished
from emlit.engines.pending import Pending
from emlit.errors import EmlitError, EngineError
from emlit.records import Completion, Request, Sampling

log = logging.getLogger(__name__)


def start_engine(engine: Engine, source: ModelSource) -> None:
    """Load the model.

    Raises:
        EngineError: an engine of emlit failed
    """
    with progress.phase(engine.starting, announce=True), _told(engine):
        engine.start(source)


def sample(
    engine: Engine,
    requests: Sequence[Request],
    sampling: Sampling,
    on_finished: OnFinished | None = None,
) -> list[Completion]:
    """One completion a request, in order, as of `Engine.generate`.

    A dead engine ends the run, which is resumed from its last checkpoint: seeds stand in the requests, so the round is
    sampled again as it would have been.

    Raises:
        EngineError: an engine of emlit failed
    """
    wait_for_round(engine)
    return _sample(engine, requests, sampling, on_finished, "sampling")


def sample_beside(
    engine: Engine,
    requests: Sequence[Request],
    sampling: Sampling,
    on_waited: Callable[[float], None] | None = None,
) -> Pending:
    """Have an engine that can sample beside training do so in a thread; what else asks it waits for that to end."""
    wait_for_round(engine)
    engine.pending = Pending(
        lambda: _sample(engine, requests, sampling, None, "sampling ahead"),
        on_waited,
        shares_cores=not engine.samples_elsewhere,
    )
    return engine.pending


def wait_for_round(engine: Engine) -> None:
    """Until nothing is sampled beside training.

    Raises:
        EngineError: an engine of emlit failed of it
    """
    if engine.pending is not None:
        error, engine.pending = engine.pending.wait(), None
        if error is not None:
            raise error


def push_weights(engine: Engine, weights: Iterable[tuple[str, Tensor]], version: int) -> None:
    """As `Engine.load_weights`.

    Raises:
        EngineError: an engine of emlit failed
    """
    wait_for_round(engine)
    with progress.phase("handing the weights to the engine"), _told(engine):
        engine.load_weights(weights, version)


def _sample(
    engine: Engine, requests: Sequence[Request], sampling: Sampling, on_finished: OnFinished | None, name: str
) -> list[Completion]:
    with progress.phase(name, len(requests), "completions") as phase, _told(engine, sampling.decoding):
        phase.most_tokens = len(requests) * sampling.max_tokens

        def finished(place: int, completion: Completion | None = None) -> None:
            if completion is None:  # of an engine that only counts
                phase.advance(place)
                return
            phase.advance(1, len(completion.tokens))
            if on_finished is not None:
                on_finished(place, completion)

        return engine.generate(requests, sampling, finished)


@contextlib.contextmanager
def _told(engine: Engine, decoding: Decoding | None = None) -> Iterator[None]:
    """Turn what a machine does to emlit's engines (memory, sockets, kernels, vLLM's own errors) into one sentence.

    Mistakes in a program keep their traceback, and so does all that is raised where the engine or the decoding is the
    user's own.
    """
    try:
        yield
    except Exception as error:
        parts = [engine] if decoding is None else [engine, decoding]
        if not all(type(part).__module__.startswith("emlit.") for part in parts) or not _died(error):
            raise
        log.info("the engine failed", exc_info=error)
        raise EngineError(
            f"the engine failed with: {_last_lines(error)}; once the cause is gone, fit is resumed from its last "
            "checkpoint with --ckpt_path auto, and predict with the same command"
        ) from error


def _died(error: BaseException) -> bool:
    """Whether it is no mistake in a program."""
    if isinstance(error, (EmlitError, NotImplementedError, RecursionError)):
        return False
    if any("ClientError" in kind.__name__ or "ValidationError" in kind.__name__ for kind in type(error).__mro__):
        return False  # vLLM's, of a request that it refuses
    machine = (RuntimeError, OSError, MemoryError, torch.AcceleratorError)
    return isinstance(error, machine) or type(error).__module__.startswith(("vllm", "zmq"))


def _last_lines(error: BaseException) -> str:
    """The end of an error's message, and of the first one behind it, on one line."""
    chain = [error]
    while (behind := chain[-1].__cause__ or chain[-1].__context__) is not None and behind not in chain:
        chain.append(behind)
    told = []
    for each in dict.fromkeys((error, chain[-1])):
        lines = [line.strip() for line in str(each).strip().splitlines() if line.strip()]
        told.append(f"{type(each).__name__}: {' | '.join(lines[-3:])}" if lines else type(each).__name__)
    return ", caused by ".join(told)
