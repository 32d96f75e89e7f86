"""Model directories as they come: what is wrong with one is a sentence that names the file."""

import json
import shutil
import struct
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

import cli
from emlit import context, pretrained
from emlit.errors import ConfigError, DataError
from emlit.export import require_saveable
from emlit.tiny import MODEL_DIR

ROOT = Path(__file__).parents[2]
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4cac19\nsize 1234567\n"
WEIGHTS = "model.safetensors"


@pytest.fixture
def model(tmp_path):
    return Path(shutil.copytree(MODEL_DIR, tmp_path / "model"))


def loaded(model: Path) -> None:
    pretrained.check_weights(str(model))
    pretrained.load_config(str(model))
    pretrained.load_tokenizer(str(model))
    pretrained.load_model(str(model))


def change(model: Path, **weights) -> None:
    """Replace tensors; None takes one out."""
    state = load_file(model / WEIGHTS)
    for name, value in weights.items():
        state.pop(name) if value is None else state.update({name: value})
    save_file(state, model / WEIGHTS, metadata={"format": "pt"})


def test_the_embedded_model_is_well(model):
    loaded(model)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (lambda whole: POINTER, "is a git-lfs pointer and not the file; run `git lfs pull`"),
        (lambda whole: whole[: len(whole) // 2], "bytes that it names; download it again"),
        (lambda whole: whole[:-1], "bytes that it names"),
        (lambda whole: whole + b"\0", "bytes that it names"),
        (lambda whole: whole[:200], "is cut short or no safetensors file .200 bytes."),
        (lambda whole: b"", "is empty"),
        (lambda whole: b"<!DOCTYPE html><html><body>404</body></html>", "is a web page and not the file"),
        (lambda whole: b"\n<html><head>rate limit</head></html>", "is a web page and not the file"),
        (lambda whole: b'{"error": "Repository not found"}', "no safetensors file"),
        (lambda whole: struct.pack("<Q", 4) + b"{{{{" + b"\0" * 99, "has no header of a safetensors file"),
        (lambda whole: struct.pack("<Q", 2) + b"[]", "has no header of a safetensors file"),
        (lambda whole: bytes(4000), "bytes that it names|no header"),
    ],
)
def test_weights_that_are_none(model, content, expected):
    (model / WEIGHTS).write_bytes(content((model / WEIGHTS).read_bytes()))
    for function in (pretrained.check_weights, pretrained.load_model):
        with pytest.raises(DataError, match=expected) as caught:
            function(str(model))
        assert WEIGHTS in str(caught.value)


@pytest.mark.parametrize("file", ["config.json", "tokenizer.json", "tokenizer_config.json"])
@pytest.mark.parametrize("content", [POINTER, b"", b"{", b"<html>", b"[1]", b"\xff\xfe{"])
def test_other_files_that_are_none(model, file, content):
    (model / file).write_bytes(content)
    with pytest.raises(DataError):
        loaded(model)


