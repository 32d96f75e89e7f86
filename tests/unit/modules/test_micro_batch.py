"""What a micro-batch asks of the device, and what is left of it after its step."""

from types import SimpleNamespace

import pytest
import torch

from emlit.callbacks.skip_non_finite import SkipNonFinite
from emlit.callbacks.weight_sync import WeightSync
from emlit.losses import ClipCov, HighEntropyTokens
from emlit.modules import EMFT, EMRL, PPO, SFT, EntropyFloor, TruncatedImportanceSampling
from emlit.rewards import GRPO, SelfCertaintyReward, SequenceLogProbReward, VerifiedAnswerReward
from emlit.rollout import RolloutBatch
from tests.conftest import make_batch
from tests.no_sync import HostSync, no_sync
from tests.unit.losses.test_token_weights import lagged
from tests.unit.modules.test_objectives import GROUPS, gradient, kl_penalty, ready, small_model

OBJECTIVES = {
    "EM-FT": EMFT,
    "EM-FT, KL": lambda: EMFT(kl_weight=0.1),
    "EM-FT, floor": lambda: EMFT(entropy_floor=EntropyFloor(0.5)),
    "EM-FT, own temperature": lambda: EMFT(entropy_temperature=0.5, reduction="sequence_mean"),
    "EM-FT, logits": lambda: EMFT(entropy_head="logits"),
    "EM-FT, checkpointing": lambda: EMFT(gradient_checkpointing=True),
    "EM-RL-token": lambda: EMRL(kl_weight=0.0),
    "EM-RL-token, k1": lambda: EMRL(kl_weight=0.1, kl_estimator="k1"),
    "EM-RL-sequence": lambda: EMRL(kl_weight=0.0, reward=SequenceLogProbReward()),
    "self-certainty, GRPO": lambda: EMRL(kl_weight=0.0, reward=SelfCertaintyReward(), advantage=GRPO()),
    "labels": lambda: EMRL(kl_weight=0.0, reward=VerifiedAnswerReward()),
    "PPO": lambda: EMRL(kl_weight=0.0, policy_update=PPO()),
    "TIS": lambda: EMRL(kl_weight=0.0, policy_update=TruncatedImportanceSampling()),
    "80/20": lambda: EMRL(kl_weight=0.0, token_weights=[lagged(HighEntropyTokens(), threshold=1.0)]),
    "Clip-Cov": lambda: EMRL(
        kl_weight=0.0, token_weights=[lagged(ClipCov(low=0.0), logprob=-2.0, advantage=0.0, candidates=0.1)]
    ),
    "SFT": SFT,
}


def prepared(make):
    module = ready(make(), torch.float32)
    if module.needs_reference:
        module._reference = (small_model(torch.float32).eval().requires_grad_(False),)
    if module.gradient_checkpointing:
        module.model.gradient_checkpointing_enable({"use_reentrant": False})
    module.scorer.stops_at_hidden_states(module.model)  # tries the model, once a run
    module.scorer.packing = False  # as on a GPU
    return module


@pytest.mark.parametrize("name", OBJECTIVES)
def test_nobody_waits_for_the_gpu(name):
    """Forward, loss, backward, and what callbacks look at in between: no number, and no shape, of the device's."""
    module, batch = prepared(OBJECTIVES[name]), make_batch(GROUPS)
    skip, sync, trainer = SkipNonFinite(), WeightSync(), SimpleNamespace(global_step=0)
    for group in batch.groups:
        assert group.grades  # the host's work
    with no_sync(as_on_cuda=True):
        loss = module.training_step(batch)
        skip.on_before_backward(trainer, module, loss)
        sync.on_before_backward(trainer, module, loss)
        loss.backward()
    expected = {name: parameter.grad for name, parameter in module.model.named_parameters()}
    found = gradient(module, [batch])
    for each in expected:
        torch.testing.assert_close(found[each], expected[each], rtol=1e-6, atol=1e-9)


def test_waiting_would_be_seen():
    module, batch = prepared(EMFT), make_batch(GROUPS)
    with no_sync(as_on_cuda=True), pytest.raises(HostSync):
        module.token_stats(batch.tokens, batch.completion_mask, 1.0)


def test_a_batch_travels_with_the_places_of_its_tokens():
    batch = make_batch(GROUPS).to("meta")
    assert {batch.positions.device.type, batch.tokens.device.type} == {"meta"}
    assert batch.positions.shape == (18,)


def test_an_empty_micro_batch_has_no_places():
    batch = make_batch(GROUPS)
    empty = RolloutBatch(
        *(tensor[:0] for tensor in (batch.tokens, batch.attention_mask, batch.completion_mask, batch.loss_mask)),
        batch.sampler_logprobs[:0], [], batch.normaliser, 1.0, False, 0, 0, 2,
    )  # fmt: skip
    module = prepared(EMFT)
    module.training_step(empty).backward()
    assert all(not parameter.grad.any() for parameter in module.model.parameters() if parameter.grad is not None)


def test_gradients_end_with_their_step():
    """Generation and the push of weights, which come next, have their memory."""
    module = prepared(EMFT)
    optimizer = module.configure_optimizers()["optimizer"]
    before = [parameter.detach().clone() for parameter in module.parameters()]

    def closure():
        loss = module.training_step(make_batch(GROUPS))
        loss.backward()
        return loss

    module.optimizer_step(0, 0, optimizer, closure)
    assert all(parameter.grad is None for parameter in module.parameters())
    assert any(not torch.equal(old, new) for old, new in zip(before, module.parameters(), strict=True))


@pytest.mark.parametrize("objective", [EMFT, EMRL])
def test_a_reference_in_bfloat16_layers_gives_the_kl_of_one_in_float32(objective):
    """Autocast would round their weights in each pass; norms, embeddings and the head are left in float32."""
    batch, kl = make_batch(GROUPS), []
    for precision in ("32-true", "bf16-mixed"):
        module = objective(pretrained="tiny", kl_weight=0.1)
        module._trainer = SimpleNamespace(
            accumulate_grad_batches=1, world_size=1, precision=precision, strategy=None, state=SimpleNamespace(fn="fit")
        )
        module.configure_model()
        dtypes = {parameter.dtype for parameter in module._reference[0].parameters()}
        assert dtypes == ({torch.float32} if precision == "32-true" else {torch.float32, torch.bfloat16})
        with torch.autocast("cpu", torch.bfloat16):
            assert kl_penalty(module, batch).abs().max() == 0  # at the start
            torch.manual_seed(0)
            with torch.no_grad():
                for parameter in module.model.parameters():
                    parameter.add_(torch.randn_like(parameter) * 0.01)
            kl.append(kl_penalty(module, batch))
    assert kl[0].sum() > 0
    assert torch.equal(kl[0], kl[1])
