"""LoRA: what trains, what the engine gets, what the start is, and what is kept."""

import contextlib
import copy
import re
import weakref
from types import SimpleNamespace

import pytest
import torch
from transformers import AutoModelForCausalLM, GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

from emlit import pretrained
from emlit.callbacks.weight_sync import engine_weights
from emlit.engines import Sampling, TransformersEngine
from emlit.errors import ConfigError, DataError
from emlit.modules import EMFT, EMRL, CausalLM, LoRA
from emlit.policy.lora import merged_weights, settings
from tests.conftest import make_batch
from tests.unit.modules.test_objectives import GROUPS, kl_penalty, small_model
from tests.unit.test_cli import FT, RL, sentence  # noqa: F401 (a fixture)

TOKENS = torch.arange(12).view(2, 6)


@pytest.fixture
def directory(tmp_path) -> str:
    small_model(torch.float32).save_pretrained(tmp_path / "base")
    return str(tmp_path / "base")


def adapted(make, directory: str, *, seed: int = 0, **options):
    """A module with its model, and B off zero, so that the adapters do something."""
    options = {"lora": LoRA(r=4), **options}
    module = make(pretrained=directory, **options)
    torch.manual_seed(seed)
    module.configure_model()
    move_adapters(module)
    module._trainer = SimpleNamespace(accumulate_grad_batches=1, world_size=1)
    return module


def move_adapters(module, scale: float = 0.1) -> None:
    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.requires_grad:
                parameter.add_(torch.randn_like(parameter) * scale)


def gradients(module) -> dict[str, torch.Tensor]:
    module.zero_grad()
    module.training_step(make_batch(GROUPS)).backward()
    return {name: p.grad.clone() for name, p in module.named_parameters() if p.grad is not None}


def base_weights(module) -> dict[str, torch.Tensor]:
    return {name: p for name, p in module.named_parameters() if ".lora_" not in name}


@pytest.mark.parametrize("make", [EMFT, lambda **options: EMRL(kl_weight=0.1, **options)])
def test_only_the_adapters_train(make, directory):
    module = adapted(make, directory)
    trains = {name for name, p in module.named_parameters() if p.requires_grad}
    assert trains == {name for name, _ in module.named_parameters() if ".lora_" in name}
    # Seven linear layers in each of two blocks, with an A and a B.
    assert len(trains) == 2 * 7 * 2
    assert gradients(module).keys() == trains
    optimizer = module.configure_optimizers()["optimizer"]
    held = {id(p) for group in optimizer.param_groups for p in group["params"]}
    assert held == {id(p) for p in module.parameters() if p.requires_grad}
    before = {name: p.clone() for name, p in base_weights(module).items()}
    optimizer.step()
    assert all(torch.equal(p, before[name]) for name, p in base_weights(module).items())


def test_the_start_is_the_base():
    # B is zero at first: a run with LoRA begins at the same model as one without.
    tokens = torch.arange(3, 40).unsqueeze(0)
    plain, lora = EMFT(), EMFT(lora=LoRA())
    plain.configure_model()
    lora.configure_model()
    assert torch.equal(plain.model(tokens).logits, lora.model(tokens).logits)


def test_there_is_no_dropout(directory):
    module = adapted(EMFT, directory)
    assert module.model.training
    assert all(config.lora_dropout == 0 for config in module.model.peft_config.values())
    first, second = (module.rollout_stats(make_batch(GROUPS)).logprob for _ in range(2))
    assert torch.equal(first, second)


