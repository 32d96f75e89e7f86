"""`python -m emlit.plan`: the paper's recipes, and what it refuses."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.plan_memory import make_model
from emlit.plan.__main__ import main

CONFIGS = Path(__file__).parents[3] / "configs"
OVERLAY = CONFIGS / "trainer/fsdp.yaml"
RECIPES = [
    (model, method)
    for model in ("qwen2.5-math-7b", "llama-3.1-8b", "qwen2.5-1.5b")
    for method in ("em_ft", "em_rl_token", "em_rl_sequence")
]


def plan(capsys, *arguments: str) -> dict:
    main([*map(str, arguments), "--json"])
    return json.loads(capsys.readouterr().out)


@pytest.mark.nightly
@pytest.mark.parametrize(("model", "method"), RECIPES)
def test_the_papers_recipes_fit_four_gpus_of_80_gb(model, method, capsys):
    config = CONFIGS / model / f"{method}.yaml"
    found = plan(capsys, "--config", config, "--config", OVERLAY, "--gpus", 4, "--gpu", "a100-80")
    assert found["fits"]
    assert found["fewest_gpus"] <= 4
    assert found["dry_run"]["problems"] == []


@pytest.mark.nightly
def test_one_gpu_has_no_room_for_seven_billion_parameters(capsys):
    found = plan(capsys, "--config", CONFIGS / "qwen2.5-math-7b/em_ft.yaml")
    assert not found["fits"]
    # 16 bytes a parameter alone are 113 GiB.
    assert found["peak"] > 16 * 7.6e9
    assert "--model.lora.r 16" in [knob["change"] for knob in found["knobs"]]
    assert found["fewest_gpus"] == 4


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Arguments of a model of 26 million parameters."""
    return [
        "--config", CONFIGS / "tiny/em_rl_token.yaml", "--data.engine=TransformersEngine", "--data.context=128",
        "--model.pretrained", make_model("26M", tmp_path_factory.mktemp("shape")), "--data.prompts_per_round=8",
    ]  # fmt: skip


def test_hours_follow_from_steps(small, capsys):
    found = plan(capsys, *small, "--trainer.max_steps=100")
    assert found["hours"] == pytest.approx(100 * sum(part["seconds"] for part in found["step"].values()) / 3600)
    assert found["fits"]
    assert (found["knobs"], found["fewest_gpus"]) == ([], 1)


def test_more_samples_cost_time_in_proportion(small, capsys):
    # Everything of a step but the optimiser's and the weights' own passes is a completion's.
    four, eight = (plan(capsys, *small, f"--data.samples_per_prompt={n}")["step"] for n in (4, 8))
    for part in ("forward", "backward", "recomputed", "reference", "decode"):
        assert eight[part]["flops"] == pytest.approx(2 * four[part]["flops"])
    assert eight["prefill"] == four["prefill"]
    # 4 for a backward pass, 2 for a forward one
    assert four["backward"]["flops"] == pytest.approx(2 * four["forward"]["flops"])


def test_the_table_names_phase_verdict_and_assumptions(small, capsys):
    main([*map(str, small), "--gpu", "cpu"])
    text = capsys.readouterr().out
    for words in (
        "fits",
        "the peak of",
        "assumed:",
        "--mfu",
        "weights",
        "the smallest number of cpu that it fits on: 1",
    ):
        assert words in text


def test_a_shape_in_place_of_the_models(small, capsys, tmp_path):
    file = tmp_path / "config.json"
    file.write_text((CONFIGS.parent / "emlit/tiny/model/config.json").read_text())
    mine, other = plan(capsys, *small), plan(capsys, *small, "--shape", file)
    assert other["dry_run"]["parameters"] == 477_312
    assert other["peak"] < mine["peak"]


def test_any_causal_model_has_a_plan(small, capsys, tmp_path):
    settings = {"model_type": "gpt2", "n_layer": 2, "n_embd": 64, "n_head": 2, "n_positions": 128, "vocab_size": 1000}
    (tmp_path / "config.json").write_text(json.dumps(settings))
    assert plan(capsys, *small, "--shape", tmp_path)["fits"]


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        (["--gpu", "h900"], "gpu is h900"),
        (["--gpus", "0"], "gpus is 0"),
        (["--mfu", "2"], "mfu is 2.0"),
        (["--shape", "gpt-5"], "shape is gpt-5"),
        (["--model.pretrained=nobody/nothing"], "pretrained is nobody/nothing"),
        (["--model.learning_rat=1"], "learning_rat"),
        (["--model=CausalLM"], "no objective"),
        (
            ["--gpus=4", "--data.micro_batch_prompts=null", "--trainer.accumulate_grad_batches=512"],
            "trainer.accumulate_grad_batches is 512, but a rank has 128 prompts",
        ),
        (["--config", str(OVERLAY)], "give --gpus"),
    ],
)
def test_refuses_in_one_sentence(extra, words, run_sentence):
    sentence = run_sentence(main, ["--config", str(CONFIGS / "qwen2.5-math-7b/em_rl_token.yaml"), *extra])
    assert words in sentence
    assert sentence.startswith("emlit: error: ")


def test_help_does_not_wait_for_the_imports_of_a_plan():
    words = "import sys; sys.modules['torch'] = None; from emlit.plan.__main__ import main; main(['--help'])"
    asked = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, cwd=CONFIGS.parent)
    assert (asked.returncode, asked.stderr) == (0, "")
    assert "qwen2.5-1.5b" in asked.stdout