@pytest.mark.parametrize("files", [["tokenizer.json"], ["tokenizer.json", "tokenizer_config.json"]])
@pytest.mark.parametrize("family", ["qwen2", "llama", "gpt2", "gemma"])
def test_a_tokenizer_without_a_vocabulary(model, family, files):
    """transformers makes an empty one of what is left."""
    for each in files:
        (model / each).unlink()
    if "tokenizer_config.json" not in files:
        kinds = {
            "qwen2": "Qwen2Tokenizer",
            "llama": "LlamaTokenizer",
            "gpt2": "GPT2Tokenizer",
            "gemma": "GemmaTokenizer",
        }
        (model / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": kinds[family]}))
    config = json.loads((model / "config.json").read_text())
    (model / "config.json").write_text(json.dumps({**config, "model_type": family}))
    with pytest.raises(DataError, match=r"the tokenizer of .* (reads no text|could not be loaded)|has no tokenizer"):
        pretrained.load_tokenizer(str(model))


def test_a_pad_token_without_an_embedding_pads_nothing(model):
    config = json.loads((model / "tokenizer_config.json").read_text())
    (model / "tokenizer_config.json").write_text(json.dumps({**config, "pad_token": "<pad>"}))
    tokenizer = pretrained.load_tokenizer(str(model))
    assert tokenizer.pad_token_id == tokenizer.eos_token_id


@pytest.mark.parametrize(
    "content", ["{", "[]", "null", '{"eos_token_id": "1"}', '{"eos_token_id": [1, "2"]}', '{"eos_token_id": [[1]]}']
)
def test_generation_configs_that_are_none(model, content):
    (model / "generation_config.json").write_text(content)
    with pytest.raises(DataError, match=r"generation_config.json that is none"):
        pretrained.stop_token_ids(str(model), pretrained.load_tokenizer(str(model)))


def test_an_export_that_the_config_forbids_is_told_before_a_run(model, tmp_path):
    config = json.loads((model / "config.json").read_text())
    (model / "config.json").write_text(json.dumps({**config, "output_attentions": True}))
    with pytest.raises(ConfigError, match=r"config.json of .* could not be written into an export.*output_attentions"):
        require_saveable(str(model), tmp_path / "export")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_weights_that_are_not_finite(model, value, dtype):
    state = {name: each.to(dtype) for name, each in load_file(model / WEIGHTS).items()}
    state["model.norm.weight"][0] = value
    save_file(state, model / WEIGHTS, metadata={"format": "pt"})
    with pytest.raises(DataError, match=rf"{WEIGHTS} holds nan or infinite numbers in model.norm.weight \(1 of \d+\)"):
        pretrained.check_weights(str(model))


def test_nan_in_torchs_own_format(model):
    state = load_file(model / WEIGHTS)
    (model / WEIGHTS).unlink()
    torch.save(state, model / "pytorch_model.bin")
    loaded(model)
    state["model.norm.weight"][1] = float("nan")
    torch.save(state, model / "pytorch_model.bin")
    with pytest.raises(DataError, match=r"pytorch_model.bin holds nan or infinite numbers in model.norm.weight"):
        pretrained.check_weights(str(model))
    torch.save([1], model / "pytorch_model.bin")
    with pytest.raises(DataError, match=r"pytorch_model.bin holds no weights by name"):
        pretrained.check_weights(str(model))
    torch.save(state, model / "pytorch_model.bin")
    (model / "pytorch_model.bin").write_bytes((model / "pytorch_model.bin").read_bytes()[:5000])
    with pytest.raises(DataError, match=r"pytorch_model.bin is cut short"):
        pretrained.check_weights(str(model))


def sharded(model: Path) -> None:
    state = load_file(model / WEIGHTS)
    names = sorted(state)
    files = {name: f"model-0000{1 + i % 2}-of-00002.safetensors" for i, name in enumerate(names)}
    for file in sorted(set(files.values())):
        save_file({n: state[n] for n in names if files[n] == file}, model / file, metadata={"format": "pt"})
    (model / WEIGHTS).unlink()
    (model / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": files}))


def test_shards(model):
    sharded(model)
    loaded(model)
    second = model / "model-00002-of-00002.safetensors"
    content = second.read_bytes()
    second.unlink()
    with pytest.raises(DataError, match="model-00002-of-00002.safetensors is missing, which model.safetensors.index"):
        pretrained.check_weights(str(model))
    second.write_bytes(POINTER)
    with pytest.raises(DataError, match="model-00002-of-00002.safetensors is a git-lfs pointer"):
        pretrained.check_weights(str(model))
    shutil.copy(model / "model-00001-of-00002.safetensors", second)
    with pytest.raises(DataError, match=r"index.json lists .* in model-00002-of-00002.safetensors, which does not"):
        pretrained.check_weights(str(model))
    second.write_bytes(content)
    for index in ("{}", "[" * 100_000, '{"weight_map": {"a": 1}}', '{"weight_map": {"a": "../a"}}', "\xff"):
        (model / "model.safetensors.index.json").write_bytes(index.encode("latin-1"))
        with pytest.raises(DataError, match=r"index.json is no index of weights"):
            pretrained.check_weights(str(model))


def test_weights_that_are_missing_do_not_start_at_random(model):
    change(model, **{"model.layers.1.mlp.up_proj.weight": None})
    with pytest.raises(DataError, match=r"lack 1 of the model's weights, model.layers.1.mlp.up_proj.weight; they"):
        pretrained.load_model(str(model))


def test_a_layer_more_in_the_config(model):
    config = json.loads((model / "config.json").read_text())
    config["num_hidden_layers"] += 1
    config.pop("layer_types", None)
    (model / "config.json").write_text(json.dumps(config))
    with pytest.raises(DataError, match=r"lack \d+ of the model's weights, .*, …; they would start at random"):
        pretrained.load_model(str(model))


def test_weights_of_another_shape(model):
    config = json.loads((model / "config.json").read_text())
    (model / "config.json").write_text(json.dumps({**config, "vocab_size": config["vocab_size"] + 5}))
    with pytest.raises(DataError, match=r"have a .*weight of \(\d+, \d+\), while config.json asks for \(\d+, \d+\)"):
        pretrained.load_model(str(model))


def test_weights_that_the_model_does_not_have_are_said(model, caplog):
    change(model, **{"model.layers.0.extra.weight": torch.zeros(2)})
    pretrained.load_model(str(model))
    assert "has 1 weights that the model does not: model.layers.0.extra.weight" in caplog.text


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, "a directory without a config.json"),
        ({"adapter_config.json": '{"base_model_name_or_path": "Qwen/Qwen2.5-7B"}'}, r"peft adapter .*Qwen/Qwen2.5-7B"),
        ({"adapter_config.json": "["}, r"peft adapter .*unknown"),
        ({"q4_k_m.gguf": "GGUF"}, "give the GGUF file in it, .*q4_k_m.gguf"),
    ],
)
def test_directories_without_a_model(tmp_path, files, expected):
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    with pytest.raises((DataError, ConfigError), match=expected):
        pretrained.resolve(str(tmp_path))