def test_the_seed_decides_the_first_adapters(directory):
    def first(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        module = EMFT(pretrained=directory, lora=LoRA(r=4))
        module.configure_model()
        return torch.cat([p.flatten() for p in module.parameters() if p.requires_grad])

    assert torch.equal(first(3), first(3))
    assert not torch.equal(first(3), first(4))


def test_merged_weights_are_those_of_the_formula(directory):
    module = adapted(EMFT, directory, lora=LoRA(r=4, alpha=6))
    merged = dict(merged_weights(module.model))
    plain = small_model(torch.float32).state_dict()
    assert merged.keys() == plain.keys()  # the tied head under both of its names, and nothing of peft's
    names = [name for name in plain if re.search(r"(_proj)\.weight$", name)]
    assert len(names) == 14
    for name in plain:
        expected = plain[name]
        if name in names:
            layer = module.model.get_base_model().get_submodule(name.removesuffix(".weight"))
            a, b = (matrix["default"].weight.double() for matrix in (layer.lora_A, layer.lora_B))
            expected = (plain[name].double() + 6 / 4 * b @ a).float()
            assert not torch.equal(merged[name], plain[name])
        torch.testing.assert_close(merged[name], expected, rtol=0, atol=1e-6)


def test_the_base_is_the_same_bit_for_bit_after_fifty_syncs(directory):
    module = adapted(EMFT, directory)
    before = {name: p.clone() for name, p in base_weights(module).items()}
    engine = TransformersEngine()
    engine.model = AutoModelForCausalLM.from_pretrained(directory)
    for version in range(50):
        move_adapters(module, 0.01)
        engine.load_weights(engine_weights(module), version)
    for name, p in base_weights(module).items():
        assert torch.equal(p, before[name]), name
    with torch.no_grad():
        torch.testing.assert_close(engine.model(TOKENS).logits, module.model(TOKENS).logits, rtol=1e-4, atol=1e-4)
    # Merging in place and taking it out again, which this leaves alone, does move it.
    careless = copy.deepcopy(module)
    for _ in range(50):
        careless.model.merge_adapter()
        careless.model.unmerge_adapter()
    assert not all(torch.equal(p, before[name]) for name, p in base_weights(careless).items())


def test_one_merged_tensor_at_a_time(directory, monkeypatch):
    module = adapted(EMFT, directory)
    alive, made = [], []
    from emlit.policy import lora

    compute = lora._merged

    def counted(*arguments):
        alive.append(sum(reference() is not None for reference in made))
        tensor = compute(*arguments)
        made.append(weakref.ref(tensor.untyped_storage()))
        return tensor

    monkeypatch.setattr(lora, "_merged", counted)
    weights = engine_weights(module)
    for _ in range(len(small_model().state_dict())):
        next(weights)
    assert len(made) == 14
    assert set(alive) == {0}


def test_a_half_precision_base_is_rounded_once(directory):
    module = adapted(EMFT, directory, dtype="bfloat16")
    name = "model.layers.0.mlp.up_proj"
    layer = module.model.get_base_model().get_submodule(name)
    a, b = (matrix["default"].weight for matrix in (layer.lora_A, layer.lora_B))
    assert a.dtype == torch.float32
    merged = dict(merged_weights(module.model))[f"{name}.weight"]
    assert torch.equal(merged, (layer.base_layer.weight.float() + 32 / 4 * b @ a).bfloat16())


def test_the_engine_takes_weights_pushed_in_inference_mode(directory):
    # As predict does; a later fit in the same process pushes outside of it.
    module = adapted(EMFT, directory)
    engines = [TransformersEngine(), TransformersEngine()]
    for engine, dtype in zip(engines, (torch.float32, torch.bfloat16), strict=True):  # shared and copied
        engine.model = AutoModelForCausalLM.from_pretrained(directory, dtype=dtype)
        with torch.inference_mode():
            engine.load_weights(engine_weights(module), 1)
        move_adapters(module)
        with torch.no_grad():
            engine.load_weights(engine_weights(module), 2)
            own = module.model(TOKENS).logits
            torch.testing.assert_close(engine.model(TOKENS).logits.float(), own, rtol=0.2, atol=0.5)
    assert not any(p.is_inference() for engine in engines for p in engine.model.parameters())


@pytest.mark.parametrize("target", ["embed_tokens", "lm_head"])
def test_untied_ends_may_be_adapted(target, tmp_path):
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    LlamaForCausalLM(LlamaConfig(vocab_size=16, **sizes)).save_pretrained(tmp_path)
    module = adapted(EMFT, str(tmp_path), lora=LoRA(r=2, target_modules=[target, "q_proj"]))
    plain = AutoModelForCausalLM.from_pretrained(tmp_path)
    plain.load_state_dict(dict(engine_weights(module)))
    torch.testing.assert_close(plain(TOKENS).logits, module.model(TOKENS).logits, rtol=1e-4, atol=1e-5)
    assert len(gradients(module)) == 4
    batch = make_batch(GROUPS)
    own = module.rollout_stats(batch).entropy
    theirs = CausalLM(score=False).token_stats(batch.tokens, batch.completion_mask, 1.0, model=plain).entropy
    torch.testing.assert_close(own, theirs, rtol=1e-4, atol=1e-4)


def test_transposed_layers(tmp_path):
    # GPT-2's Conv1D keeps W as (in, out).
    torch.manual_seed(0)
    GPT2LMHeadModel(GPT2Config(vocab_size=16, n_positions=32, n_embd=16, n_layer=2, n_head=2)).save_pretrained(tmp_path)
    module = adapted(EMFT, str(tmp_path))
    plain = AutoModelForCausalLM.from_pretrained(tmp_path).eval()
    plain.load_state_dict(dict(engine_weights(module)))
    torch.testing.assert_close(plain(TOKENS).logits, module.model(TOKENS).logits, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("make", [EMFT, EMRL])
def test_the_reference_is_the_base_and_no_second_copy(make, directory, monkeypatch):
    loads = []
    load = pretrained.load_model
    monkeypatch.setattr(pretrained, "load_model", lambda *arguments: loads.append(1) or load(*arguments))
    module = adapted(make, directory, kl_weight=0.5)
    assert loads == [1]
    assert module._reference == ()
    batch = make_batch(GROUPS)
    found = kl_penalty(module, batch)
    assert found.sum() > 0.01
    beside = gradients(module)
    # The same with a frozen copy of the start in memory.
    copied = AutoModelForCausalLM.from_pretrained(directory).eval().requires_grad_(False)
    module.reference_policy = lambda: contextlib.nullcontext(copied)
    assert torch.equal(kl_penalty(module, batch), found)
    expected = gradients(module)
    assert beside.keys() == expected.keys()
    for name, gradient in expected.items():
        assert torch.equal(beside[name], gradient), name


@pytest.mark.parametrize("kl_weight", [0.0, 0.1])
def test_gradient_checkpointing_gives_the_same_gradients(kl_weight, directory):
    plain = gradients(adapted(EMFT, directory, kl_weight=kl_weight))
    module = adapted(EMFT, directory, kl_weight=kl_weight, gradient_checkpointing=True)
    module.scorer.stops_at_hidden_states(module.model)  # tries the model once
    calls = []
    module.model.get_base_model().model.layers[0].mlp.register_forward_pre_hook(lambda *_: calls.append(1))
    found = gradients(module)
    assert len(calls) == (3 if kl_weight else 2)  # once forward, once again in the backward pass, once for the start
    assert found.keys() == plain.keys()
    for name, gradient in plain.items():
        assert gradient.abs().sum() > 0
        torch.testing.assert_close(found[name], gradient, rtol=1e-5, atol=1e-7)


@pytest.mark.nightly
def test_torch_compile_changes_neither_gradients_nor_names(directory):
    # In float64: adapters this far off zero make the KL huge, whose gradient then has no third digit in float32.
    plain = adapted(EMRL, directory, kl_weight=0.1).double()
    module = adapted(EMRL, directory, kl_weight=0.1, torch_compile=True).double()
    expected, found = gradients(plain), gradients(module)
    assert found.keys() == expected.keys()
    for name, gradient in expected.items():
        assert (found[name] - gradient).norm() < 1e-4 * gradient.norm(), name
    for (name, tensor), (other, expected) in zip(engine_weights(module), engine_weights(plain), strict=True):
        assert name == other
        torch.testing.assert_close(tensor, expected)


@pytest.mark.parametrize("make", [EMFT, lambda **options: EMRL(kl_weight=0.0, **options)])
def test_the_tiled_head_serves_adapters_and_skips_the_frozen_head(make, directory, monkeypatch):
    expected = gradients(adapted(make, directory, entropy_head="logits"))
    wanted = []
    from emlit.functional import linear, linear_loss

    for function in (linear._LinearTokenStats, linear_loss._LinearEntropyLoss):
        forward = function.forward

        def spied(ctx, *arguments, forward=forward):
            wanted.append(ctx.needs_input_grad[1])
            return forward(ctx, *arguments)

        monkeypatch.setattr(function, "forward", staticmethod(spied))
    module = adapted(make, directory)
    found = gradients(module)
    assert module.scorer.stops_at_hidden_states(module.model)
    assert wanted == [False]
    for name, gradient in expected.items():
        assert (found[name] - gradient).norm() < 1e-4 * gradient.norm(), name


def test_a_checkpoint_holds_the_adapters_alone_and_comes_back(directory):
    module = adapted(EMFT, directory)
    checkpoint = {"state_dict": module.state_dict()}
    module.on_save_checkpoint(checkpoint)
    assert checkpoint["state_dict"].keys() == {name for name, p in module.named_parameters() if p.requires_grad}
    other = adapted(CausalLM, directory, seed=1)  # as predict has it
    other.on_load_checkpoint(checkpoint)
    other.load_state_dict(checkpoint["state_dict"], strict=other.strict_loading)
    assert torch.equal(other.model(TOKENS).logits, module.model(TOKENS).logits)


@pytest.mark.parametrize(
    ("theirs", "own", "expected"),
    [
        (LoRA(r=4), None, r"--model\.lora\.r 4 --model\.lora\.alpha 32 --model\.lora\.target_modules all-linear"),
        (LoRA(r=4, target_modules=["v_proj", "q_proj"]), LoRA(r=4), r"target_modules '\[q_proj, v_proj\]'"),
        (LoRA(r=4), LoRA(r=8), r"holds LoRA adapters that do not fit this run; set --model\.lora\.r 4"),
        (LoRA(r=4), LoRA(r=4, alpha=8), r"--model\.lora\.alpha 32"),
        (None, LoRA(r=4), r"holds whole weights, but lora is set; set --model\.lora null"),
    ],
)
def test_checkpoints_of_other_settings_are_refused(theirs, own, expected, directory):
    saved, module = (adapted(EMFT, directory, lora=lora) for lora in (theirs, own))
    checkpoint = {"state_dict": saved.state_dict()}
    saved.on_save_checkpoint(checkpoint)
    with pytest.raises(DataError, match=expected):
        module.on_load_checkpoint(checkpoint)


def test_the_same_layers_in_another_order_are_the_same_settings():
    first, second = LoRA(target_modules=["v_proj", "q_proj"]), LoRA(target_modules=["q_proj", "v_proj", "v_proj"])
    assert settings(first) == settings(second)
    assert settings(LoRA(target_modules="q_proj")) == settings(LoRA(target_modules=["q_proj"]))


def test_adapters_of_another_model_are_refused(directory):
    module = adapted(EMFT, directory)
    checkpoint = {"state_dict": module.state_dict()}
    module.on_save_checkpoint(checkpoint)
    with pytest.raises(DataError, match=r"\d+ tensors differ, model\.base_model.*set --model\.pretrained"):
        adapted(EMFT, "tiny").on_load_checkpoint(checkpoint)


@pytest.mark.parametrize("start", [FT, RL])
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--model.lora.r=0"], r"lora\.r is 0; it must be at least 1"),
        (["--model.lora.r=many"], r"model\.lora\.r: expected int, got 'many'"),
        (["--model.lora.alpha=0"], r"lora\.alpha is 0; it must be at least 1"),
        (["--model.lora.rank=8"], r"model\.lora\.rank: there is no such key"),
        (["--model.lora.target_modules=[]"], r"lora\.target_modules is empty"),
        (
            ["--model.lora.target_modules=[q_proj,k_prj]"],
            r"target_modules has k_prj, which is no linear or embedding layer of .*; it has embed_tokens, q_proj, k_",
        ),
        (["--model.lora.target_modules=proj"], r"target_modules has proj, which is no linear"),
        (["--model.lora.target_modules=[mlp]"], r"target_modules has mlp, which is no linear"),
        (["--model.lora.target_modules=[lm_head]"], r"target_modules has lm_head.*would tear them apart"),
        (["--model.lora.target_modules=[embed_tokens]"], r"target_modules has embed_tokens.*would tear them apart"),
    ],
)
def test_wrong_settings_end_in_one_sentence(sentence, start, arguments, expected):  # noqa: F811
    assert re.search(expected, sentence(*start, *arguments))


