"""Scoring from hidden states against scoring from whole logits, on real architectures in small."""

import pytest
import torch
from transformers import (
    CohereConfig,
    CohereForCausalLM,
    Gemma2Config,
    Gemma2ForCausalLM,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    PhiConfig,
    PhiForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
)

from emlit.errors import ConfigError
from emlit.functional import SelfCertainty
from emlit.modules import EMFT, EMRL
from emlit.policy.scoring import Scorer
from emlit.rewards import SelfCertaintyReward
from tests.conftest import make_batch, make_group
from tests.unit.modules.test_objectives import GROUPS, gradient, ready

SMALL = {
    "vocab_size": 40,
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "head_dim": 8,
}


def build(name: str):
    torch.manual_seed(0)
    phi = {key: value for key, value in SMALL.items() if key not in ("head_dim", "num_key_value_heads")}
    model = {
        "qwen2 tied": lambda: Qwen2ForCausalLM(Qwen2Config(**SMALL, tie_word_embeddings=True)),
        "qwen2": lambda: Qwen2ForCausalLM(Qwen2Config(**SMALL, tie_word_embeddings=False)),
        "llama": lambda: LlamaForCausalLM(LlamaConfig(**SMALL)),
        "gpt2": lambda: GPT2LMHeadModel(
            GPT2Config(vocab_size=40, n_positions=32, n_embd=16, n_layer=2, n_head=2, attn_pdrop=0, embd_pdrop=0,
                       resid_pdrop=0)
        ),
        "phi, with a bias": lambda: PhiForCausalLM(PhiConfig(**phi)),
        "gemma2, with a softcap": lambda: Gemma2ForCausalLM(Gemma2Config(**SMALL, final_logit_softcapping=3.0)),
        "cohere, with scaled logits": lambda: CohereForCausalLM(CohereConfig(**SMALL, logit_scale=0.5, pad_token_id=0)),
    }[name]().double().train()  # fmt: skip
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.mul_(8)  # far from uniform, so that entropies differ
    return model


MODELS = ["qwen2 tied", "qwen2", "llama", "gpt2", "phi, with a bias", "gemma2, with a softcap"]


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize(
    "make",
    [EMFT, EMRL, lambda **options: EMFT(entropy_temperature=0.5, **options)],
    ids=["EMFT", "EMRL", "EMFT at 0.5"],
)
def test_losses_and_gradients_with_and_without_the_head(name, make):
    batch = make_batch(GROUPS)
    found = {}
    for head in ("torch", "logits"):
        module = ready(make(entropy_head=head, kl_weight=0.0))
        module.model = build(name)
        assert module.scorer.stops_at_hidden_states(module.model) == (head == "torch")
        grads = gradient(module, [batch])
        found[head] = module.step_output.loss, *module.step_output.stats, *grads.values()
    for ours, plain in zip(found["torch"], found["logits"], strict=True):
        torch.testing.assert_close(ours, plain, rtol=1e-7, atol=1e-10)


@pytest.mark.parametrize("name", [*MODELS, "cohere, with scaled logits"])
@pytest.mark.parametrize("head", ["torch", "logits"])
def test_self_certainty_where_it_is_asked_for(name, head):
    batch = make_batch(GROUPS)
    module = ready(EMRL(entropy_head=head, reward=SelfCertaintyReward(), kl_weight=0.0))
    module.model = build(name)
    temperature = 0.7
    stats = module.token_stats(batch.tokens, batch.completion_mask, temperature, needs=[SelfCertainty()])
    before = batch.completion_mask[:, 1:]
    logits = module.model(batch.tokens).logits[:, :-1][before] / temperature
    p = torch.softmax(logits, dim=-1)
    # KL(U || p), U uniform
    expected = -(p.log() + torch.tensor(float(p.shape[-1])).log()).mean(dim=-1)
    torch.testing.assert_close(stats.extra[SelfCertainty()][batch.completion_mask], expected.detach())
    assert not stats.extra[SelfCertainty()][~batch.completion_mask].any()
    plain = module.token_stats(batch.tokens, batch.completion_mask, temperature)
    assert len(plain) == 2
    for ours, theirs in zip(plain, stats, strict=False):
        assert torch.equal(ours, theirs)


def test_self_certainty_costs_nothing_elsewhere(monkeypatch):
    def asked(*_):
        raise AssertionError("nobody needs it")

    monkeypatch.setattr("emlit.functional.scored_tokens.linear_self_certainty", asked)
    ready(EMRL(kl_weight=0.0)).training_step(make_batch(GROUPS))
    with pytest.raises(AssertionError, match="nobody needs it"):
        ready(EMRL(reward=SelfCertaintyReward(), kl_weight=0.0)).training_step(make_batch(GROUPS))


def test_self_certainty_is_that_of_the_sampling_temperature():
    batch = make_batch(GROUPS)
    plain, cooled = (ready(EMRL(reward=SelfCertaintyReward(), entropy_temperature=t)) for t in (None, 0.5))
    left, right = plain.rollout_stats(batch), cooled.rollout_stats(batch)
    assert torch.equal(left.extra[SelfCertainty()], right.extra[SelfCertainty()])
    assert not torch.equal(left.entropy, right.entropy)


def test_a_model_that_scales_its_logits_is_scored_from_them(caplog):
    batch = make_batch(GROUPS)
    module = ready(EMFT())
    module.model = build("cohere, with scaled logits")
    stats = module.rollout_stats(batch)
    assert "logits of CohereForCausalLM are not its lm_head's" in caplog.text
    module.scorer = Scorer("logits")
    torch.testing.assert_close(stats.entropy, module.rollout_stats(batch).entropy)