def test_a_file_is_no_directory(model):
    with pytest.raises(ConfigError, match="a file; give the directory of a model"):
        pretrained.resolve(str(model / WEIGHTS))


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"model_type": "t5"}, "is of t5, an encoder with a decoder"),
        ({"model_type": "bart"}, "is of bart, an encoder with a decoder"),
        ({"model_type": "vit"}, "is of vit, which is no causal language model"),
        ({"model_type": "clip"}, "is of clip, which is no causal language model"),
        ({"model_type": "no\x1b[31mbody"}, r"could not be loaded: .*no\\x1b\[31mbody"),
        ({"quantization_config": {"quant_method": "gptq", "bits": 4}}, r"quantised \(gptq\)"),
        ({"quantization_config": {"quant_method": "awq", "bits": 4}}, r"quantised \(awq\)"),
        ({"quantization_config": {"quant_method": "bitsandbytes", "load_in_4bit": True}}, r"\(bitsandbytes\)"),
    ],
)
def test_models_of_another_kind(model, config, expected):
    before = json.loads((model / "config.json").read_text()) if "model_type" not in config else {}
    (model / "config.json").write_text(json.dumps({**before, **config}))
    with pytest.raises(DataError, match=expected):
        pretrained.load_model(str(model))


def test_code_of_its_own_runs_only_when_allowed(model):
    (model / "its_own.py").write_text(
        "from transformers import Qwen2Config, Qwen2ForCausalLM\n"
        "class Own(Qwen2Config):\n    model_type = 'own'\n"
        "class OwnForCausalLM(Qwen2ForCausalLM):\n    config_class = Own\n"
    )
    config = json.loads((model / "config.json").read_text())
    config |= {
        "model_type": "own", "architectures": ["OwnForCausalLM"],
        "auto_map": {"AutoConfig": "its_own.Own", "AutoModelForCausalLM": "its_own.OwnForCausalLM"},
    }  # fmt: skip
    (model / "config.json").write_text(json.dumps(config))
    for function in (pretrained.load_config, pretrained.load_model, pretrained.skeleton, context.context_length):
        with pytest.raises(ConfigError, match=r"comes with code of its own.*--model.trust_remote_code true"):
            function(str(model))
    assert type(pretrained.load_model(str(model), trust_remote_code=True)).__name__ == "OwnForCausalLM"
    assert context.context_length(str(model), trust_remote_code=True) > 0