@pytest.mark.parametrize("start", [FT, RL])
def test_peft_that_is_not_installed(sentence, start, monkeypatch):  # noqa: F811
    monkeypatch.setattr("emlit.policy.lora.installed", lambda: False)
    assert "peft is not installed: pip install emlit[lora]" in sentence(*start, "--model.lora.r=16")


def test_layers_are_checked_again_on_the_model_itself():
    with pytest.raises(ConfigError, match="target_modules has nothing"):
        LoRA(target_modules=["nothing"]).adapt(small_model())


def test_both_exports_load_and_answer_alike(directory, tmp_path):
    from emlit.callbacks import HFExport

    module = adapted(EMFT, directory)
    tokenizer = SimpleNamespace(save_pretrained=lambda path: None)
    trainer = SimpleNamespace(
        is_global_zero=True,
        default_root_dir=str(tmp_path),
        datamodule=SimpleNamespace(
            tokenizer=tokenizer,
            train_prompts=[SimpleNamespace(task=SimpleNamespace(name="prompts"))],
            prompts_per_round=4,
            samples_per_prompt=2,
            updates_per_round=1,
            sampling=Sampling(),
        ),
        strategy=SimpleNamespace(barrier=lambda: None),
        global_step=1,
        callbacks=[],
    )
    HFExport().export(trainer, module)
    merged = AutoModelForCausalLM.from_pretrained(tmp_path / "export")
    for name, tensor in engine_weights(module):
        assert torch.equal(merged.state_dict()[name], tensor), name
    from peft import PeftModel

    base = AutoModelForCausalLM.from_pretrained(directory)
    alone = PeftModel.from_pretrained(base, tmp_path / "export/adapter")
    assert torch.equal(alone(TOKENS).logits, module.model(TOKENS).logits)
    torch.testing.assert_close(alone(TOKENS).logits, merged(TOKENS).logits, rtol=1e-4, atol=1e-4)
    assert not (tmp_path / "export.partial").exists()
