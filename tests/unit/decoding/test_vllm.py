"""The logits processor without an engine: requests come, move and go."""

import functools
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import _disable_current_modes

from emlit.decoding import (
    AdaptiveTemperature,
    EntropyMinimization,
    EntropyScaledTemperature,
    LocallyTypical,
    minimize_entropy,
)

pytest.importorskip("vllm")
from vllm import SamplingParams
from vllm.v1.sample.logits_processor.interface import BatchUpdate, MoveDirectionality

from emlit.decoding import adam, native
from emlit.decoding.requests import to_flat_keys
from emlit.decoding.vllm import EntropyDecoding
from tests.no_sync import no_sync
from tests.own_decoding import Typical

EM = SamplingParams(extra_args={"em_inf": 1})
STRONG = SamplingParams(extra_args={"em_inf": 1, "em_inf_steps": 10, "em_inf_threshold": 0.1})
COOL = SamplingParams(extra_args={"adaptive_temperature": 1, "adaptive_temperature_ratio": 0.4})
PLAIN = SamplingParams()


@pytest.fixture
def kernel(monkeypatch) -> list[tuple[int, int]]:
    """Rows and steps of what the kernel for GPUs was asked to do; the CPU's functions do it in its place."""
    asked = []

    def descend(z, parameters, max_steps):
        with torch._C.DisableTorchFunction(), _disable_current_modes():
            asked.append((len(z), max_steps))
            adam.descend(z, adam.RowParameters(*parameters.split(1, dim=1)), max_steps)

    monkeypatch.setattr("emlit.decoding.adam_gpu.descend", descend)
    return asked


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


@pytest.mark.parametrize("decoding", [LocallyTypical(0.5), EntropyScaledTemperature(0.5, 3.0, strength=0.5)])
def test_decodings_without_a_table_change_their_rows_alone(decoding, kernel):
    asked = SamplingParams(extra_args=to_flat_keys(decoding))
    assert "emlit_decoding" not in asked.extra_args  # no server needs EMLIT_DECODINGS for it
    processor = EntropyDecoding(None, torch.device("cpu"), False)
    processor.update_state(BatchUpdate(4, [], [(0, EM, None, []), (1, asked, None, []), (3, asked, None, [])], []))
    result = processor.apply(logits())
    torch.testing.assert_close(result[[1, 3]], decoding(logits()[[1, 3]]))
    torch.testing.assert_close(result[0], minimize_entropy(logits()[:1])[0])
    assert torch.equal(result[2], logits()[2])
    drafts = EntropyDecoding(None, SimpleNamespace(max_num_reqs=8))
    drafts.add_request(5, asked)
    with no_sync(as_on_cuda=True):
        result = drafts.apply(logits(), SimpleNamespace(expanded_idx_mapping=torch.tensor([2, 5, 2, 5])))
    torch.testing.assert_close(result[[1, 3]], decoding(logits()[[1, 3]]))
    assert torch.equal(result[[0, 2]], logits()[[0, 2]])


def test_a_decoding_of_the_users_own():
    own = SamplingParams(extra_args=to_flat_keys(Typical(0.5)))
    other = SamplingParams(extra_args=to_flat_keys(Typical(0.1)))
    expected = torch.stack([Typical(0.5)(logits()[:1])[0], logits()[1], Typical(0.1)(logits()[2:3])[0],
                            minimize_entropy(logits()[3:])[0]])  # fmt: skip
    rows = EntropyDecoding(None, torch.device("cpu"), False)
    requests = [(0, own, None, []), (1, PLAIN, None, []), (2, other, None, []), (3, EM, None, [])]
    rows.update_state(BatchUpdate(4, [], requests, []))
    torch.testing.assert_close(rows.apply(logits()), expected)
    slots = EntropyDecoding(None, SimpleNamespace(max_num_reqs=8))
    for slot, params in ((6, own), (1, PLAIN), (4, other), (0, EM)):
        slots.add_request(slot, params)
    context = SimpleNamespace(expanded_idx_mapping=torch.tensor([6, 1, 4, 0]))
    torch.testing.assert_close(slots.apply(logits(), context), expected)


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


@pytest.mark.parametrize("key", ["em_info", "em-inf", "EM_INF", "em_inf_step"])
def test_what_is_nearly_a_parameter_is_refused_at_the_door(key):
    """By vLLM's own server too, for keys in vllm_xargs."""
    with pytest.raises(ValueError, match="is no parameter of emlit; em_inf"):
        EntropyDecoding.validate_params(SamplingParams(extra_args={key: 1}))


def decode(processor, added, ctx=None):
    for slot, params in added.items():
        processor.add_request(slot, params)
    return processor.apply(logits(), ctx)