def test_nan_ends_a_run_before_its_engine_starts(model, run_sentence, tmp_path):
    state = load_file(model / WEIGHTS)
    state["model.norm.weight"][0] = float("nan")
    save_file(state, model / WEIGHTS, metadata={"format": "pt"})
    sentence = run_sentence(
        cli.main,
        ["fit", "--config", str(ROOT / "configs/tiny/em_ft.yaml"), "--data.engine=TransformersEngine",
         f"--model.pretrained={model}", f"--run_dir={tmp_path / 'run'}"],
    )  # fmt: skip
    assert sentence.startswith(f"emlit: error: {model}/model.safetensors holds nan or infinite numbers in model.norm")


@pytest.mark.parametrize(
    "name",
    [
        WEIGHTS,
        "config.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "chat_template.jinja",
        "generation_config.json",
    ],
)
def test_a_link_to_nothing_is_no_missing_file(name, model):
    (model / name).unlink(missing_ok=True)
    (model / name).symlink_to("../blobs/4cac19")
    with pytest.raises(DataError, match=f"{name} is a link to a file that is missing; download it again"):
        pretrained.load_tokenizer(pretrained.resolve(str(model)))


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("consolidated.safetensors", "weights as Mistral and Meta give them; take the ones for transformers"),
        ("consolidated.00.pth", "take the ones for transformers"),
        ("global_step10", "its zero_to_fp32.py makes one file of them"),
        ("model.safetensors.part", "half a download; download it again"),
        ("flax_model.msgpack", "weights for JAX"),
        ("tf_model.h5", "weights for TensorFlow"),
    ],
)
def test_weights_of_another_form_are_named(name, sentence, model):
    (model / WEIGHTS).unlink()
    (model / name).write_bytes(b"x")
    with pytest.raises(DataError, match=f"no weights that transformers loads, but {name}: .*{sentence}"):
        pretrained.load_model(str(model))


def test_an_adapters_config_beside_whole_weights(model):
    (model / "adapter_config.json").write_text('{"peft_type": "LORA"}')
    with pytest.raises(DataError, match="no adapter's weights .*: bring them, or move adapter_config.json away"):
        pretrained.load_model(str(model))


def test_an_end_token_without_an_embedding(model, caplog):
    file = model / "tokenizer_config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "eos_token": "</s>"}))
    known = pretrained.stop_token_ids(str(MODEL_DIR), pretrained.load_tokenizer(str(MODEL_DIR)))
    tokenizer = pretrained.load_tokenizer(str(model))
    assert pretrained.stop_token_ids(str(model), tokenizer) == known
    assert "no embedding for its end token" in caplog.text
    for name in ("config.json", "generation_config.json"):
        if (model / name).exists():
            kept = json.loads((model / name).read_text())
            (model / name).write_text(json.dumps({**kept, "eos_token_id": None}))
    with pytest.raises(DataError, match="have no embedding: call resize_token_embeddings"):
        pretrained.stop_token_ids(str(model), tokenizer)


@pytest.mark.parametrize(
    "changes",
    [
        {"_attn_implementation": "flash_attention_2"},
        {"rope_scaling": {"rope_type": "none-such", "factor": 2.0}},
        {"dtype": "bfloat999"},
    ],
)
def test_a_model_that_cannot_be_made_is_no_question_of_its_export(changes, model, tmp_path):
    kept = json.loads((model / "config.json").read_text())
    (model / "config.json").write_text(json.dumps({**kept, **changes}))
    with pytest.raises((ConfigError, DataError)) as caught:
        pretrained.load_model(str(model)) if require_saveable(str(model), tmp_path / "scratch") else None
    assert "export" not in str(caught.value)
    assert "correct the file that this is about" in str(caught.value)


def test_an_export_beneath_a_file(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot take an export: .*; choose another --export.dirpath"):
        require_saveable(str(MODEL_DIR), tmp_path / "file/sub/scratch")
