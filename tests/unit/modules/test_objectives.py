"""The gradients of EM-FT and EM-RL, against their formulas in float64."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from transformers import Qwen2Config, Qwen2ForCausalLM

from emlit.errors import DataError
from emlit.functional import Normaliser
from emlit.modules import EMFT, EMRL, PPO, EntropyFloor, TruncatedImportanceSampling
from emlit.rewards import GRPO, SelfCertaintyReward, SequenceLogProbReward, TokenEntropyReward, WeightedRewards
from tests.conftest import make_batch, make_group

GROUPS = [
    make_group([5, 6, 7, 8], [[9, 10, 1], [11, 1]]),
    make_group([3], [[4, 5, 6, 7, 8], [1]]),
    make_group([12, 13], [[14, 15, 1], [2, 2, 2, 1]]),
]


def small_model(dtype: torch.dtype = torch.float64) -> Qwen2ForCausalLM:
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=16,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        tie_word_embeddings=True,
    )
    model = Qwen2ForCausalLM(config).to(dtype).train()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(8)  # far from uniform, so that entropies differ
    return model


def ready(module, dtype: torch.dtype = torch.float64, micro_batches: int = 1, world_size: int = 1):
    module.model = small_model(dtype)
    module._trainer = SimpleNamespace(accumulate_grad_batches=micro_batches, world_size=world_size)
    return module


def gradient(module, batches) -> dict[str, torch.Tensor]:
    """As Lightning accumulates it: each loss divided by the number of micro-batches."""
    module.zero_grad()
    for batch in batches:
        (module.training_step(batch) / len(batches)).backward()
    return {name: parameter.grad.clone() for name, parameter in module.model.named_parameters()}


def reference_stats(model, batch):
    """(logprob, entropy) of each sampled token, row by row, without padding, batching or gather."""
    rows = []
    for group in batch.groups:
        for completion in group.completions:
            tokens = torch.tensor([group.prompt.tokens + completion.tokens])
            logp = torch.log_softmax(model(tokens).logits[0], dim=-1)
            first = len(group.prompt.tokens)
            logprobs = torch.stack([logp[first + t - 1, token] for t, token in enumerate(completion.tokens)])
            dists = logp[first - 1 : first - 1 + len(completion.tokens)]
            rows.append((logprobs, -(dists.exp() * dists).sum(dim=-1)))
    return rows


@pytest.mark.parametrize(
    ("reduction", "reduce"),
    [
        ("token_mean", lambda rows: torch.cat(rows).mean()),
        ("sequence_mean", lambda rows: torch.stack([row.mean() for row in rows]).mean()),
        ("sequence_sum", lambda rows: torch.stack([row.sum() for row in rows]).mean()),
    ],
)
def test_em_ft_is_the_gradient_of_the_entropy(reduction, reduce):
    batch = make_batch(GROUPS)
    module = ready(EMFT(reduction=reduction))
    found = gradient(module, [batch])
    module.zero_grad()
    reduce([entropy for _, entropy in reference_stats(module.model, batch)]).backward()
    for name, parameter in module.model.named_parameters():
        torch.testing.assert_close(found[name], parameter.grad, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("reward", [TokenEntropyReward(), SequenceLogProbReward()])
def test_em_rl_is_reinforce_with_the_leave_one_out_baseline(reward):
    batch = make_batch(GROUPS)
    module = ready(EMRL(reward=reward, kl_weight=0.0))
    found = gradient(module, [batch])
    module.zero_grad()
    stats = reference_stats(module.model, batch)
    if isinstance(reward, TokenEntropyReward):
        rewards = torch.stack([-entropy.mean() for _, entropy in stats]).detach()
    else:
        rewards = torch.stack([logprob.mean() for logprob, _ in stats]).detach()
    # With two samples the leave-one-out advantage is the difference to the other one.
    advantages = rewards - rewards.view(-1, 2).flip(1).flatten()
    tokens = sum(len(logprob) for logprob, _ in stats)
    loss = -sum(a * logprob.sum() for a, (logprob, _) in zip(advantages, stats, strict=True)) / tokens
    loss.backward()
    for name, parameter in module.model.named_parameters():
        torch.testing.assert_close(found[name], parameter.grad, rtol=1e-5, atol=1e-8)


def test_any_reward_takes_the_same_way_to_the_gradient():
    batch = make_batch(GROUPS)
    module = ready(
        EMRL(reward=WeightedRewards([SelfCertaintyReward(), SequenceLogProbReward()], [0.5, 2.0]), kl_weight=0.0)
    )
    found = gradient(module, [batch])
    parts = module.step_output.values["reward/self_certainty"], module.step_output.values["reward/sequence_log_prob"]
    rewards = 0.5 * parts[0] + 2 * parts[1]
    torch.testing.assert_close(module.step_output.values["reward"], rewards)
    module.zero_grad()
    stats = reference_stats(module.model, batch)
    torch.testing.assert_close(parts[1].double(), torch.stack([logprob.mean() for logprob, _ in stats]).detach())
    advantages = rewards - rewards.view(-1, 2).flip(1).flatten()
    loss = -sum(a * logprob.sum() for a, (logprob, _) in zip(advantages, stats, strict=True)) / batch.normaliser.tokens
    loss.backward()
    for name, parameter in module.model.named_parameters():
        torch.testing.assert_close(found[name], parameter.grad, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("make", [EMFT, lambda: EMRL(kl_weight=0.0), lambda: EMRL(advantage=GRPO(), kl_weight=0.0)])
@pytest.mark.parametrize("reduction", ["token_mean", "sequence_mean", "sequence_sum"])
def test_the_gradient_does_not_depend_on_how_a_round_is_cut(make, reduction):
    whole_batch = make_batch(GROUPS)
    one = make()
    one.reduction = reduction
    whole = gradient(ready(one), [whole_batch])
    parts = [make_batch([group], normaliser=whole_batch.normaliser) for group in GROUPS]
    cut = gradient(ready(one, micro_batches=3), parts)
    for name in whole:
        torch.testing.assert_close(cut[name], whole[name], rtol=1e-6, atol=1e-9)


def test_two_ranks_average_to_one():
    # DDP averages gradients over ranks; each loss carries the world size, and the normaliser is global.
    batch = make_batch(GROUPS[:2])
    whole = gradient(ready(EMFT()), [batch])
    normaliser = batch.normaliser
    ranks = [
        gradient(ready(EMFT(), world_size=2), [make_batch([group], normaliser=normaliser)]) for group in GROUPS[:2]
    ]
    for name in whole:
        torch.testing.assert_close((ranks[0][name] + ranks[1][name]) / 2, whole[name], rtol=1e-6, atol=1e-9)


def test_what_follows_a_completion_changes_nothing():
    # Padding of another length and with another token, as beside a longer row.
    batch = make_batch(GROUPS[:1])
    padded = make_batch([GROUPS[0], make_group([3], [[4] * 12, [4] * 12])], pad_token_id=9)
    module = ready(EMFT())
    alone, beside = module.rollout_stats(batch), module.rollout_stats(padded)
    for left, right in zip(alone, beside, strict=True):
        torch.testing.assert_close(left[batch.completion_mask], right[:2][padded.completion_mask[:2]])


def test_the_first_sampled_token_and_the_end_token_are_scored():
    # one-shot-em scores the position after the end token, and never the first sampled one.
    batch = make_batch([make_group([5, 6], [[9, 1], [10, 1]])])
    module = ready(EMFT())
    stats = module.rollout_stats(batch)
    logp = torch.log_softmax(module.model(torch.tensor([[5, 6, 9]])).logits[0], dim=-1)
    torch.testing.assert_close(stats.logprob[0, 2:].detach().double(), torch.stack([logp[1, 9], logp[2, 1]]).detach())


def kl_penalty(module, batch):
    """The estimate (B, T) of the module's one loss term."""
    return module.loss_terms[0].penalty(module.loss_inputs(module.rollout_stats(batch), batch))


