"""Models of many kinds, tiny and random: loaded, sampled from, scored, trained with adapters and pushed."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from transformers import CONFIG_MAPPING, AutoModelForCausalLM

from emlit import context, pretrained
from emlit.engines import ModelSource, Request, Sampling, TransformersEngine
from emlit.errors import ConfigError, DataError, EngineError
from emlit.modules import CausalLM, LoRA
from emlit.policy.loading import load_policy
from emlit.policy.lora import merged_weights
from emlit.tiny import MODEL_DIR

SIZES = {
    "vocab_size": 352, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "head_dim": 8, "max_position_embeddings": 64, "bos_token_id": 0, "eos_token_id": 1,
    "pad_token_id": 0,
}  # fmt: skip
EXPERTS = {"num_experts_per_tok": 2, "moe_intermediate_size": 16, "shared_expert_intermediate_size": 16}
MODELS = {
    "bloom": {"n_head": 4, "n_layer": 2, "seq_length": 64},
    "falcon": {"multi_query": False},
    "gemma2": {},
    "gpt2": {"n_embd": 32, "n_head": 4, "n_layer": 2, "n_positions": 64},
    "gpt_neox": {},
    "mamba": {"state_size": 4},
    "mixtral": {"num_local_experts": 4},
    "openai-gpt": {"n_embd": 32, "n_head": 4, "n_layer": 2, "n_positions": 64},
    "opt": {"ffn_dim": 48, "word_embed_proj_dim": 32},
    "phimoe": {"num_local_experts": 4},
    "qwen3_next": {"num_hidden_layers": 4, "num_experts": 4, **EXPERTS, "linear_num_value_heads": 4,
                   "linear_num_key_heads": 2, "linear_key_head_dim": 8, "linear_value_head_dim": 8},
}  # fmt: skip
PROMPTS = [[5, 6, 7, 8], [9, 10, 11], [5, 6, 7, 8]]


def built(directory: Path, kind: str, changes: dict) -> str:
    known = CONFIG_MAPPING[kind]().to_dict()
    sizes = {name: value for name, value in SIZES.items() if name in known and known[name] is not None}
    config = CONFIG_MAPPING[kind](**{**sizes, **changes})
    torch.manual_seed(0)
    AutoModelForCausalLM.from_config(config).save_pretrained(directory)
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        shutil.copy(MODEL_DIR / name, directory / name)
    return str(directory)


def gap(module: CausalLM, engine: TransformersEngine) -> float:
    """The largest |log p by the model - log p by the engine| of a few samples, nats."""
    completions = engine.generate([Request(p, i) for i, p in enumerate(PROMPTS)], Sampling(max_tokens=10))
    stats = module.score_completions(PROMPTS, completions)
    gaps = [(s.logprob - torch.tensor(c.logprobs)).abs().max() for s, c in zip(stats, completions, strict=True)]
    return max(gaps).item()


@pytest.mark.parametrize("kind", MODELS)
def test_architecture(kind, tmp_path):
    path = built(tmp_path, kind, MODELS[kind])
    pretrained.check_weights(path)
    assert context.context_length(path) == (None if kind == "mamba" else MODELS[kind].get("context", 64))
    engine = TransformersEngine(device="cpu")
    stop = pretrained.stop_token_ids(path, pretrained.load_tokenizer(path))
    engine.start(ModelSource(path, 48, stop))
    module = CausalLM(path)
    module.model = load_policy(path, "float32")
    assert gap(module, engine) < 1e-4
    module.model = load_policy(path, "float32", LoRA(r=2, alpha=4))
    for name, value in module.model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(value, std=0.1)
    engine.load_weights(merged_weights(module.model), 1)
    assert gap(module, engine) < 1e-4
    tokens = torch.tensor([[5, 6, 7, 8, 9, 10]])
    module.token_stats(tokens, tokens > 7, 1.0).entropy.sum().backward()
    trained = {name: value.grad for name, value in module.model.named_parameters() if value.requires_grad}
    assert all("lora_" in name for name in trained)
    assert any(grad is not None and grad.abs().sum() > 0 for grad in trained.values())
    assert any("experts" in name for name in trained) == (kind in ("mixtral", "qwen3_next"))  # that peft knows


@pytest.mark.parametrize(
    ("kind", "changes", "independent"),
    [("rwkv", {"attention_hidden_size": 32, "context_length": 64}, False), ("gpt2", MODELS["gpt2"], True),
     ("mamba", MODELS["mamba"], True)],
)  # fmt: skip
def test_what_padding_would_change_is_sampled_without(kind, changes, independent, tmp_path):
    path = built(tmp_path, kind, changes)
    engine = TransformersEngine(device="cpu")
    engine.start(ModelSource(path, 48, (1,)))
    assert engine.rows_are_independent == independent
    sampling = Sampling(max_tokens=6)
    requests = [Request(prompt, number) for number, prompt in enumerate(PROMPTS)]
    together = engine.generate(requests, sampling)
    for request, completion in zip(requests, together, strict=True):
        assert engine.generate([request], sampling)[0].logprobs == pytest.approx(completion.logprobs, abs=1e-4)


def test_a_model_without_a_length_needs_a_context(tmp_path):
    assert context.default_context("mine", 100_000) == 8192
    with pytest.raises(ConfigError, match=r"pretrained is mine, .* names no longest row of tokens; set data.context"):
        context.default_context("mine", None)


@pytest.mark.parametrize("value", [None, -1, 0, "64"])
def test_a_length_that_is_none(value, tmp_path):
    config = json.loads((MODEL_DIR / "config.json").read_text())
    config |= {"model_type": "bloom"} | ({} if value is None else {"seq_length": value})
    config.pop("max_position_embeddings")
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert context.context_length(str(tmp_path)) is None


@pytest.mark.parametrize("kind", ["bert", "roberta", "electra"])
def test_encoders_are_no_language_models(kind, tmp_path):
    path = built(tmp_path, kind, {})
    with pytest.raises(DataError, match=f"a {kind} whose tokens see those after them; give a causal language model"):
        pretrained.load_model(path)


def test_an_encoder_that_was_made_causal_is_one(tmp_path):
    pretrained.load_model(built(tmp_path, "bert", {"is_decoder": True}))


def test_lora_where_nothing_can_be_adapted(tmp_path):
    path = built(tmp_path, "llama", {})
    lora = LoRA(r=2, target_modules=["input_layernorm"])
    with pytest.raises(ConfigError, match="which is no linear or embedding layer"):
        lora.adapt(pretrained.load_model(path))


@pytest.mark.parametrize("temperature", [0, 1])
def test_nan_logits_are_an_error_and_no_index(temperature, tmp_path):
    engine = TransformersEngine(device="cpu")
    engine.start(ModelSource(str(MODEL_DIR), 64, (1,)))
    weights = {name: torch.full_like(value, float("nan")) for name, value in engine.model.state_dict().items()}
    engine.load_weights(weights.items(), 3)
    with pytest.raises(EngineError, match=r"the model's logits are nan, with weights of version 3"):
        engine.generate([Request([5, 6, 7], 0)], Sampling(temperature=temperature, max_tokens=4))
