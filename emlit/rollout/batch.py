"""Completions of a round, cut into micro-batches of tensors."""

from collections.abc import Sequence

import torch
from torch import Tensor

from emlit.functional import Normaliser
from emlit.records import Completion, Group, RolloutBatch


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
    apart: bool = False,
) -> RolloutBatch:
    """One micro-batch, of any number of groups; `apart` where their completions bring their advantages."""
    completions = [(group.prompt.tokens, completion) for group in groups for completion in group.completions]
    tokens, attention_mask, completion_mask = pad_rows(
        [(prompt + c.tokens[: c.given], c.tokens[c.given :]) for prompt, c in completions], pad_token_id
    )
    logprobs = None
    if all(completion.logprobs is not None for _, completion in completions):
        sampled = torch.tensor([logprob for _, c in completions for logprob in (c.logprobs or [])[c.given :]])
        logprobs = torch.zeros(tokens.shape).masked_scatter(completion_mask, sampled)
    trained = torch.tensor(
        [is_trained_on(completion, mask_truncated) for _, completion in completions], dtype=torch.bool
    )
    versions = [weights_version if c.weights_version is None else c.weights_version for _, c in completions]
    return RolloutBatch(
        tokens, attention_mask, completion_mask, completion_mask & trained.unsqueeze(1), logprobs, groups, normaliser,
        temperature, filtered, round, min(versions, default=weights_version), samples_per_prompt, ends_round,
        advantages=torch.tensor([c.advantage for _, c in completions], dtype=torch.float32) if apart else None,
    )  # fmt: skip


def is_trained_on(completion: Completion, mask_truncated: bool) -> bool:
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
