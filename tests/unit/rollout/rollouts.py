"""What tests of rollouts share: a stream whose policy is written by hand."""

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import torch

from emlit.engines import Completion
from emlit.functional import TokenStats
from emlit.records import Group, Sampling
from emlit.rollout import Prompt, PromptList, RolloutStream, RoundPlan
from emlit.rollout.waves import Trainee
from emlit.rollouts import Rollouts
from emlit.tasks import Row, TinyArithmetic
from tests.unit.rollout.test_stream import Echo

DIGITS = 18  # the tokenizer's id of "0"


class Numbers(Echo):
    """Answers with digits that the request's seed decides, and an end token; keeps the temperatures it was asked at."""

    def __init__(self, length: int = 4) -> None:
        super().__init__()
        self.length, self.temperatures = length, []

    def generate(self, requests, sampling, on_finished=None):
        self.seen.extend(requests)
        self.temperatures += [sampling.temperature] * len(requests)
        return [self.completion(request.seed) for request in requests]

    def completion(self, seed: int) -> Completion:
        digits = [DIGITS + seed // 10**i % 10 for i in range(self.length)]
        return Completion([*digits, 1], [-0.1 * (i + 1) for i in range(self.length)] + [-0.5], "stop")


def score(prompts: list[list[int]], completions: list[Completion]) -> list[TokenStats]:
    """Entropies that the tokens decide: the larger the digit, the less certain."""
    return [
        TokenStats(-torch.arange(1.0, len(c.tokens) + 1), torch.tensor([float(t - DIGITS) for t in c.tokens]))
        for c in completions
    ]


def first_digit(groups: Sequence[Group]) -> list[list[float]]:
    """A reward: 1 for completions whose first token is 5 or more."""
    return [[float(c.tokens[0] - DIGITS >= 5) for c in group.completions] for group in groups]


def make_stream(
    tokenizer: Any,
    rollouts: Rollouts | None,
    prompts: int = 8,
    per_round: int = 4,
    samples: int = 4,
    engine: Echo | None = None,
    trainee: Trainee | None = None,
    mask_truncated: bool = False,
    has_round: Callable[[int], bool] | None = None,
    **shape: int,
) -> RolloutStream:
    task = TinyArithmetic("train", n=1)
    rows = PromptList(Prompt(task, Row(id=str(i), prompt=str(i), answer="1"), [100, 101 + i]) for i in range(prompts))
    shape = {"micro_batches": 2, "apart": 0 if rollouts is None else rollouts.apart, **shape}
    clock = SimpleNamespace(step=0)
    stream = RolloutStream(
        rows, engine or Numbers(), tokenizer, Sampling(), RoundPlan(per_round, samples, **shape), 0,
        lambda: clock.step, mask_truncated=mask_truncated, has_round=has_round, rollouts=rollouts,
        trainee=trainee or Trainee(score, first_digit),
    )  # fmt: skip
    stream.clock = clock
    return stream


def rounds(stream: RolloutStream, count: int) -> list[list[Any]]:
    """The micro-batches of so many rounds, over as many epochs as it takes, with an optimiser step after each."""
    found: list[list[Any]] = [[]]
    while True:
        for batch in stream:
            found[-1].append(batch)
            if batch.ends_round:
                stream.clock.step += stream.shape.updates
                stream.engine.load_weights([], stream.clock.step)
                if len(found) == count:
                    return found
                found.append([])


def described(batches: Sequence[Any]) -> list[Any]:
    """All that training reads of micro-batches, in types that compare."""
    return [
        (
            batch.tokens.tolist(), batch.completion_mask.tolist(), batch.loss_mask.tolist(),
            batch.sampler_logprobs.tolist(), batch.normaliser, batch.round, batch.weights_version,
            batch.samples_per_prompt, batch.ends_round, None if batch.advantages is None else batch.advantages.tolist(),
            [(group.prompt.row.id, tuple(group.texts), tuple(group.vote_texts)) for group in batch.groups],
        )
        for batch in batches
    ]  # fmt: skip


def resumed_is_the_same(tokenizer: Any, make: Any, before: int, after: int, **options: Any) -> None:
    """A stream that goes on from another's state, by way of a file, is the stream that was not left."""
    import io

    whole = rounds(make_stream(tokenizer, make(), **options), before + after)
    first = make_stream(tokenizer, make(), **options)
    parts = rounds(first, before)
    file = io.BytesIO()
    torch.save(first.state_dict(), file)
    file.seek(0)
    second = make_stream(tokenizer, make(), **options)
    second.load_state_dict(torch.load(file, weights_only=True))
    second.clock.step = first.clock.step
    second.engine.load_weights([], second.clock.step)
    parts += rounds(second, after)
    assert [described(batches) for batches in parts] == [described(batches) for batches in whole]
