import pytest
import torch

from emlit.rollout import partition
from tests.conftest import make_batch, make_group


def test_masks_by_hand():
    # Prompts of 3 and 1 tokens; completions of 2, 4, 1 and 3; nothing is left-padded.
    batch = make_batch([make_group([5, 6, 7], [[8, 1], [9, 9, 9, 1]]), make_group([4], [[1], [8, 8, 1]])])
    assert batch.tokens.tolist() == [
        [5, 6, 7, 8, 1, 0, 0],
        [5, 6, 7, 9, 9, 9, 1],
        [4, 1, 0, 0, 0, 0, 0],
        [4, 8, 8, 1, 0, 0, 0],
    ]
    assert batch.completion_mask.int().tolist() == [
        [0, 0, 0, 1, 1, 0, 0],
        [0, 0, 0, 1, 1, 1, 1],
        [0, 1, 0, 0, 0, 0, 0],
        [0, 1, 1, 1, 0, 0, 0],
    ]
    assert batch.attention_mask.sum(dim=1).tolist() == [5, 7, 2, 4]
    assert batch.sampler_logprobs[batch.completion_mask].eq(-0.5).all()


def test_an_end_token_that_is_the_pad_token_still_counts():
    # Qwen's base models pad with their end token; masks made by comparing ids then lose every EOS.
    batch = make_batch([make_group([5, 6], [[8, 1], [9, 9, 1]])], pad_token_id=1)
    assert batch.completion_mask.sum(dim=1).tolist() == [2, 3]
    assert batch.tokens[0, 3] == batch.tokens[0, 4] == 1
    assert batch.completion_mask[0].tolist() == [False, False, True, True, False]


def test_prompts_of_different_length_leave_no_prompt_token_in_the_mask():
    # one-shot-em counts min(padding, prompt length) prompt tokens of each padded row as sampled.
    batch = make_batch([make_group([5] * 9, [[8, 1]]), make_group([5], [[8, 1]])])
    assert batch.tokens[batch.completion_mask].tolist() == [8, 1, 8, 1]


def test_to_moves_the_tensors_and_keeps_the_rest():
    batch = make_batch([make_group([5], [[8, 1]])])
    moved = batch.to("meta")
    assert moved.tokens.device.type == moved.sampler_logprobs.device.type == "meta"
    assert moved.groups is batch.groups


@pytest.mark.parametrize("parts", [1, 2, 3, 7])
def test_partition_keeps_every_group_once(parts):
    groups = [make_group([5] * (1 + i % 3), [[8] * (1 + (7 * i) % 13)] * 2) for i in range(7)]
    pieces = partition(groups, parts)
    assert len(pieces) == parts
    assert all(pieces)
    assert sorted(id(group) for piece in pieces for group in piece) == sorted(map(id, groups))


def test_partition_balances_padded_size():
    # One group of 10 tokens and ten of 2: no cut has a smaller largest piece than 20; six and five groups have 60.
    groups = [make_group([5], [[8] * 9])] + [make_group([5], [[8]]) for _ in range(10)]
    sizes = [len(piece) * max(group.longest for group in piece) for piece in partition(groups, 2)]
    assert max(sizes) == 20


def test_fewer_groups_than_parts():
    with pytest.raises(ValueError, match="cannot be cut"):
        partition([make_group([5], [[8]])], 2)


def test_normaliser_is_the_rounds():
    batch = make_batch([make_group([5], [[8, 1], [8, 8, 1]])])
    assert batch.normaliser.tokens == 5
    assert batch.normaliser.sequences == 2
    assert torch.equal(batch.completion_mask.sum(), torch.tensor(5))