def test_adapters_take_part():
    peft = pytest.importorskip("peft")
    batch = make_batch(GROUPS)
    model = peft.get_peft_model(
        build("qwen2"), peft.LoraConfig(r=2, target_modules=["q_proj"], init_lora_weights=False)
    )
    module = ready(EMFT())
    module.model = model
    assert module.scorer.stops_at_hidden_states(model)
    found = gradient_of_adapters(module, batch)
    module.scorer = Scorer("logits")
    for ours, plain in zip(found, gradient_of_adapters(module, batch), strict=True):
        torch.testing.assert_close(ours, plain)
        assert ours.any()


def gradient_of_adapters(module, batch):
    module.zero_grad()
    module.training_step(batch).backward()
    return [p.grad.clone() for p in module.model.parameters() if p.requires_grad]


def test_no_logits_are_computed():
    module = ready(EMRL(kl_weight=0.0))
    module.scorer.stops_at_hidden_states(module.model)
    module.model.lm_head.register_forward_hook(lambda *_: pytest.fail("the head was called"))
    module.training_step(make_batch(GROUPS)).backward()


def test_liger_has_to_be_installed(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install 'liger-kernel\[cutedsl\]"):
        EMFT(entropy_head="liger")


SLIDING = "gemma2, windows shorter than the prefix"


PREFIX = [5, 9, 2, 7] * 5  # one token would hide a wrong position


def built(name):
    if name != SLIDING:
        return build(name)
    torch.manual_seed(0)
    return Gemma2ForCausalLM(Gemma2Config(**SMALL, sliding_window=5)).double()


def gradients(module, batch):
    module.zero_grad()
    loss = module.training_step(batch)
    loss.backward()
    return loss.detach(), [p.grad.clone() for p in module.model.parameters()]


@pytest.mark.parametrize("name", [*MODELS, SLIDING])
@pytest.mark.parametrize("objective", [EMFT, EMRL])
def test_a_prefix_of_all_rows_is_learnt_from_once(objective, name, monkeypatch):
    monkeypatch.setattr("emlit.policy.scoring._LEAST_SAVED", 1)
    module = ready(objective() if objective is EMFT else EMRL(kl_weight=0.0))
    module.model = built(name)
    batch = make_batch(
        [make_group([*PREFIX, 3], [[8, 1], [2]]), make_group([*PREFIX, 4, 6], [[9, 9, 1], [1]])], pad_token_id=0
    )
    passes = []
    module.model.base_model.register_forward_pre_hook(
        lambda _, args, kwargs: passes.append(tuple((args or [kwargs["input_ids"]])[0].shape)), with_kwargs=True
    )
    loss, found = gradients(module, batch)
    assert passes[-2:] == [(1, 20), (4, 5)]
    monkeypatch.setattr("emlit.policy.scoring._LEAST_SAVED", 1000)
    plain, expected = gradients(module, batch)
    assert passes[-1] == (4, 25)
    torch.testing.assert_close(loss, plain, rtol=1e-9, atol=1e-9)
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-7)  # rotations are float32


def test_what_is_recomputed_shares_no_prefix(monkeypatch):
    monkeypatch.setattr("emlit.policy.scoring._LEAST_SAVED", 1)
    module = ready(EMFT())
    module.model = build("qwen2")
    batch = make_batch([make_group([*PREFIX, 3], [[8, 1], [2]])])
    _, expected = gradients(module, batch)
    module.model.train()
    module.model.gradient_checkpointing_enable({"use_reentrant": False})
    for ours, theirs in zip(gradients(module, batch)[1], expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-7)  # rotations are float32


@pytest.mark.parametrize("name", [*MODELS, SLIDING])
def test_a_prefix_of_all_rows_is_forwarded_once(name, monkeypatch):
    monkeypatch.setattr("emlit.policy.scoring._LEAST_SAVED", 1)
    module = EMFT()
    module.model = model = built(name)
    prefix = PREFIX
    prompts = [[*prefix, 3], [*prefix, 4, 6], prefix, [*prefix, 4, 6]]
    completions = [make_group([1], [tokens]).completions[0] for tokens in ([8, 1], [2], [9, 9, 1], [1])]
    forwarded = []
    body = model.base_model
    body.register_forward_pre_hook(
        lambda _, args, kwargs: forwarded.append(tuple((args or [kwargs["input_ids"]])[0].shape)), with_kwargs=True
    )
    found = module.score_completions(prompts, completions)
    assert forwarded[-2:] == [(1, 19), (4, 4)]  # of the shortest prompt the last token is each row's own
    monkeypatch.setattr("emlit.policy.scoring._LEAST_SAVED", 1000)
    plain = module.score_completions(prompts, completions)
    assert forwarded[-1] == (4, 23)
    for one, other in zip(found, plain, strict=True):
        assert one.entropy.shape == other.entropy.shape
        torch.testing.assert_close(one.logprob, other.logprob, rtol=1e-9, atol=1e-9)
        torch.testing.assert_close(one.entropy, other.entropy, rtol=1e-9, atol=1e-9)


def test_a_prefix_that_its_model_cannot_share_is_not(monkeypatch):
    monkeypatch.setattr("emlit.policy.scoring._LEAST_SAVED", 1)
    module = EMFT()
    module.model = build("qwen2")
    monkeypatch.setattr("emlit.policy.scoring._behind_prefix", lambda model, tokens, shared: torch.zeros(2, 5, 16))
    completion = make_group([1], [[8, 1]]).completions[0]
    found = module.score_completions([[2] * 20, [2] * 20], [completion, completion])
    assert found[0].entropy.gt(0).all()
