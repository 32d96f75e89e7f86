"""CURE and entropy trees, against forks found by hand."""

import pytest
import torch

from emlit.engines import Completion
from emlit.functional import TokenStats
from emlit.rollout.waves import Trainee
from emlit.rollouts import CURE, EntropyTree
from tests.unit.rollout.rollouts import (
    DIGITS,
    Numbers,
    described,
    first_digit,
    make_stream,
    resumed_is_the_same,
    rounds,
)


class Fixed(Numbers):
    """Every first completion is the same."""

    def __init__(self, tokens: list[int]) -> None:
        super().__init__()
        self.tokens = tokens

    def completion(self, seed: int) -> Completion:
        return Completion(list(self.tokens), [-0.1] * len(self.tokens), "stop")


def digits(*values: int) -> list[int]:
    return [DIGITS + value for value in values] + [1]


def by_hand(entropies: list[float]) -> Trainee:
    return Trainee(
        lambda prompts, completions: [
            TokenStats(torch.zeros(len(entropies)), torch.tensor(entropies)) for _ in completions
        ],
        first_digit,
    )


def cuts(batches) -> list[list[int]]:
    """How many tokens each completion was given, group by group."""
    return [[c.given for c in group.completions] for batch in batches for group in batch.groups]


def test_a_critical_token_is_one_of_the_most_uncertain(tokenizer):
    # The end token is the most uncertain, the first token next; neither counts. Of the others 4 and 2 are the highest.
    trainee = by_hand([0.9, 0.1, 0.7, 0.2, 0.8, 1.0])
    seen = set()
    for seed in range(8):
        stream = make_stream(tokenizer, CURE(top=2, characters=1), engine=Fixed(digits(1, 2, 3, 4, 5)), trainee=trainee)
        stream.waves.seed = seed
        for given in cuts(sum(rounds(stream, 1), [])):
            assert given[0] == 0
            assert given[1] == given[2] == given[3]
            seen.add(given[1])
    assert seen == {2, 4}


def test_the_critical_token_itself_is_drawn_anew(tokenizer):
    stream = make_stream(tokenizer, CURE(top=1, characters=1))
    batches = sum(rounds(stream, 1), [])
    for group in (group for batch in batches for group in batch.groups):
        root, *branches = group.completions
        values = [token - DIGITS for token in root.tokens[:-1]]
        cut = max(range(1, 4), key=lambda place: (values[place], -place))  # ties go to the first
        assert [c.tokens[: c.given] for c in branches] == [root.tokens[:cut]] * 3
    asked = [request.prompt for request in stream.engine.seen[4:]]
    assert asked == [
        [*group.prompt.tokens, *c.tokens[: c.given]]
        for place, group in sorted((stream_place(stream, g), g) for b in batches for g in b.groups)
        for c in group.completions[1:]
    ]


def stream_place(stream, group) -> int:
    return next(place for place, prompt in stream.draw(0) if prompt is group.prompt)


def test_short_texts_are_no_critical_tokens(tokenizer):
    # Digits have one character: none has two, and the branches start from the prompt.
    stream = make_stream(tokenizer, CURE(), engine=Fixed(digits(1, 2, 3)), trainee=by_hand([0.1, 0.2, 0.3, 0.4]))
    assert cuts(sum(rounds(stream, 1), [])) == [[0, 0, 0, 0]] * 4
    step = tokenizer("Step", add_special_tokens=False)["input_ids"]
    assert len(step) == 1
    mixed = Fixed([DIGITS, DIGITS, *step, DIGITS, 1])
    stream = make_stream(tokenizer, CURE(), engine=mixed, trainee=by_hand([0.9, 0.9, 0.1, 0.9, 0.9]))
    assert cuts(sum(rounds(stream, 1), [])) == [[0, 2, 2, 2]] * 4


def test_a_completion_of_one_token_branches_from_the_prompt(tokenizer):
    for rollouts, samples in ((CURE(characters=1), 4), (EntropyTree(), 5)):
        stream = make_stream(tokenizer, rollouts, samples=samples, engine=Fixed([1]), trainee=by_hand([0.5]))
        assert cuts(sum(rounds(stream, 1), [])) == [[0] * samples] * 4


@pytest.mark.parametrize(
    ("tokens", "entropies", "expected"),
    [
        (digits(1, 2, 3, 4), [0.9, 0.1, 0.7, 0.2, 0.8], [0, 4, 4, 2, 2]),
        (digits(1), [0.9, 0.1], [0, 1, 1, 1, 1]),  # one fork, used twice
        (digits(1, 2, 3), [0.5] * 4, [0, 1, 1, 2, 2]),  # of equal ones the earlier
    ],
)
def test_forks_by_hand(tokens, entropies, expected, tokenizer):
    stream = make_stream(tokenizer, EntropyTree(), samples=5, engine=Fixed(tokens), trainee=by_hand(entropies))
    assert cuts(sum(rounds(stream, 1), [])) == [expected] * 4


def test_the_tree_of_the_paper(tokenizer):
    stream = make_stream(tokenizer, EntropyTree(), samples=60, per_round=1, prompts=1, micro_batches=1)
    rounds(stream, 1)
    assert len(stream.engine.seen) == 60
    assert stream.waves.rollouts.first(60) == 12


@pytest.mark.parametrize(("make", "samples"), [(lambda: CURE(characters=1), 8), (EntropyTree, 10)])
def test_branches_follow_from_the_seed(make, samples, tokenizer):
    one, other = (make_stream(tokenizer, make(), samples=samples) for _ in range(2))
    assert described(sum(rounds(one, 3), [])) == described(sum(rounds(other, 3), []))
    resumed_is_the_same(tokenizer, make, 2, 2, samples=samples)
    ranks = [make_stream(tokenizer, make(), samples=samples, rank=rank, ranks=2) for rank in range(2)]
    for stream in ranks:
        rounds(stream, 3)
    asked = [[tuple(request.prompt) + (request.seed,) for request in stream.engine.seen] for stream in (one, *ranks)]
    assert sorted(asked[0]) == sorted(asked[1] + asked[2])


def test_nan_entropies_break_nothing(tokenizer):
    stream = make_stream(
        tokenizer, EntropyTree(), samples=5, engine=Fixed(digits(1, 2, 3)), trainee=by_hand([float("nan")] * 4)
    )
    assert len(cuts(sum(rounds(stream, 1), []))) == 4