def test_the_host_never_waits_for_the_device(kernel):
    """Neither runner, with and without drafts; requests that come, move and go in between."""
    added = {1: EM, 2: COOL, 3: STRONG}
    for ctx in (
        None,
        SimpleNamespace(idx_mapping_np=np.array([0, 1, 2, 3]), expanded_idx_mapping=torch.tensor([0, 1, 2, 3])),
        SimpleNamespace(idx_mapping_np=np.array([3, 0]), expanded_idx_mapping=torch.tensor([3, 3, 0, 0])),
    ):
        expected = decode(EntropyDecoding(None, SimpleNamespace(max_num_reqs=8)), added, ctx)
        processor = EntropyDecoding(None, SimpleNamespace(max_num_reqs=8))
        with no_sync(as_on_cuda=True):
            found = decode(processor, added, ctx)
        torch.testing.assert_close(found, expected)
        with no_sync(as_on_cuda=True):
            processor.update_state(BatchUpdate(4, [1], [], [(3, 1, MoveDirectionality.UNIDIRECTIONAL)]))
            decode(processor, {0: STRONG}, ctx)


def test_with_drafts_rows_of_other_requests_stay_bit_for_bit():
    processor = EntropyDecoding(None, SimpleNamespace(max_num_reqs=8))
    mapping = torch.tensor([7, 5, 6, 5])
    result = decode(processor, {5: EM, 6: COOL}, SimpleNamespace(expanded_idx_mapping=mapping, idx_mapping_np=None))
    assert torch.equal(result[0], logits()[0])
    torch.testing.assert_close(result[[1, 3]], minimize_entropy(logits()[[1, 3]]))
    torch.testing.assert_close(result[2], AdaptiveTemperature(ratio=0.4)(logits()[2:3])[0])


def test_parameters_are_sent_when_requests_come_and_go_and_not_at_every_step(monkeypatch):
    processor, tables = EntropyDecoding(None, torch.device("cpu"), False), []
    monkeypatch.setattr("emlit.decoding.slots.send", lambda tensor, device: tables.append(1) or tensor)
    for _ in range(3):
        decode(processor, {})
    processor.add_request(0, EM)
    for _ in range(3):
        processor.apply(logits())
    assert len(tables) == 1
    processor.add_request(1, PLAIN)  # changes nothing
    processor.apply(logits())
    assert len(tables) == 1
    processor.add_request(200, STRONG)  # more slots than before
    processor.apply(logits())
    assert len(tables) == 2
    torch.testing.assert_close(processor.apply(torch.cat([logits()] * 51))[200],
                               minimize_entropy(logits()[:1], threshold=0.1, steps=10)[0])  # fmt: skip


def test_on_a_gpu_it_compiles_when_the_model_is_loaded(monkeypatch, kernel):
    """For one row and for several, each of the functions that requests will need."""
    compiled = []

    def record(function, z, *args, dynamic):
        assert dynamic
        compiled.append((function.__name__, min(len(z), 2)))
        return function(z, *args)

    monkeypatch.setattr("emlit.functional.compilation.run_compiled", record)
    model = SimpleNamespace(get_vocab_size=lambda: 2**14)
    with no_sync(True):
        processor = EntropyDecoding(SimpleNamespace(model_config=model), torch.device("cpu"), False)
    assert not processor.decodings
    warm = set(compiled)
    assert {name for name, _ in warm} == {"_entropy_at", "_halve"}
    assert kernel[0][1] > 1  # beginning, going on and end of it are compiled apart; the batch is all the same to it
    compiled.clear()
    for count in (1, 2, 3, 9):
        for slot in range(count):
            processor.add_request(slot, EM if slot % 2 else COOL)
        with no_sync(True):
            processor.apply(torch.randn(count, 2**14))
    assert compiled
    assert set(compiled) <= warm


def test_on_a_cpu_it_compiles_when_the_model_is_loaded():
    native._library.cache_clear()
    EntropyDecoding(SimpleNamespace(model_config=SimpleNamespace(get_vocab_size=lambda: 2**14)), torch.device("cpu"))
    assert native._library.cache_info().currsize == 1


def test_no_request_compiles_anything_anew(monkeypatch):
    """vLLM samples in inference mode, for which compiled code is another."""
    made = functools.cache(lambda function: torch.compile(function, dynamic=True, backend="eager"))
    module = sys.modules["emlit.decoding.adaptive_temperature"]
    monkeypatch.setattr(module, "run_on_gpu", lambda function, *args: made(function)(*args))  # as on a GPU
    model = SimpleNamespace(get_vocab_size=lambda: 2**10)
    processor = EntropyDecoding(SimpleNamespace(model_config=model), torch.device("cpu"), False)
    before = torch._dynamo.utils.counters["stats"]["unique_graphs"]
    assert before
    for count in (1, 2, 3, 5):
        processor.add_request(count - 1, COOL)
        with torch.inference_mode():
            processor.apply(torch.randn(count, 2**10))
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == before
