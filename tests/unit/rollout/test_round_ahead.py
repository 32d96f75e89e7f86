"""One round ahead: a deterministic engine that samples while the stream's consumer holds a round."""

import threading

import pytest

from emlit.engines import Completion, Sampling, push_weights, sample
from emlit.errors import EngineError, WeightSyncError
from tests.unit.rollout.test_stream import Echo, make_stream


class Elsewhere(Echo):
    """Completions tell the weights that sampled them; `gate` holds back those of other threads."""

    samples_elsewhere = True

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()  # by another thread
        self.errors: list[Exception] = []
        self.threads: list[str] = []
        self.running = 0

    def generate(self, requests, sampling, on_finished=None):
        self.running += 1
        self.threads.append(threading.current_thread().name)
        version = self.weights_version
        if threading.current_thread() is not threading.main_thread():
            self.entered.set()
            assert self.gate.wait(10)
        if self.errors:
            raise self.errors.pop()
        assert self.running == 1, "two threads ask at once"
        assert version == self.weights_version, "weights changed under way"
        self.seen.extend(requests)
        self.running -= 1
        return [Completion([3 + version, 1], [-0.1, -0.1], "stop") for _ in requests]

    def start(self, source) -> None:
        self.running = 0


def make(tokenizer, rounds: int = 10, **shape):
    engine = Elsewhere()
    stream = make_stream(tokenizer, prompts=8, per_round=4, engine=engine,
                         has_round=lambda round: round < rounds, **shape)  # fmt: skip
    return stream, engine


def train(stream, rounds: int, between=lambda: None) -> list:
    """So many rounds, with a step and new weights after each; `between` runs where evaluations do."""
    found = []
    while len(found) < rounds * stream.shape.batches:
        for batch in stream:
            found.append(batch)
            if len(found) % stream.shape.micro_batches == 0:
                stream.clock.step += 1
            if batch.ends_round:
                push_weights(stream.engine, [], stream.clock.step)
                between()
            if len(found) == rounds * stream.shape.batches:
                break
    return found


def test_every_round_but_the_first_is_one_round_old(tokenizer):
    stream, engine = make(tokenizer)
    batches = train(stream, 4)  # over two epochs of two rounds
    assert [batch.round for batch in batches] == [0, 0, 1, 1, 2, 2, 3, 3]
    assert [batch.weights_version for batch in batches] == [0, 0, 0, 0, 1, 1, 2, 2]
    assert all(batch.groups[0].completions[0].tokens[0] == 3 + batch.weights_version for batch in batches)
    assert engine.threads[0] == "MainThread"
    assert set(engine.threads[1:]) == {"emlit-round-ahead"}


def test_updates_of_a_round_age_it_further(tokenizer):
    batches = train(make(tokenizer, updates=2)[0], 3)
    assert [batch.weights_version for batch in batches] == [0] * 4 + [0] * 4 + [2] * 4


def test_requests_are_those_of_a_run_without(tokenizer):
    stream, engine = make(tokenizer, rounds=4)
    train(stream, 4)
    plain = make_stream(tokenizer, prompts=8, per_round=4)
    train(plain, 4)
    assert engine.seen == plain.engine.seen


def test_the_round_is_sampled_while_the_one_before_is_held(tokenizer):
    stream, engine = make(tokenizer)
    engine.gate.clear()
    next(iter(stream))  # not held up by the second round, which has begun
    assert engine.entered.wait(10)
    assert engine.seen == engine.seen[:8]  # of the first round: 4 prompts, 2 completions of each
    engine.gate.set()


def test_new_weights_and_evaluations_wait_for_the_round(tokenizer):
    stream, engine = make(tokenizer)

    def evaluate() -> None:
        sample(stream.engine, [], Sampling())

    batches = train(stream, 3, evaluate)  # the engine refuses two at once, and weights that change under way
    assert [batch.weights_version for batch in batches] == [0, 0, 0, 0, 1, 1]
    engine.gate.clear()
    batch = next(iter(stream))
    threading.Timer(0.3, engine.gate.set).start()
    stream.clock.step += 1
    push_weights(stream.engine, [], stream.clock.step)
    assert batch.round == 3
    # The wait is the round's: it is what training waited for.
    assert 0.2 < stream.generation_seconds < 5


def test_nothing_is_sampled_beyond_the_last_round(tokenizer):
    stream, engine = make(tokenizer, rounds=3)
    train(stream, 3)
    assert len(engine.threads) == 3


def test_an_error_in_the_thread_ends_the_run(tokenizer):
    stream, engine = make(tokenizer)
    batches = iter(stream)
    engine.gate.clear()
    next(batches)
    engine.errors.append(EngineError("server http://a is gone"))
    engine.gate.set()
    # At once where the weights are handed over, and not a round later.
    with pytest.raises(EngineError, match="server http://a is gone"):
        push_weights(stream.engine, [], 1)


def test_weights_that_were_not_handed_over_stop_the_run(tokenizer):
    stream, _ = make(tokenizer)
    batches = iter(stream)
    next(batches), next(batches)
    stream.clock.step = 1
    with pytest.raises(WeightSyncError, match="WeightSync"):
        next(batches)


def test_a_resumed_stream_samples_its_pending_round_anew(tokenizer):
    first, _ = make(tokenizer)
    train(first, 2)
    second, engine = make(tokenizer)
    second.load_state_dict(first.state_dict())
    second.clock.step = 2
    push_weights(second.engine, [], 2)
    batches = train(second, 2)
    assert [(batch.round, batch.weights_version) for batch in batches] == [(2, 2), (2, 2), (3, 2), (3, 2)]
    assert engine.threads[0] == "MainThread"