def test_kl_to_the_start_is_zero_at_the_start_and_pulls_back():
    batch = make_batch(GROUPS)
    module = ready(EMFT(kl_weight=0.5))
    module._reference = (small_model().eval().requires_grad_(False),)
    assert kl_penalty(module, batch).abs().max() < 1e-6
    with torch.no_grad():
        for parameter in module.model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.02)
    assert kl_penalty(module, batch).sum() > 0
    assert ready(EMFT()).loss_terms == []


def test_k1_is_taken_off_the_reward():
    batch = make_batch(GROUPS)
    module = ready(EMRL(kl_weight=0.5, kl_estimator="k1"))
    reference = small_model().eval().requires_grad_(False)
    with torch.no_grad():
        for parameter in reference.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    module._reference = (reference,)
    found = gradient(module, [batch])
    module.zero_grad()
    stats = reference_stats(module.model, batch)
    start = [logprob.detach() for logprob, _ in reference_stats(reference, batch)]
    rewards = torch.stack(
        [-h.mean().detach() - 0.5 * (p.detach() - q).mean() for (p, h), q in zip(stats, start, strict=True)]
    )
    advantages = rewards - rewards.view(-1, 2).flip(1).flatten()
    tokens = sum(len(logprob) for logprob, _ in stats)
    (-sum(a * logprob.sum() for a, (logprob, _) in zip(advantages, stats, strict=True)) / tokens).backward()
    for name, parameter in module.model.named_parameters():
        torch.testing.assert_close(found[name], parameter.grad, rtol=1e-5, atol=1e-8)
    # The curve is the estimate itself, sign included.
    expected = torch.cat([p.detach() - q for (p, _), q in zip(stats, start, strict=True)]).mean()
    torch.testing.assert_close(module.step_output.values["kl/ref"][batch.completion_mask].mean(), expected)


