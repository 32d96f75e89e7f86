"""The logits processor without an engine: requests come, move and go."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from emlit.decoding import AdaptiveTemperature, EntropyMinimization, minimize_entropy

pytest.importorskip("vllm")
from vllm import SamplingParams
from vllm.v1.sample.logits_processor.interface import BatchUpdate, MoveDirectionality

from emlit.decoding.vllm import EntropyDecoding

EM = SamplingParams(extra_args={"em_inf": 1})
STRONG = SamplingParams(extra_args={"em_inf": 1, "em_inf_steps": 10, "em_inf_threshold": 0.1})
COOL = SamplingParams(extra_args={"adaptive_temperature": 1, "adaptive_temperature_ratio": 0.4})
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


def test_v2_asks_the_host_where_it_can():
    processor = EntropyDecoding(None, SimpleNamespace(max_num_reqs=8))
    processor.add_request(5, EM)
    forbidden = SimpleNamespace(tolist=lambda: pytest.fail("the device was asked"))
    context = SimpleNamespace(expanded_idx_mapping=forbidden, idx_mapping_np=np.array([0, 5, 1, 2]))
    expected = minimize_entropy(logits()[1:2])[0]
    for _ in range(2):
        torch.testing.assert_close(processor.apply(logits(), context)[1], expected)
    # Another order of the same requests.
    context.idx_mapping_np = np.array([5, 0, 1, 2])
    torch.testing.assert_close(processor.apply(logits(), context)[0], minimize_entropy(logits()[:1])[0])


def test_requests_of_both_kinds_and_plain_ones_share_a_batch():
    processor = EntropyDecoding(None, torch.device("cpu"), False)
    added = [(0, EM, None, []), (1, COOL, None, []), (2, STRONG, None, []), (3, PLAIN, None, [])]
    processor.update_state(BatchUpdate(4, [], added, []))
    result = processor.apply(logits())
    torch.testing.assert_close(result[0], minimize_entropy(logits()[:1])[0])
    torch.testing.assert_close(result[1], AdaptiveTemperature(ratio=0.4)(logits()[1:2])[0])
    torch.testing.assert_close(result[2], minimize_entropy(logits()[2:3], threshold=0.1, steps=10)[0])
    assert torch.equal(result[3], logits()[3])


def test_greedy_requests_skip_the_work_and_say_so(caplog):
    processor = EntropyDecoding(None, torch.device("cpu"), False)
    for row in range(2):
        assert not processor.add_request(row, SamplingParams(temperature=0.0, extra_args={"em_inf": 1}))
    assert caplog.text.count("greedy requests skip") == 1
    untouched = logits()
    assert processor.apply(untouched) is untouched


def test_the_servers_default():
    config = SimpleNamespace(additional_config={"emlit": {"em_inf": 1, "em_inf_steps": 7}})
    processor = EntropyDecoding(config, torch.device("cpu"), False)
    assert processor.add_request(0, PLAIN)
    assert processor.decodings[0] == EntropyMinimization(steps=7)
    processor.add_request(1, SamplingParams(extra_args={"em_inf_threshold": 0.2}))
    assert processor.decodings[1] == EntropyMinimization(steps=7, threshold=0.2)
    processor.add_request(2, COOL)
    assert processor.decodings[2] == AdaptiveTemperature(ratio=0.4)
    assert not processor.add_request(3, SamplingParams(extra_args={"em_inf": 0}))


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"em_inf_step": 7}, "emlit in additional_config: em_inf_step is no parameter"),
        ({"em_infs": 1}, "em_infs is no parameter"),
        ({"em_inf": 1, "step": 9}, "step is no parameter"),
        ("em_inf", "it must be a mapping"),
    ],
)
def test_a_wrong_default_ends_the_server(settings, sentence):
    with pytest.raises(ValueError, match=sentence):
        EntropyDecoding(SimpleNamespace(additional_config={"emlit": settings}), torch.device("cpu"), False)


def test_wrong_parameters_are_refused_at_the_door():
    with pytest.raises(ValueError, match="steps is 0"):
        EntropyDecoding.validate_params(SamplingParams(extra_args={"em_inf_steps": 0}))
