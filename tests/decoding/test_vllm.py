"""The logits processor without an engine: requests come, move and go."""

from types import SimpleNamespace

import pytest
import torch

from emlit.decoding import AdaptiveTemperature, EntropyMinimization, minimize_entropy

pytest.importorskip("vllm")
from vllm import SamplingParams
from vllm.v1.sample.logits_processor.interface import BatchUpdate, MoveDirectionality

from emlit.decoding.vllm import EntropyDecoding, from_extra_args, to_extra_args

EM = SamplingParams(extra_args={"em_inf": 1})
STRONG = SamplingParams(extra_args={"em_inf": 1, "em_inf_steps": 10, "em_inf_threshold": 0.1})
PLAIN = SamplingParams()


def logits() -> torch.Tensor:
    return torch.randn(4, 100, generator=torch.Generator().manual_seed(0))


def test_v1_follows_its_rows():
    processor = EntropyDecoding(None, torch.device("cpu"), False)
    processor.update_state(BatchUpdate(3, [], [(0, EM, None, []), (1, PLAIN, None, []), (2, STRONG, None, [])], []))
    result = processor.apply(logits())
    torch.testing.assert_close(result[0], minimize_entropy(logits()[:1])[0])
    assert torch.equal(result[1], logits()[1])
    torch.testing.assert_close(result[2], minimize_entropy(logits()[2:3], threshold=0.1, steps=10)[0])
    # Row 2 moves to 0, over the request that left; row 1 swaps with the new row 3.
    processor.update_state(
        BatchUpdate(
            4,
            [0],
            [(3, EM, None, [])],
            [(2, 0, MoveDirectionality.UNIDIRECTIONAL), (1, 3, MoveDirectionality.SWAP)],
        )
    )
    result = processor.apply(logits())
    torch.testing.assert_close(result[0], minimize_entropy(logits()[:1], threshold=0.1, steps=10)[0])
    torch.testing.assert_close(result[1], minimize_entropy(logits()[1:2])[0])
    assert torch.equal(result[2:], logits()[2:])


def test_v2_goes_by_slots():
    processor = EntropyDecoding(None, SimpleNamespace(max_num_reqs=8))
    assert processor.add_request(5, EM)
    assert not processor.add_request(2, PLAIN)
    context = SimpleNamespace(expanded_idx_mapping=torch.tensor([2, 5, 2, 5]))
    result = processor.apply(logits(), context)
    torch.testing.assert_close(result[[1, 3]], minimize_entropy(logits()[[1, 3]]))
    assert torch.equal(result[[0, 2]], logits()[[0, 2]])
    assert not processor.add_request(5, PLAIN)  # the slot is used again
    assert torch.equal(processor.apply(logits(), context), logits())


def test_plain_batches_are_not_touched():
    processor = EntropyDecoding(None, torch.device("cpu"), False)
    untouched = logits()
    assert processor.apply(untouched) is untouched


@pytest.mark.parametrize("decoding", [EntropyMinimization(0.2, 0.1, 0.05, 7), AdaptiveTemperature(0.4, 0.2), None])
def test_keys_there_and_back(decoding):
    assert from_extra_args(to_extra_args(decoding)) == decoding


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"em_inf": 1, "em_inf_step": 3}, "em_inf_step is no parameter"),
        ({"em_inf": 1, "em_inf_steps": 0}, "steps is 0"),
        ({"em_inf": 1, "em_inf_steps": 2.5}, "em_inf_steps is 2.5"),
        ({"em_inf": 1, "em_inf_threshold": "low"}, "em_inf_threshold is 'low'"),
        ({"em_inf": 1, "adaptive_temperature": 1}, "both set"),
    ],
)
def test_wrong_parameters_get_a_sentence(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        EntropyDecoding.validate_params(SamplingParams(extra_args=arguments))


def test_other_peoples_keys_pass():
    assert from_extra_args({"somebody": "else"}) is None
