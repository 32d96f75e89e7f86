"""Masks and lengths: from completions of any length to micro-batches whose sums are the round's."""

import itertools
import math
from types import SimpleNamespace

import torch
from hypothesis import given
from hypothesis import strategies as st

from emlit.engines import Completion, Sampling
from emlit.functional import Normaliser, reduce_tokens, sequence_mean, token_weights
from emlit.policy.passes import in_passes, shared_prefix
from emlit.rollout import Prompt, PromptList, RolloutStream, RoundPlan, collate, pad_rows, partition
from emlit.tasks import Row, TinyArithmetic
from tests.conftest import make_batch, make_group
from tests.unit.fuzz.cases import cases
from tests.unit.rollout.test_stream import Echo

TOKENS = st.lists(st.integers(0, 60), max_size=7)
PROMPTS = st.lists(st.integers(0, 60), min_size=1, max_size=7)
REDUCTIONS = st.sampled_from(["token_mean", "sequence_mean", "sequence_sum"])


@st.composite
def rounds(draw):
    """Groups of N completions each, of 0 to 7 tokens; the pad token is among those sampled."""
    n = draw(st.integers(1, 3))
    one = st.builds(make_group, PROMPTS, st.lists(TOKENS, min_size=n, max_size=n))
    return draw(st.lists(one, min_size=1, max_size=6))


@cases(150)
@given(st.lists(st.tuples(TOKENS, TOKENS), min_size=1, max_size=6), st.integers(0, 60))
def test_pad_rows(rows, pad):
    tokens, attention_mask, completion_mask = pad_rows(rows, pad)
    assert tokens.dtype == torch.int64
    assert tokens.shape == attention_mask.shape == completion_mask.shape
    for row, (prompt, completion) in enumerate(rows):
        assert tokens[row][attention_mask[row]].tolist() == prompt + completion
        assert tokens[row][completion_mask[row]].tolist() == completion
        assert (tokens[row][~attention_mask[row]] == pad).all()
        assert not (completion_mask[row] & ~attention_mask[row]).any()
    assert attention_mask.any(dim=0).all()  # no column is padding alone


@cases(150)
@given(rounds(), st.integers(1, 6))
def test_partition_is_the_best_cut(groups, parts):
    if parts > len(groups):
        parts = len(groups)
    pieces = partition(groups, parts)
    assert len(pieces) == parts
    assert all(pieces)
    assert sorted(map(id, itertools.chain(*pieces))) == sorted(map(id, groups))

    def size(piece):
        return len(piece) * max(group.longest for group in piece)

    ordered = sorted(groups, key=lambda group: -group.longest)
    best = min(
        max(size(ordered[a:b]) for a, b in itertools.pairwise((0, *cut, len(groups))))
        for cut in itertools.combinations(range(1, len(groups)), parts - 1)
    )
    assert max(map(size, pieces)) == best


@cases(150)
@given(rounds(), st.integers(1, 6), REDUCTIONS, st.integers(0, 2**32))
def test_micro_batches_add_up_to_the_round(groups, parts, reduction, seed):
    lengths = [len(completion.tokens) for group in groups for completion in group.completions]
    normaliser = Normaliser(float(sum(lengths)), float(len(lengths)))
    generator = torch.Generator().manual_seed(seed)
    values = {id(c): torch.randn(len(c.tokens), generator=generator).double() for g in groups for c in g.completions}

    def share(piece):
        batch = make_batch(piece, normaliser=normaliser)
        completions = [completion for group in piece for completion in group.completions]
        inside = torch.cat([values[id(completion)] for completion in completions])
        outside = torch.full(batch.tokens.shape, torch.nan, dtype=torch.float64)
        placed = outside.masked_scatter(batch.completion_mask, inside)
        means = [values[id(c)].mean().item() if c.tokens else 0.0 for c in completions]
        torch.testing.assert_close(
            sequence_mean(placed, batch.completion_mask), torch.tensor(means, dtype=torch.float64)
        )
        weights = token_weights(batch.completion_mask, reduction, normaliser)
        assert (weights[~batch.completion_mask] == 0).all()
        return reduce_tokens(placed, batch.completion_mask, reduction, normaliser)

    whole = share(groups)
    cut = sum(share(piece) for piece in partition(groups, min(parts, len(groups))))
    every = list(values.values())
    expected = {
        "token_mean": sum(v.sum() for v in every) / max(1, sum(lengths)),
        "sequence_mean": sum(v.mean() for v in every if len(v)) / len(every),
        "sequence_sum": sum(v.sum() for v in every) / len(every),
    }[reduction]
    torch.testing.assert_close(whole, torch.as_tensor(expected, dtype=torch.float64))
    torch.testing.assert_close(cut, whole)


