from collections.abc import Callable, Iterable, Sequence
from types import SimpleNamespace

import pytest
from torch import Tensor

from emlit.engines import Completion, Engine, ModelSource, Request, Sampling
from emlit.errors import WeightSyncError
from emlit.rollout import Prompt, PromptList, RolloutStream, RoundPlan
from emlit.tasks import Row, TinyArithmetic


class Echo(Engine):
    """Answers with the request's seed, so that a test can see who was asked what."""

    def __init__(self) -> None:
        self.seen: list[Request] = []

    def start(self, source: ModelSource) -> None: ...

    def generate(
        self, requests: Sequence[Request], sampling: Sampling, on_finished: Callable[[int], None] | None = None
    ) -> list[Completion]:
        self.seen.extend(requests)
        return [Completion([3 + request.seed % 50, 1], [-0.1, -0.1], "stop") for request in requests]

    def load_weights(self, weights: Iterable[tuple[str, Tensor]], version: int) -> None:
        self.weights_version = version

    def close(self) -> None: ...


def make_stream(
    tokenizer,
    prompts: int = 10,
    per_round: int = 4,
    parts: int = 2,
    seed: int = 0,
    mask_truncated: bool = False,
    engine: Engine | None = None,
    has_round: Callable[[int], bool] | None = None,
    **shape,
) -> RolloutStream:
    task = TinyArithmetic("train", n=1)
    rows = PromptList(Prompt(task, Row(id=str(i), prompt=str(i)), [5 + i]) for i in range(prompts))
    engine = engine if engine is not None else Echo()
    clock = SimpleNamespace(step=0)
    stream = RolloutStream(
        rows, engine, tokenizer, Sampling(), RoundPlan(per_round, 2, parts, **shape), seed, lambda: clock.step,
        mask_truncated=mask_truncated, has_round=has_round,
    )  # fmt: skip
    stream.clock = clock
    return stream


def take(stream: RolloutStream, count: int) -> list:
    """So many micro-batches, over as many epochs as it takes, with a trainer that steps after each round."""
    batches = []
    while len(batches) < count:
        for index, batch in enumerate(stream, 1):
            batches.append(batch)
            if index % stream.shape.micro_batches == 0:
                stream.clock.step += 1
                if batch.ends_round:
                    stream.engine.load_weights([], stream.clock.step)
            if len(batches) == count:
                break
    return batches


def test_has_a_length_so_that_lightning_does_not_prefetch(tokenizer):
    stream = make_stream(tokenizer)
    assert len(stream) == 2 * 2  # 10 prompts make two whole rounds of 4, each of 2 micro-batches
    assert len(list(take(stream, 4))) == 4


def test_every_round_is_sampled_from_the_weights_that_it_trains(tokenizer):
    versions = [batch.weights_version for batch in take(make_stream(tokenizer), 8)]
    assert versions == [0, 0, 1, 1, 2, 2, 3, 3]


def test_stale_weights_stop_the_run(tokenizer):
    stream = make_stream(tokenizer)
    stream.clock.step = 1
    with pytest.raises(WeightSyncError, match="WeightSync"):
        next(iter(stream))


def test_goes_through_all_prompts_before_it_repeats_one(tokenizer):
    stream = make_stream(tokenizer, prompts=10, per_round=5)
    ids = [prompt.row.id for round in range(2) for _, prompt in stream.draw(round)]
    assert sorted(ids) == sorted(map(str, range(10)))
    again = [prompt.row.id for round in range(2, 4) for _, prompt in stream.draw(round)]
    assert sorted(again) == sorted(ids)
    assert again != ids


def test_one_prompt_can_fill_every_round(tokenizer):
    # One-shot EM trains on a single prompt.
    stream = make_stream(tokenizer, prompts=1, per_round=4)
    batches = take(stream, 4)
    seeds = [request.seed for request in stream.engine.seen]
    assert len(set(seeds)) == len(seeds) == 16
    assert {group.prompt.row.id for batch in batches for group in batch.groups} == {"0"}


def test_all_requests_have_different_seeds(tokenizer):
    stream = make_stream(tokenizer)
    take(stream, 8)
    seeds = [request.seed for request in stream.engine.seen]
    assert len(set(seeds)) == len(seeds)


def test_resumed_stream_is_the_same_stream(tokenizer):
    whole = make_stream(tokenizer)
    take(whole, 8)
    first = make_stream(tokenizer)
    take(first, 4)
    second = make_stream(tokenizer)
    second.load_state_dict(first.state_dict())
    second.clock.step = first.clock.step
    second.engine.load_weights([], second.clock.step)
    take(second, 4)
    assert whole.engine.seen == first.engine.seen + second.engine.seen


def test_a_round_broken_off_is_sampled_again(tokenizer):
    stream = make_stream(tokenizer)
    take(stream, 1)
    assert stream.state_dict()["round"] == 0
    take(stream, 2)
    assert stream.state_dict()["round"] == 1


def test_ranks_share_a_round_without_overlap(tokenizer):
    whole = [place for place, _ in make_stream(tokenizer).draw(3)]
    parts = [[place for place, _ in make_stream(tokenizer, rank=rank, ranks=2).draw(3)] for rank in range(2)]
    assert sorted(parts[0] + parts[1]) == whole
    assert len(parts[0]) == len(parts[1])


def test_normaliser_is_summed_over_ranks(tokenizer):
    stream = make_stream(tokenizer)
    stream.sum_over_ranks = lambda value: 3 * value
    assert take(stream, 1)[0].normaliser == (3 * 16, 3 * 8)


def test_a_round_of_several_updates(tokenizer):
    stream = make_stream(tokenizer, prompts=8, per_round=8, parts=2, updates=2)
    batches = take(stream, 8)
    assert [batch.ends_round for batch in batches] == [False, False, False, True] * 2
    # Both updates of a round come from the weights at its start.
    assert [batch.weights_version for batch in batches] == [0] * 4 + [2] * 4
    # Each update has its own normaliser: 4 prompts x 2 completions x 2 tokens.
    assert {tuple(batch.normaliser) for batch in batches} == {(16.0, 8.0)}
    seen = [group.prompt.row.id for batch in batches[:4] for group in batch.groups]
    assert sorted(seen, key=int) == [str(i) for i in range(8)]


def test_truncated_completions_are_left_out_where_asked(tokenizer):
    class Cut(Echo):
        def generate(self, requests, sampling, on_finished=None):
            return [Completion([3, 4, 5], [-0.1] * 3, "length" if i % 2 else "stop") for i in range(len(requests))]

    for mask_truncated, tokens in ((False, 24.0), (True, 12.0)):
        stream = make_stream(tokenizer, mask_truncated=mask_truncated)
        stream.engine = Cut()
        batches = list(stream)[:2]
        # 4 prompts x 2 completions x 3 tokens, or the half of them that ended.
        assert {tuple(batch.normaliser) for batch in batches} == {(tokens, tokens / 3)}
        assert sum(batch.loss_mask.sum().item() for batch in batches) == tokens
        assert sum(batch.completion_mask.sum().item() for batch in batches) == 24
