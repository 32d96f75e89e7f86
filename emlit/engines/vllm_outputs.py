"""What vLLM has sampled in this process, as it comes."""

import contextlib
import threading
import time
from collections.abc import Generator, Sequence
from typing import Any

from emlit import progress
from emlit.errors import EngineError
from emlit.functional import TokenStats
from emlit.records import Completion


def to_completion(output: Any, stats: TokenStats | None) -> Completion:
    """One of vLLM's outputs as a completion; `stats` of its tokens, where they were taken."""
    tokens = list(output.token_ids)
    found = output.logprobs  # flat; of each position the sampled token's comes first
    logprobs = [found.logprobs[start] for start, _ in zip(found.start_indices, tokens, strict=True)]
    return Completion(tokens, logprobs, "length" if output.finish_reason == "length" else "stop", stats=stats)


def as_they_end(
    llm: Any, prompts: Sequence[Any], params: Sequence[Any], left: threading.Event
) -> Generator[tuple[int, str, Any], None, None]:
    """What `LLM.generate` returns at its end, one output at a time, with its place among the prompts and its id."""
    engine = llm.llm_engine
    waiting = llm.enqueue(prompts, params, use_tqdm=False)
    # Outputs carry the number that stands in front of the engine's own id.
    places = {id.partition("-")[0]: place for place, id in enumerate(waiting)}
    told = time.monotonic()
    try:
        while engine.has_unfinished_requests():
            if left.is_set():
                raise EngineError("the engine was closed while it sampled")
            for output in engine.step():
                if output.finished:
                    yield places.pop(output.request_id), output.request_id, output.outputs[0]
            if time.monotonic() - told > 1:
                told = time.monotonic()
                states = engine.output_processor.request_states.values()
                progress.under_way(sum(state.detokenizer.num_output_tokens() for state in states))
    finally:
        progress.under_way(0)
        if places:  # left by a signal or an error: they must not be among the next batch
            with contextlib.suppress(Exception):  # of an engine that is dead
                engine.abort_request(waiting, internal=True)
