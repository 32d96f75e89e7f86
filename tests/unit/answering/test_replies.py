"""Questions become requests: what each of them asks for, and which go to the engine together."""

from dataclasses import replace

import pytest

from emlit.answering.replies import Replies
from emlit.engines import Completion, Engine, Sampling
from emlit.records import Ask, request_seed
from emlit.sampled_completions import SampledCompletions
from tests.unit.strategies.test_strategies import ask

HOW = Sampling(max_tokens=8)


class Letters:
    """A tokenizer whose tokens are characters."""

    def decode(self, tokens: list[int], skip_special_tokens: bool = True) -> str:
        return "".join(map(chr, tokens))

    def batch_decode(self, rows: list[list[int]], skip_special_tokens: bool = True) -> list[str]:
        return [self.decode(row) for row in rows]


class Recording(Engine):
    """Says the number of its call."""

    def __init__(self) -> None:
        self.calls: list = []

    def start(self, source) -> None: ...

    def load_weights(self, weights, version) -> None: ...

    def close(self) -> None: ...

    def generate(self, requests, sampling, on_finished=None):
        self.calls.append((list(requests), sampling))
        said = [Completion([ord("0") + len(self.calls)], [-0.5], "stop") for _ in requests]
        for place, completion in enumerate(said):
            on_finished(place, completion)
        return said


def replies(
    engine: Recording, store: SampledCompletions | None = None, keep: bool = True, context: int = 40
) -> Replies:
    return Replies(engine, Letters(), None, HOW, context, 7, "salt", "name", store, keep_logprobs=keep)


def test_plain_questions_are_one_call_with_the_seeds_that_they_always_had():
    engine = Recording()
    asks = [ask(), replace(ask(), sample=3), replace(ask(), sample=1, draft=2, sampling=HOW)]
    found = replies(engine)(asks)
    ((requests, sampling),) = engine.calls
    assert sampling == HOW
    assert [each.prompt for each in requests] == [[1, 2, 3]] * 3
    assert requests[0].prompt is asks[0].prompt.tokens
    assert [each.seed for each in requests] == [
        request_seed(7, "salt", "sums", "a", 0),
        request_seed(7, "salt", "sums", "a", 3),
        request_seed(7, "salt", "sums", "a", 1, 0, 2),
    ]
    assert [each.text for each in found] == ["1"] * 3


def test_each_sampling_is_a_call_and_replies_keep_their_order():
    cool, short = replace(HOW, temperature=0.5), replace(HOW, max_tokens=2)
    asks = [replace(ask(), sample=i, sampling=how) for i, how in enumerate((cool, None, short, replace(cool), HOW))]
    engine = Recording()
    found = replies(engine)(asks)
    assert [sampling for _, sampling in engine.calls] == [cool, HOW, short]
    assert [[each.key.sample for each in requests] for requests, _ in engine.calls] == [[0, 3], [1, 4], [2]]
    assert [each.text for each in found] == ["1", "2", "3", "1", "2"]


def test_given_tokens_are_read_and_stand_in_the_text():
    engine = Recording()
    (found,) = replies(engine)([replace(ask(), given=list(map(ord, "so ")))])
    assert engine.calls[0][0][0].prompt == [1, 2, 3, *map(ord, "so ")] == found.prompt
    assert found.completion.tokens == [ord("1")]
    assert found.text == "so 1"
    full: list[Ask] = [replace(ask(), given=[9] * length) for length in (36, 37)]
    assert [each is None for each in replies(Recording())(full)] == [False, True]  # 3 + 36 + 1 tokens fit 40


@pytest.mark.parametrize("keep", [True, False])
def test_a_resumed_run_has_the_same_replies_and_what_its_strategy_reads(keep, tmp_path):
    short = replace(HOW, max_tokens=2)
    asks = [replace(ask(), sample=i, sampling=how) for i, how in enumerate((HOW, short, HOW))]
    store = SampledCompletions(tmp_path / "sampled.jsonl")
    before = replies(Recording(), store, keep)(asks)
    store.close()
    again, engine = SampledCompletions(tmp_path / "again.jsonl"), Recording()
    again.load([tmp_path / "sampled.jsonl"])
    after = replies(engine, again, keep)(asks)
    assert not engine.calls
    assert [each.text for each in after] == [each.text for each in before]
    assert [each.completion.logprobs for each in after] == [[-0.5] if keep else None] * 3
