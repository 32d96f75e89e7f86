"""Completions of a round, cut into micro-batches of tensors."""

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from emlit import progress
from emlit.engines import Completion, FinishReason
from emlit.functional import Normaliser
from emlit.functional.reduction import flat_positions
from emlit.rollout.prompts import Prompt
from emlit.tasks import Grade, answer_classes


@dataclass(frozen=True)
class Group:
    """All completions of one prompt, with their texts."""

    prompt: Prompt
    completions: Sequence[Completion]
    texts: Sequence[str]

    @functools.cached_property
    def grades(self) -> list[Grade]:
        """How each completion did, by the row's own task; graded once, whoever asks."""
        with progress.phase("grading", len(self.texts), "answers") as phase:
            return self.prompt.task.grade_all([(self.prompt.row, text) for text in self.texts], phase.advance)

    @functools.cached_property
    def classes(self) -> list[list[int]]:
        """The completions with the same answer, class by class in order of first appearance; silence has none.

        Answers are the same where the row's task says so, whichever of the two is the label.
        """
        equal = self.prompt.task.equal
        return answer_classes(
            [grade.answer for grade in self.grades], lambda one, other: equal(one, other) or equal(other, one)
        )

    def semantic_entropy(self) -> float:
        """Entropy of the answers' distribution, nats; each completion without an answer is a class of its own."""
        total = len(self.completions)
        sizes = [len(members) for members in self.classes]
        return sum(size / total * math.log(total / size) for size in [*sizes, *[1] * (total - sum(sizes))])

    @property
    def longest(self) -> int:
        return len(self.prompt.tokens) + max(len(completion.tokens) for completion in self.completions)


@dataclass(frozen=True)
class RolloutBatch:
    """Whole groups of completions, right-padded: prompt, completion, padding.

    It may have none: where processes cannot share a round evenly, those without a group still take part in the step.

    Attributes:
        tokens: (B, T), int64
        attention_mask: (B, T), bool, true up to the last token of each row
        completion_mask: (B, T), bool, true on every sampled token, the end token included
        loss_mask: (B, T), bool, true on the sampled tokens that are trained on: those of truncated completions are left
            out where that is asked for
        sampler_logprobs: (B, T), float32, the sampler's log p of each sampled token, nats; 0 elsewhere. None where the
            completions were given (the rows' solutions) rather than sampled
        groups: the prompts and completions behind the rows; row g * N + i is completion i of group g
        normaliser: of the optimiser step, over all of its micro-batches and ranks
        temperature: what the completions were sampled at
        filtered: whether they were drawn from less than the model's whole distribution
        round: which round of the run
        weights_version: which weights sampled it: the number of optimiser steps taken before
        samples_per_prompt: N, also where there is no group
        ends_round: whether the next micro-batch is of another round
        positions: (M,), int64, where `completion_mask` is true, counted along its rows; found before the batch goes to
            a GPU, which would have to be waited for
    """

    tokens: Tensor
    attention_mask: Tensor
    completion_mask: Tensor
    loss_mask: Tensor
    sampler_logprobs: Tensor | None
    groups: Sequence[Group]
    normaliser: Normaliser
    temperature: float
    filtered: bool
    round: int
    weights_version: int
    samples_per_prompt: int
    ends_round: bool = True
    positions: Tensor = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        if self.positions is None:
            object.__setattr__(self, "positions", flat_positions(self.completion_mask))

    @property
    def finish_reasons(self) -> list[FinishReason]:
        return [completion.finish_reason for group in self.groups for completion in group.completions]

    def to(self, device: torch.device | str, non_blocking: bool = False) -> "RolloutBatch":
        """The same batch with its tensors on `device`; Lightning calls this."""
        names = ("tokens", "attention_mask", "completion_mask", "loss_mask", "sampler_logprobs", "positions")
        tensors = {name: tensor for name in names if (tensor := getattr(self, name)) is not None}
        moved = {name: sent(tensor, torch.device(device), non_blocking) for name, tensor in tensors.items()}
        return replace(self, **moved)