def with_sampler_logprobs(batch, module, shift: float = 0.0):
    """The batch as if the module itself, shifted a little, had sampled it."""
    logprob = module.rollout_stats(batch).logprob.detach()
    torch.manual_seed(1)
    noise = torch.randn_like(logprob) * shift
    return replace(batch, sampler_logprobs=(logprob + noise) * batch.completion_mask)


@pytest.mark.parametrize("update", [PPO(), PPO(cap=None), TruncatedImportanceSampling()])
def test_on_policy_every_update_is_reinforce(update):
    plain, other = ready(EMRL(kl_weight=0.0)), ready(EMRL(kl_weight=0.0, policy_update=update))
    batch = with_sampler_logprobs(make_batch(GROUPS), plain)
    expected, found = gradient(plain, [batch]), gradient(other, [batch])
    for name in expected:
        torch.testing.assert_close(found[name], expected[name], rtol=1e-6, atol=1e-9)
    assert other.step_output.values["importance/ratio"][batch.completion_mask].allclose(
        torch.ones(18, dtype=torch.float64)
    )


def test_importance_weights_are_truncated_token_by_token():
    module = ready(EMRL(kl_weight=0.0, policy_update=TruncatedImportanceSampling(cap=1.1)))
    batch = with_sampler_logprobs(make_batch(GROUPS), module, shift=0.3)
    found = gradient(module, [batch])
    mask, values = batch.completion_mask, module.step_output.values
    assert values["importance/capped"][mask].sum() > 0
    module.zero_grad()
    logprob = module.rollout_stats(batch).logprob
    weight = (logprob - batch.sampler_logprobs).exp().clamp(max=1.1).detach()
    (-(values["advantage"] * weight * logprob)[mask].sum() / 18).backward()
    for name, parameter in module.model.named_parameters():
        torch.testing.assert_close(found[name], parameter.grad, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("make", [EMFT, lambda: EMRL(kl_weight=0.0)])
def test_truncated_completions_have_no_gradient_where_masked(make):
    cut = [
        replace(
            GROUPS[0], completions=[GROUPS[0].completions[0], replace(GROUPS[0].completions[1], finish_reason="length")]
        )
    ]
    masked = make_batch(cut, mask_truncated=True)
    assert masked.loss_mask.sum() == 3
    module = ready(make())
    found = gradient(module, [masked])
    module.zero_grad()
    entropy, logprob = (
        value[0, 4:7] for value in (module.rollout_stats(masked).entropy, module.rollout_stats(masked).logprob)
    )
    loss = (
        entropy.sum()
        if isinstance(module, EMFT) and not isinstance(module, EMRL)
        else (-(module.step_output.values["advantage"][0, 0] * logprob).sum())
    )
    (loss / masked.normaliser.tokens).backward()
    for name, parameter in module.model.named_parameters():
        torch.testing.assert_close(found[name], parameter.grad, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("make", [EMFT, EMRL])
def test_entropy_floor_takes_off_its_share_of_the_entropy(make):
    batch, floor = make_batch(GROUPS), EntropyFloor(10.0)
    plain = gradient(ready(make(kl_weight=0.0)), [batch])
    module = ready(make(kl_weight=0.0, entropy_floor=floor))
    floor.coefficient = 0.3
    found = gradient(module, [batch])
    entropy = gradient(ready(EMFT()), [batch])
    for name in plain:
        # Qwen's norms round to float32 inside, and these are three backward passes.
        torch.testing.assert_close(found[name], plain[name] - 0.3 * entropy[name], rtol=1e-4, atol=1e-6)
    mean = module.step_output.stats.entropy[batch.completion_mask].mean()
    floor.entropy.update(lambda seen, how: seen)
    assert floor.entropy.value == pytest.approx(mean.item())


def test_the_reference_is_neither_trained_nor_saved(tmp_path):
    small_model(torch.float32).save_pretrained(tmp_path)
    module = EMRL(pretrained=str(tmp_path), kl_weight=0.1)
    module.configure_model()
    module.configure_model()  # Lightning may call it twice
    assert module._reference
    assert all(name.startswith("model.") for name in module.state_dict())
    assert all(parameter.requires_grad for parameter in module.parameters())


def test_the_model_is_in_training_mode_and_gradient_checkpointing_is_on(tmp_path):
    # from_pretrained returns eval mode, in which transformers skips checkpointing without a word.
    small_model(torch.float32).save_pretrained(tmp_path)
    module = EMFT(pretrained=str(tmp_path), gradient_checkpointing=True)
    module.configure_model()
    assert module.model.training
    assert module.model.is_gradient_checkpointing
    module.scorer.stops_at_hidden_states(module.model)  # tries the model once
    calls = []
    module.model.model.layers[0].mlp.register_forward_pre_hook(lambda *_: calls.append(1))
    module._trainer = SimpleNamespace(accumulate_grad_batches=1, world_size=1)
    module.training_step(make_batch(GROUPS)).backward()
    assert len(calls) == 2  # once forward, once again in the backward pass


def test_a_checkpoint_of_other_shapes_is_refused():
    module = ready(EMFT())
    state = dict(module.state_dict())
    module.on_load_checkpoint({"state_dict": state})
    state["model.lm_head.weight"] = torch.zeros(3, 3)
    with pytest.raises(DataError, match=r"1 tensors differ, model\.lm_head\.weight first"):
        module.on_load_checkpoint({"state_dict": state, "emlit": {"pretrained": "other"}})


def test_dropout_is_off(tmp_path):
    # The trainer would otherwise score another distribution than the sampler's.
    from transformers import GPT2Config, GPT2LMHeadModel

    from emlit.pretrained import load_model

    config = GPT2Config(vocab_size=16, n_positions=32, n_embd=16, n_layer=2, n_head=2)
    assert config.attn_pdrop > 0
    GPT2LMHeadModel(config).save_pretrained(tmp_path)
    module = ready(EMFT())
    module.model = load_model(str(tmp_path))
    assert module.model.training
    first, second = (module.rollout_stats(make_batch(GROUPS)).entropy for _ in range(2))
    assert torch.equal(first, second)


def test_entropy_temperature_is_that_of_h_alone():
    batch = make_batch(GROUPS)
    plain, cooled = ready(EMFT()), ready(EMFT(entropy_temperature=0.5))
    torch.testing.assert_close(plain.rollout_stats(batch).logprob, cooled.rollout_stats(batch).logprob)
    mask = batch.completion_mask
    assert (cooled.rollout_stats(batch).entropy[mask] < plain.rollout_stats(batch).entropy[mask]).all()


def test_rewards_by_hand():
    batch = make_batch([make_group([5], [[9, 1], [10, 11, 12, 1]])])
    module = ready(EMFT())
    stats = module.rollout_stats(batch)
    means, sums = TokenEntropyReward()(batch, stats), TokenEntropyReward("sum")(batch, stats)
    torch.testing.assert_close(sums, means * torch.tensor([2, 4]))
    assert (means < 0).all()
    torch.testing.assert_close(SequenceLogProbReward("sum")(batch, stats), stats.logprob.sum(dim=1))


def test_summed_rewards_come_with_a_warning(caplog):
    TokenEntropyReward("sum")
    assert "answer short" in caplog.text


def test_normaliser_counts_sampled_tokens():
    assert make_batch(GROUPS).normaliser == Normaliser(tokens=18, sequences=6)


@pytest.mark.nightly
def test_torch_compile_changes_neither_gradients_nor_names(tmp_path):
    small_model(torch.float32).save_pretrained(tmp_path)
    found = {}
    for torch_compile in (False, True):
        module = EMRL(pretrained=str(tmp_path), kl_weight=0.0, torch_compile=torch_compile)
        module.configure_model()
        module._trainer = SimpleNamespace(accumulate_grad_batches=1, world_size=1)
        found[torch_compile] = gradient(module, [make_batch(GROUPS)])
    assert found[True].keys() == found[False].keys()
    for name, compiled in found[True].items():
        torch.testing.assert_close(compiled, found[False][name], rtol=1e-3, atol=1e-4)
