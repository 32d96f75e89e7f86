"""GGUF files of the tiny model, made with gguf's own writer."""

import json
from pathlib import Path

import gguf
import pytest
import torch
from transformers import AutoModelForCausalLM

import cli
from emlit import pretrained
from emlit.errors import ConfigError, DataError
from emlit.tiny import MODEL_DIR

ROOT = Path(__file__).parents[2]
NAMES = {
    "model.embed_tokens": "token_embd", "model.norm": "output_norm", "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm", "model.layers": "blk",
}  # fmt: skip
F32, Q8_0 = gguf.GGMLQuantizationType.F32, gguf.GGMLQuantizationType.Q8_0


def write(path, dtype=F32, architecture="qwen2", raw_dtype=None):
    config = AutoModelForCausalLM.from_pretrained(MODEL_DIR).config
    tokenizer = json.loads((MODEL_DIR / "tokenizer.json").read_text())
    vocabulary = sorted(tokenizer["model"]["vocab"], key=tokenizer["model"]["vocab"].get)
    special = {each["content"] for each in tokenizer["added_tokens"]}
    kinds = [gguf.TokenType.CONTROL if token in special else gguf.TokenType.NORMAL for token in vocabulary]
    merges = [" ".join(pair) if isinstance(pair, list) else pair for pair in tokenizer["model"]["merges"]]
    out = gguf.GGUFWriter(path, architecture)
    out.add_context_length(config.max_position_embeddings)
    out.add_embedding_length(config.hidden_size)
    out.add_block_count(config.num_hidden_layers)
    out.add_feed_forward_length(config.intermediate_size)
    out.add_head_count(config.num_attention_heads)
    out.add_head_count_kv(config.num_key_value_heads)
    out.add_rope_freq_base(config.rope_parameters["rope_theta"])
    out.add_layer_norm_rms_eps(config.rms_norm_eps)
    out.add_tokenizer_model("gpt2")
    out.add_tokenizer_pre("qwen2")
    out.add_token_list(vocabulary)
    out.add_token_types(kinds)
    out.add_token_merges(merges)
    out.add_eos_token_id(config.eos_token_id)
    out.add_pad_token_id(config.pad_token_id)
    out.add_chat_template((MODEL_DIR / "chat_template.jinja").read_text())
    for name, tensor in AutoModelForCausalLM.from_pretrained(MODEL_DIR).state_dict().items():
        if name == "lm_head.weight":  # tied
            continue
        for own, other in NAMES.items():
            name = name.replace(own, other)
        kind = dtype if tensor.dim() == 2 else F32
        out.add_tensor(name, gguf.quants.quantize(tensor.numpy(), kind), raw_dtype=raw_dtype or kind)
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()
    return path


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache/emlit/gguf"


@pytest.mark.parametrize(("dtype", "gap"), [(F32, 0.0), (Q8_0, 0.01)])
def test_weights_and_tokens_are_those_of_the_file(dtype, gap, tmp_path, tokenizer, cache):
    path = str(write(tmp_path / "m.gguf", dtype))
    directory = pretrained.resolve(path)
    expected = pretrained.load_model(str(MODEL_DIR)).state_dict()
    found = pretrained.load_model(directory).state_dict()
    assert found.keys() == expected.keys()
    for name, tensor in expected.items():
        torch.testing.assert_close(found[name], tensor, rtol=0, atol=gap * tensor.abs().max().item())
    own, text = pretrained.load_tokenizer(directory), "What is 12+7-4?"
    assert own(text)["input_ids"] == tokenizer(text)["input_ids"]
    chat = [{"role": "user", "content": text}]
    assert own.apply_chat_template(chat, tokenize=False) == tokenizer.apply_chat_template(chat, tokenize=False)
    assert own.eos_token_id == tokenizer.eos_token_id
    # Made once, and again for another file in its place.
    assert pretrained.resolve(path) == directory
    write(tmp_path / "m.gguf", F32 if dtype is Q8_0 else Q8_0)
    assert pretrained.resolve(path) != directory
    assert len([each for each in cache.iterdir() if each.is_dir()]) == 2


def test_a_run_from_a_file(tmp_path, capsys):
    path = write(tmp_path / "m.gguf", Q8_0)
    cli.main(
        ["fit", "--config", str(ROOT / "configs/tiny/em_ft.yaml"), f"--run_dir={tmp_path / 'run'}",
         f"--model.pretrained={path}", "--engine=transformers", "--guard.mode=off", "--data.prompts_per_round=4",
         "--data.evaluation.n=2", "--data.evaluation_samples=1", "--trainer.max_steps=2"]
    )  # fmt: skip
    assert "dequantising m.gguf to float32" in capsys.readouterr().err
    assert AutoModelForCausalLM.from_pretrained(tmp_path / "run/export").config.model_type == "qwen2"
    assert json.loads((tmp_path / "run/summary.json").read_text())["steps"] == 2


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda path: write(path, architecture="nosuch"), "architecture nosuch"),
        (lambda path: write(path, raw_dtype=gguf.GGMLQuantizationType.I16), "cannot read"),
        (lambda path: path.write_bytes(b"GGUF" + bytes(20)), "cannot read"),
        (lambda path: path.write_bytes(b"<html>"), "no GGUF file"),
        (lambda path: path.write_bytes(write(path).read_bytes()[:-1000]), "cannot read"),
    ],
    ids=["architecture", "tensor type", "header", "page", "cut"],
)
def test_what_cannot_be_read_is_one_sentence(make, expected, tmp_path, cache):
    make(tmp_path / "m.gguf")
    with pytest.raises(DataError, match=expected) as caught:
        pretrained.resolve(str(tmp_path / "m.gguf"))
    assert "\n" not in str(caught.value)
    assert not [each for each in cache.iterdir() if each.is_dir()]


def test_a_file_that_is_not_there(monkeypatch):
    with pytest.raises(ConfigError, match=r"no such file; one on the hub is OWNER/NAME:FILE\.gguf"):
        pretrained.resolve("nowhere/m.gguf")
    with pytest.raises(DataError, match="which the hub does not give"):
        pretrained.resolve("nobody/nothing:m.gguf")


def test_a_file_on_the_hub(tmp_path, monkeypatch):
    path = write(tmp_path / "m.gguf")
    asked = []
    monkeypatch.setattr("huggingface_hub.hf_hub_download", lambda *names: asked.append(names) or str(path))
    assert pretrained.resolve("owner/name:m-Q8_0.gguf") == pretrained.resolve(str(path))
    assert asked == [("owner/name", "m-Q8_0.gguf")]