def sent(tensor: Tensor, device: torch.device, non_blocking: bool = True) -> Tensor:
    """A tensor on `device`; to a GPU by way of pinned memory, so that nobody waits for what the GPU is at."""
    if device.type == "cuda" and tensor.device.type == "cpu":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device, non_blocking=non_blocking)


def pad_rows(rows: Sequence[tuple[list[int], list[int]]], pad_token_id: int) -> tuple[Tensor, Tensor, Tensor]:
    """Right-pad (prompt, completion) pairs of token ids; nothing is ever left-padded.

    Returns:
        tokens, attention_mask and completion_mask, each (B, T). Sampled tokens are marked by position: an end token
        that is also the pad token still counts.
    """
    shape = len(rows), max((len(prompt) + len(completion) for prompt, completion in rows), default=0)
    tokens = torch.full(shape, pad_token_id)
    attention_mask, completion_mask = torch.zeros(shape, dtype=torch.bool), torch.zeros(shape, dtype=torch.bool)
    for row, (prompt, completion) in enumerate(rows):
        end = len(prompt) + len(completion)
        tokens[row, :end] = torch.tensor(prompt + completion)
        attention_mask[row, :end] = True
        completion_mask[row, len(prompt) : end] = True
    return tokens, attention_mask, completion_mask


def collate(
    groups: Sequence[Group],
    pad_token_id: int,
    normaliser: Normaliser,
    temperature: float,
    filtered: bool,
    round: int,
    weights_version: int,
    samples_per_prompt: int,
    mask_truncated: bool = False,
    ends_round: bool = True,
) -> RolloutBatch:
    """One micro-batch, of any number of groups."""
    completions = [(group.prompt.tokens, completion) for group in groups for completion in group.completions]
    tokens, attention_mask, completion_mask = pad_rows([(p, c.tokens) for p, c in completions], pad_token_id)
    logprobs = None
    if all(completion.logprobs is not None for _, completion in completions):
        sampled = torch.tensor([logprob for _, completion in completions for logprob in completion.logprobs])
        logprobs = torch.zeros(tokens.shape).masked_scatter(completion_mask, sampled)
    trained = torch.tensor([counts(completion, mask_truncated) for _, completion in completions], dtype=torch.bool)
    return RolloutBatch(
        tokens, attention_mask, completion_mask, completion_mask & trained.unsqueeze(1), logprobs, groups, normaliser,
        temperature, filtered, round, weights_version, samples_per_prompt, ends_round,
    )  # fmt: skip


def counts(completion: Completion, mask_truncated: bool) -> bool:
    """Whether a completion is trained on."""
    return not (mask_truncated and completion.finish_reason == "length")


def partition(groups: Sequence[Group], parts: int) -> list[list[Group]]:
    """Cut a round into `parts` micro-batches whose padded sizes (rows x longest row) are as equal as they can be.

    Groups are sorted by length, so that rows of like length share their padding, and cut into consecutive pieces; the
    smallest possible largest piece is found by bisection.

    Raises:
        ValueError: fewer groups than parts
    """
    if len(groups) < parts:
        raise ValueError(f"{len(groups)} groups cannot be cut into {parts} micro-batches")
    ordered = sorted(groups, key=lambda group: group.longest, reverse=True)

    def cut(capacity: int) -> list[list[Group]]:
        pieces: list[list[Group]] = []
        for index, group in enumerate(ordered):
            # The rest must still fill the remaining pieces, one group each at least.
            spare = len(ordered) - index > parts - len(pieces)
            if pieces and spare and (len(pieces[-1]) + 1) * pieces[-1][0].longest <= capacity:
                pieces[-1].append(group)
            else:
                pieces.append([group])
        return pieces

    low, high = ordered[0].longest, ordered[0].longest * len(ordered)
    while low < high:
        middle = (low + high) // 2
        if len(cut(middle)) <= parts:
            high = middle
        else:
            low = middle + 1
    return cut(high)
