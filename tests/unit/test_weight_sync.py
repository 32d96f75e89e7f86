"""What goes to the engine, and the comparison of trainer and sampler."""

import logging
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from emlit.callbacks.skip_non_finite import SkipNonFinite, faults
from emlit.callbacks.weight_sync import WeightSync, engine_weights
from emlit.errors import WeightSyncError
from emlit.modules import EMFT, LoRA
from tests.conftest import make_batch, make_group

BATCH = make_batch([make_group([5, 6], [[7, 1], [8, 9, 1]])])  # the sampler's log-probabilities are -0.5


def step(
    sync: WeightSync,
    *gaps: float,
    at: int = 0,
    float32: bool = True,
    precision: str = "32-true",
    dtype_name: str = "float32",
) -> None:
    """An optimiser step whose micro-batches have these gaps."""
    trainer = SimpleNamespace(global_step=at, precision=precision)
    module = SimpleNamespace(engine=SimpleNamespace(float32=float32), dtype_name=dtype_name, trainer=trainer)
    module.in_float32 = EMFT.in_float32.fget(module)
    for gap in gaps:
        stats = SimpleNamespace(logprob=torch.where(BATCH.completion_mask, -0.5 - gap, 0.0))
        record = SimpleNamespace(batch=replace(BATCH, weights_version=at), stats=stats)
        sync.on_before_backward(trainer, SimpleNamespace(step_output=record), torch.tensor(0.0))
    sync.on_before_optimizer_step(trainer, module, None)


def test_one_micro_batch_that_disagrees_ends_the_run_before_its_step():
    with pytest.raises(WeightSyncError, match=r"at step 0 .* disagree by 0.2 nats .* sync.max_gap of 0.05"):
        step(WeightSync(), 0.001, 0.2, 0.001)


@pytest.mark.parametrize("coarse", [{"float32": False}, {"precision": "bf16-mixed"}, {"dtype_name": "bfloat16"}])
def test_half_precision_on_either_side_has_a_wider_limit(coarse):
    step(WeightSync(), 0.061, **coarse)
    with pytest.raises(WeightSyncError, match=r"sync.max_gap of 0.2"):
        step(WeightSync(), 0.3, **coarse)


def test_gaps_that_are_not_numbers_are_not_a_stale_engine():
    for gap in (float("nan"), float("inf")):
        step(WeightSync(), gap, 0.01)


def test_a_gap_that_grows_is_told_once(caplog):
    sync = WeightSync(max_gap=0.2)
    with caplog.at_level(logging.INFO):
        step(sync, 0.01, 0.03)
        assert caplog.messages == ["trainer and sampler differ by 0.02 nats a token in the first round"]
        step(sync, 0.09, 0.09, at=1)
        assert len(caplog.messages) == 1
        for at in (2, 3):
            step(sync, 0.12, 0.12, at=at)
    assert caplog.messages[1:] == [
        "at step 2 trainer and sampler differ by 0.12 nats a token, and by 0.02 in the first round: the engine's "
        "weights may not be the trained ones (sync/logprob_gap)"
    ]


def test_rounding_in_float32_does_not_grow(caplog):
    sync = WeightSync()
    step(sync, 1e-7)
    step(sync, 1e-4, at=1)
    assert not caplog.messages


def test_what_is_not_finite_is_named():
    values = {"logprob": torch.full(BATCH.tokens.shape, -1.0), "entropy": torch.ones(BATCH.tokens.shape)}
    for broken, expected in (
        (None, [False] * 4),
        ("logprob", [False, True, False, False]),
        ("entropy", [False, False, False, True]),
    ):
        stats = {name: value.clone() for name, value in values.items()}
        if broken is not None:
            stats[broken][0, 3] = float("nan")
        else:
            stats["logprob"][0, 0] = float("nan")  # of a prompt's token, which is not sampled
        record = SimpleNamespace(batch=BATCH, stats=SimpleNamespace(**stats))
        assert faults(record, torch.tensor(1.0)).tolist() == expected
    skip = SkipNonFinite()
    skip.on_before_backward(None, SimpleNamespace(step_output=record), torch.tensor(1.0))
    skip.on_before_backward(None, SimpleNamespace(step_output=record), torch.tensor(float("inf")))
    assert skip._sentences() == ["an entropy is not finite", "the loss is inf"]


def test_matrices_are_rounded_to_the_engines_dtype_before_they_are_gathered():
    """As the engine itself would, so that it gets the same numbers in half the bytes."""
    module = EMFT()
    module.configure_model()
    whole, half = (dict(engine_weights(module, dtype)) for dtype in (None, torch.bfloat16))
    assert list(whole) == list(half)
    for name, tensor in whole.items():
        assert torch.equal(half[name].to(torch.bfloat16), tensor.to(torch.bfloat16)), name
        assert half[name].dtype == (torch.bfloat16 if tensor.ndim > 1 else torch.float32), name
    assert sum(t.nbytes for t in half.values()) < 0.51 * sum(t.nbytes for t in whole.values())


def test_adapters_are_merged_before_they_are_rounded():
    module = EMFT(lora=LoRA(r=4))
    module.configure_model()
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.requires_grad:
                parameter.normal_(std=0.05)
    half = dict(engine_weights(module, torch.bfloat16))
    for name, merged in engine_weights(module):
        assert torch.equal(half[name].to(torch.bfloat16), merged.to(torch.bfloat16)), name


def test_what_transformers_keeps_in_float32_stays():
    module = EMFT()
    module.configure_model()
    module.model._keep_in_fp32_modules = ["mlp.gate_proj"]
    half = dict(engine_weights(module, torch.bfloat16))
    kept = {name for name, tensor in half.items() if tensor.ndim > 1 and tensor.dtype == torch.float32}
    assert kept
    assert all("mlp.gate_proj" in name for name in kept)
