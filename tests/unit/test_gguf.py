"""GGUF files of the tiny model, made with gguf's own writer."""

import json
import re
from pathlib import Path

import gguf
import pytest
import torch
from transformers import AutoModelForCausalLM

import cli
from emlit import pretrained
from emlit.errors import ConfigError, DataError, StorageError
from emlit.gguf import _other_half
from emlit.preflight.model_facts import model_facts
from emlit.tiny import MODEL_DIR

ROOT = Path(__file__).parents[2]
NAMES = {
    "model.embed_tokens": "token_embd", "model.norm": "output_norm", "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm", "model.layers": "blk",
}  # fmt: skip
F32, Q8_0 = gguf.GGMLQuantizationType.F32, gguf.GGMLQuantizationType.Q8_0


def write(path, dtype=F32, architecture="qwen2", raw_dtype=None, without=(), extra=(), say=lambda out: None, bad=()):
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
    say(out)
    for name, tensor in AutoModelForCausalLM.from_pretrained(MODEL_DIR).state_dict().items():
        if name == "lm_head.weight":  # tied
            continue
        for own, other in NAMES.items():
            name = name.replace(own, other)
        if name in without:
            continue
        if name in bad:
            tensor = tensor.index_fill(0, torch.tensor([0]), float("nan"))
        kind = dtype if tensor.dim() == 2 else F32
        out.add_tensor(name, gguf.quants.quantize(tensor.numpy(), kind), raw_dtype=raw_dtype or kind)
    for name in extra:
        out.add_tensor(name, torch.ones(8).numpy())
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
         "--data.evaluation.n=2", "--data.evaluation_samples=1", "--trainer.max_steps=2", "--model.lora.r=2"]
    )  # fmt: skip
    assert "dequantising m.gguf to float32" in capsys.readouterr().err
    assert AutoModelForCausalLM.from_pretrained(tmp_path / "run/export").config.model_type == "qwen2"
    assert json.loads((tmp_path / "run/summary.json").read_text())["steps"] == 2
    adapter = json.loads((tmp_path / "run/export/adapter/adapter_config.json").read_text())
    assert adapter["base_model_name_or_path"] == str(path)


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda path: write(path, architecture="nosuch"), "architecture nosuch"),
        (lambda path: write(path, raw_dtype=gguf.GGMLQuantizationType.I16), "cannot read"),
        (lambda path: path.write_bytes(b"GGUF" + bytes(20)), "cut short or damaged .*version 0"),
        (lambda path: path.write_bytes(b"<html>"), "no GGUF file"),
        (lambda path: path.write_bytes(write(path).read_bytes()[:-1000]), "cut short"),
        (
            lambda path: write(path, without=["blk.1.attn_q.weight"]),
            r"m\.gguf, a .* lacks 1 .*layers\.1\.self_attn\.q_proj",
        ),
        (lambda path: write(path, without=["token_embd.weight"]), r"lacks .*embed_tokens"),
        (lambda path: write(path, without=["output_norm.weight", "blk.0.attn_k.bias"]), "lacks 2 of"),
        (lambda path: write(path, bad=["output_norm.weight"]), r"m\.gguf, which holds nan .* in model\.norm\.weight"),
        (
            lambda path: write(path, extra=["blk.0.attn_q_norm.weight"]),
            r"tensor blk\.0\.attn_q_norm\.weight transformers",
        ),
        (lambda path: write(path, extra=["rope_freqs.weight"]), r"tensor rope_freqs\.weight transformers does not use"),
        (lambda path: write(path, say=lambda out: scaled(out, "yarn", 4)), r"qwen2\.rope\.scaling\.type \(yarn\)"),
        (lambda path: write(path, say=lambda out: scaled(out, "linear", 2)), r"qwen2\.rope\.scaling\.type \(linear\)"),
        (lambda path: write(path, say=lambda out: out.add_sliding_window(16)), r"sliding_window \(16\)"),
        (lambda path: write(path, say=lambda out: out.add_rope_dimension_count(4)), r"dimension_count \(4\)"),
        (lambda path: write(path, say=lambda out: out.add_final_logit_softcapping(30.0)), r"softcapping \(30"),
        (lambda path: write(path, say=lambda out: out.add_causal_attention(False)), r"causal \(False\)"),
        (lambda path: write(path, say=lambda out: out.add_uint16("split.count", 3)), "one of 3 parts; join them"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(make, expected, tmp_path, cache):
    make(tmp_path / "m.gguf")
    with pytest.raises(DataError, match=expected) as caught:
        pretrained.resolve(str(tmp_path / "m.gguf"))
    assert "\n" not in str(caught.value)
    assert not [each for each in cache.iterdir() if each.is_dir()]


def scaled(out, kind, factor):
    out.add_rope_scaling_type(gguf.RopeScalingType(kind))
    out.add_rope_scaling_factor(factor)


def test_what_changes_nothing_is_read(tmp_path, caplog):
    def say(out):
        out.add_rope_scaling_type(gguf.RopeScalingType.NONE)
        out.add_sliding_window(1 << 20)
        out.add_uint32("qwen2.own_number", 7)

    pretrained.resolve(str(write(tmp_path / "m.gguf", say=say, extra=["blk.0.attn_rot_embd"])))
    assert f"does not read qwen2.own_number of {tmp_path / 'm.gguf'}" in caplog.text


def test_experts_whose_other_half_is_missing():
    assert _other_half("blk.0.ffn_up_exps.weight") == ["blk.0.ffn_gate_exps.weight"]
    assert _other_half("blk.0.ffn_up.weight") == []


def test_nothing_beside_the_file_is_read(tmp_path):
    for name in ("adapter_config.json", "tokenizer.json", "config.json", "generation_config.json"):
        (tmp_path / name).write_text("no json")
    pretrained.resolve(str(write(tmp_path / "m.gguf")))


@pytest.mark.parametrize("lost", ["model.safetensors", "tokenizer.json", None])
def test_an_entry_that_lost_a_file_is_made_again(lost, tmp_path):
    path = str(write(tmp_path / "m.gguf"))
    entry = Path(pretrained.resolve(path))
    for file in entry.iterdir():
        if lost in (None, file.name):
            file.unlink()
    pretrained.load_model(pretrained.resolve(path))


def test_a_long_name(tmp_path):
    pretrained.resolve(str(write(tmp_path / f"{'m' * 230}.gguf")))


def test_a_cache_that_cannot_be_written_to(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(StorageError, match="set XDG_CACHE_HOME"):
        pretrained.resolve(str(write(tmp_path / "m.gguf")))


@pytest.mark.parametrize("name", ["~nosuchuser/x", "~nosuchuser/x.gguf"])
def test_the_home_of_nobody(name):
    with pytest.raises(ConfigError, match=r"pretrained is ~nosuchuser/x.*no such"):
        pretrained.resolve(name)


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


def test_what_takes_long_is_said_again(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("emlit.resilience.announced._PATIENCE", 0.01)
    pretrained.resolve(str(write(tmp_path / "m.gguf")))
    assert re.search(r"dequantising m\.gguf to float32, \d+ s\n", "".join(capsys.readouterr()))


def test_a_file_says_itself_what_it_holds(tmp_path):
    file = str(write(tmp_path / "mine.gguf", say=lambda out: out.add_name("Qwen2.5 Coder 0.5B Instruct AWQ")))
    assert (model_facts(file).instruct, model_facts(file).family) == (True, "qwen2.5")
    assert model_facts(str(write(tmp_path / "other-chat.gguf"))).instruct is True
    assert model_facts(str(write(tmp_path / "other.gguf"))).instruct is None