@cases(60)
@given(rounds())
def test_collate_puts_everything_in_its_place(groups):
    for group in groups:
        for index, completion in enumerate(group.completions):
            completion.logprobs[:] = [-(index + position / 8) for position in range(len(completion.tokens))]
    batch = make_batch(groups)
    completions = [completion for group in groups for completion in group.completions]
    assert batch.sampler_logprobs.dtype == torch.float32
    for row, completion in enumerate(completions):
        assert batch.tokens[row][batch.completion_mask[row]].tolist() == completion.tokens
        assert batch.sampler_logprobs[row][batch.completion_mask[row]].tolist() == completion.logprobs
    assert (batch.sampler_logprobs[~batch.completion_mask] == 0).all()
    assert batch.samples_per_prompt * len(groups) == len(batch.tokens)


@cases(100)
@given(st.lists(st.tuples(TOKENS, TOKENS), max_size=8), st.integers(1, 40))
def test_passes_hold_every_row_in_order(rows, most):
    passes = list(in_passes(rows, most))
    assert [row for part in passes for row in part] == rows
    for part in passes:
        assert len(part) == 1 or len(part) * max(len(p) + len(c) for p, c in part) <= most
        shared = shared_prefix([prompt for prompt, _ in part])
        assert all(len(prompt) > shared for prompt, _ in part)
        assert shared <= 0 or len({tuple(prompt[:shared]) for prompt, _ in part}) == 1


class OfAnyLength(Echo):
    """Answers with 0 to 6 tokens, as the request's seed says; keeps what was asked."""

    def generate(self, requests, sampling, on_finished=None):
        self.seen.extend(requests)
        lengths = [request.seed % 7 for request in requests]
        return [
            Completion([request.seed % 50] * n, [-0.25] * n, "stop")
            for request, n in zip(requests, lengths, strict=True)
        ]


@cases(120)
@given(
    st.integers(1, 9), st.integers(1, 5), st.integers(1, 3), st.integers(1, 5), st.integers(1, 2), st.integers(0, 2**63)
)
def test_the_stream_cuts_whole_rounds(tokenizer, prompts, per_rank, samples, parts, ranks, seed):
    parts = min(parts, per_rank)
    task = TinyArithmetic("train", n=1)
    rows = PromptList(Prompt(task, Row(id=str(i), prompt=str(i)), [5 + i] * (1 + i % 3)) for i in range(prompts))
    seen, lengths = [], []
    for rank in range(ranks):
        clock = SimpleNamespace(step=0)
        engine = OfAnyLength()
        shape = RoundPlan(per_rank * ranks, samples, parts, rank, ranks)
        stream = RolloutStream(rows, engine, tokenizer, Sampling(), shape, seed, lambda clock=clock: clock.step)
        batches = list(itertools.islice(stream, parts))
        assert len(batches) == parts
        assert len(stream) == parts * max(1, prompts // (per_rank * ranks))
        groups = [group for batch in batches for group in batch.groups]
        assert len(groups) == per_rank
        assert all(len(group.completions) == samples for group in groups)
        lengths = [len(completion.tokens) for group in groups for completion in group.completions]
        assert batches[0].normaliser == (sum(lengths), len(lengths))
        ones = [
            reduce_tokens(torch.ones(b.tokens.shape), b.completion_mask, "token_mean", b.normaliser) for b in batches
        ]
        assert math.isclose(sum(ones).item(), 1.0 if sum(lengths) else 0.0, abs_tol=1e-5)
        seen.extend(engine.seen)
    assert len({request.seed for request in seen}) == len(seen) == per_rank * samples * ranks


def test_collate_of_completions_without_a_token():
    batch = make_batch([make_group([3], [[], []])])
    assert batch.tokens.shape == (2, 1)
    assert not batch.completion_mask.any()
    assert collate(batch.groups, 0, Normaliser(0.0, 2.0), 1.0, False, 0, 0, 2).sampler_logprobs.eq(0).all()
