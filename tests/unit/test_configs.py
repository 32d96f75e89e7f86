"""Every config in the repo parses, builds its model without weights, and says what the paper says."""

import json
from pathlib import Path

import pytest
import torch

from emlit import pretrained, serve
from emlit.command_line import EmlitCLI
from emlit.errors import ConfigError
from emlit.functional import SelfCertainty
from emlit.includes import config_parts
from emlit.keys import unknown_key
from emlit.modules import CausalLM
from emlit.parser import Parser
from emlit.plan.shapes import published_config
from emlit.rollout import RolloutDataModule, RoundPlan

CONFIGS = Path(__file__).parents[2] / "configs"
SHAPES = ("qwen2.5-math-7b", "qwen2.5-1.5b", "qwen2.5-7b", "eurus-2-7b", "qwen2.5-32b", "llama-3.1-8b")
PARAMETERS = {
    "qwen2.5-math-7b": 7.6e9, "qwen2.5-7b": 7.6e9, "qwen2.5-1.5b": 1.54e9, "eurus-2-7b": 7.6e9, "qwen2.5-32b": 32.8e9,
    "llama-3.1-8b": 8.03e9,
}  # fmt: skip
PARTS = ("methods", "models", "data", "strategies", "trainer")
FILES = sorted(path for path in CONFIGS.rglob("*.yaml") if path.parent.name not in PARTS)
METHODS = sorted(
    path.stem for path in (CONFIGS / "methods").glob("*.yaml") if path.stem not in ("training", "rl", "answering")
)
MODELS = sorted(path.stem for path in (CONFIGS / "models").glob("*.yaml"))


@pytest.fixture
def built(monkeypatch, tmp_path):
    """Build everything that a config describes, and run nothing."""

    def build(path: Path, *extra: str) -> EmlitCLI:
        monkeypatch.setattr(EmlitCLI, "_run_subcommand", lambda self, subcommand: None)
        monkeypatch.setattr("emlit.engines.vllm.installed", lambda: True)
        command = "predict" if path.stem in ("em_inf", "eval", "replay", "decodings", "word_problems") else "fit"
        # bf16-mixed and one device: as on the GPU that the config is for.
        return EmlitCLI(
            CausalLM, RolloutDataModule, subclass_mode_model=True, seed_everything_default=0, parser_class=Parser,
            auto_configure_optimizers=False, args=[command, "--config", str(path), f"--run_dir={tmp_path}", *extra],
        )  # fmt: skip

    return build


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_parses_and_builds(path, built, monkeypatch):
    if path.parent.name in SHAPES:
        monkeypatch.setattr(pretrained, "load_config", lambda *_: published_config(path.parent.name))
    made = built(path)
    assert isinstance(made.model, CausalLM)
    if path.stem in ("eval", "decodings"):
        names = [strategy.name(made.datamodule.sampling) for strategy in made.datamodule.strategies]
        assert len(set(names)) == len(names) >= 6
    header = path.read_text().splitlines()[:3]
    command = f"--config configs/{path.parent.name}/{path.stem}.yaml"
    assert any(command in line for line in header), "the header shows how to launch it"
    if path.parent.name in SHAPES:
        builds_at_full_size(made, path)


def builds_at_full_size(made: EmlitCLI, path: Path) -> None:
    """On the meta device."""
    made.model.score = True
    with torch.device("meta"):
        made.model.configure_model()
    count = sum(p.numel() for name, p in made.model.model.named_parameters() if ".lora_" not in name)
    if made.model.lora is not None:
        trained = sum(parameter.numel() for parameter in made.model.model.parameters() if parameter.requires_grad)
        # r (in + out) of q, k, v, o, gate, up and down, in each of 28 layers
        assert trained == 28 * 16 * (2 * 3072 + 2 * (1536 + 256) + 3 * (1536 + 8960))
    assert count == pytest.approx(PARAMETERS[path.parent.name], rel=0.01)
    assert next(made.model.model.parameters()).device.type == "meta"


@pytest.mark.parametrize(
    ("overlay", "strategy", "nodes"),
    [("single_gpu", "SingleDeviceStrategy", 1), ("fsdp", "FSDP2", 1), ("multi_node", "FSDP2", 8)],
)
def test_trainer_overlays_suit_any_config(overlay, strategy, nodes, built):
    path = CONFIGS / "trainer" / f"{overlay}.yaml"
    for config in ("qwen2.5-math-7b/em_rl_token", "llama-3.1-8b/em_ft"):
        made = built(CONFIGS / f"{config}.yaml", "--config", str(path))
        assert type(made.trainer.strategy).__name__ == strategy
        assert (made.trainer.num_nodes, made.trainer.precision) == (nodes, "bf16-mixed")
        if nodes > 1:
            assert made.trainer.strategy.shard_within_node
        assert f"configs/trainer/{overlay}.yaml" in path.read_text()  # the command in its header


@pytest.mark.parametrize(
    ("ranks", "updates", "given", "parts"),
    [(1, 1, 1, 512), (4, 1, 1, 128), (64, 1, 4, 2), (4, 4, 1, 32), (3, 1, 1, 171)],
)
def test_micro_batches_of_a_size_suit_any_number_of_ranks(ranks, updates, given, parts):
    def plan(accumulate):
        return RoundPlan.of(512, 4, updates, given, accumulate, ranks, max_steps=-1)

    assert plan(1).micro_batches == plan(parts).micro_batches == parts  # of 512 / ranks / updates prompts
    with pytest.raises(ConfigError, match="data.micro_batch_prompts is .* leave one of them out"):
        plan(7)


@pytest.mark.parametrize("kind", ["em_ft", "em_rl_sequence", "em_rl_token"])
def test_agrees_with_the_paper(kind, built):
    made = built(CONFIGS / "qwen2.5-math-7b" / f"{kind}.yaml")
    model, data, trainer = made.model, made.datamodule, made.trainer
    assert model.pretrained == "Qwen/Qwen2.5-Math-7B"
    assert model.learning_rate == 1e-6
    assert data.prompts_per_round == 512
    assert data.samples_per_prompt == (1 if kind == "em_ft" else 4)
    assert model.kl_weight == (0.0 if kind == "em_ft" else 0.001)
    assert trainer.max_steps == (40 if kind == "em_ft" else 100)
    assert data.context == 4096
    assert data.sampling.max_tokens == 3072
    assert data.sampling.temperature == 1.0
    assert not data.sampling.filtered
    if kind != "em_ft":
        assert model.reward.reduction == "mean"
        assert type(model.advantage).__name__ == "RLOO"
        assert model.kl_estimator == "k3"
        names = {"em_rl_sequence": "SequenceLogProbReward", "em_rl_token": "TokenEntropyReward"}
        assert type(model.reward).__name__ == names[kind]


@pytest.mark.parametrize(
    ("kind", "reward", "advantage"),
    [
        ("rloo", "VerifiedAnswerReward", "RLOO"),
        ("grpo", "VerifiedAnswerReward", "GRPO"),
        ("sc_rl", "VoteFractionReward", "RLOO"),
    ],
)
def test_the_other_rows_have_the_settings_of_em_rl(kind, reward, advantage, built):
    # "same settings" (Sec. 3.3): what EM-RL's config has, but for the reward and what it reads.
    ours, theirs = (built(CONFIGS / "qwen2.5-math-7b" / f"{name}.yaml") for name in (kind, "em_rl_token"))
    assert type(ours.model.reward).__name__ == reward
    assert type(ours.model.advantage).__name__ == advantage
    for name in ("pretrained", "learning_rate", "kl_weight", "kl_estimator", "reduction", "warmup_steps"):
        assert getattr(ours.model, name) == getattr(theirs.model, name), name
    for name in ("prompts_per_round", "samples_per_prompt", "micro_batch_prompts", "context", "sampling"):
        assert getattr(ours.datamodule, name) == getattr(theirs.datamodule, name), name
    for name in ("max_steps", "gradient_clip_val"):
        assert getattr(ours.trainer, name) == getattr(theirs.trainer, name), name
    task = ours.datamodule.train_task
    assert task.answer_from_solution == (reward == "VerifiedAnswerReward")
    assert (task.path, task.split, task.solution_column) == ("AI-MO/NuminaMath-CoT", "train[:35000]", "solution")
    if advantage == "GRPO":
        assert ours.model.advantage.scale_rewards


def test_sft_agrees_with_the_released_code(built):
    made = built(CONFIGS / "qwen2.5-math-7b/sft.yaml")
    assert made.model.learning_rate == 1e-5
    assert (made.datamodule.prompts_per_round, made.datamodule.samples_per_prompt) == (512, 1)
    assert made.datamodule.context == 4096
    assert made.datamodule.train_task.solution_column == "solution"
    assert made.trainer.max_steps == 35000 // 512  # one epoch


def test_self_certainty_agrees_with_intuitor(built):
    made = built(CONFIGS / "qwen2.5-math-7b/self_certainty.yaml")
    model, data = made.model, made.datamodule
    assert (type(model.reward).__name__, type(model.advantage).__name__) == ("SelfCertaintyReward", "GRPO")
    assert model.needs == {SelfCertainty()}
    assert (model.learning_rate, model.kl_weight) == (3e-6, 0.005)
    assert (data.prompts_per_round, data.samples_per_prompt) == (128, 8)
    assert (data.context, data.sampling.max_tokens) == (512 + 3072, 3072)
    assert made.trainer.max_steps == 7500 // 128
    assert model.warmup_steps == round(0.1 * made.trainer.max_steps)


def test_weighted_rewards_in_yaml_and_on_the_command_line(built, tmp_path):
    text = (CONFIGS / "tiny/rloo.yaml").read_text()
    before = "    reward: emlit.rewards.VerifiedAnswerReward\n"
    assert before in text
    (tmp_path / "weighted.yaml").write_text(
        text.replace(
            before,
            """    reward:
      class_path: emlit.rewards.WeightedRewards
      init_args:
        rewards:
          - class_path: emlit.rewards.VerifiedAnswerReward
            init_args: {format_weight: 0.1}
          - emlit.rewards.SelfCertaintyReward
        weights: [1, 0.5]
""",
        )
    )
    reward = built(tmp_path / "weighted.yaml").model.reward
    assert [type(part).__name__ for part in reward.rewards] == ["VerifiedAnswerReward", "SelfCertaintyReward"]
    assert reward.rewards[0].format_weight == 0.1
    assert reward.weights == [1, 0.5]
    assert reward.needs == {SelfCertainty()}
    reward = built(
        CONFIGS / "tiny/rloo.yaml",
        "--model.reward=WeightedRewards",
        "--model.reward.rewards=[VoteFractionReward, TokenEntropyReward]",
        "--model.reward.weights=[1, 0.2]",
    ).model.reward
    assert [part.name for part in reward.rewards] == ["vote_fraction", "token_entropy"]
    assert reward.weights == [1, 0.2]


def test_a_class_given_over_another_starts_from_its_own_defaults(built, tmp_path, capsys):
    (tmp_path / "prompts.jsonl").write_text('{"prompt": "1+1?", "answer": "2"}\n')
    made = built(
        CONFIGS / "qwen2.5-1.5b/em_ft.yaml",
        "--data.train=emlit.tasks.PromptFile",
        f"--data.train.path={tmp_path / 'prompts.jsonl'}",
        "--model=EMRL",
    )
    task = made.datamodule.train_task
    assert [(row.prompt, row.answer) for row in task.rows()] == [("1+1?", "2")]
    assert task.system_prompt is None
    assert not task.skip_bad_rows
    assert (made.model.pretrained, made.model.kl_weight) == ("Qwen/Qwen2.5-1.5B", 0.001)
    said = capsys.readouterr().err
    assert "PromptFile replaces HubDataset; not kept: path, split, prompt_column, system_prompt, skip_bad_rows" in said
    assert "EMRL replaces EMFT, whose pretrained Qwen/Qwen2.5-1.5B it keeps; not kept: learning_rate" in said


def test_an_overlay_replaces_a_class_like_the_command_line(built, tmp_path):
    (tmp_path / "prompts.csv").write_text("prompt,answer\n1+1?,2\n")
    overlay = tmp_path / "mine.yaml"
    overlay.write_text(f"data: {{train: {{class_path: PromptFile, init_args: {{path: {tmp_path}/prompts.csv}}}}}}\n")
    task = built(CONFIGS / "qwen2.5-1.5b/em_ft.yaml", f"--config={overlay}").datamodule.train_task
    assert (task.system_prompt, task.skip_bad_rows, len(task.rows())) == (None, False, 1)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("method", METHODS)
def test_any_method_suits_any_model(method, model):
    files = [str(CONFIGS / "methods" / f"{method}.yaml"), str(CONFIGS / "models" / f"{model}.yaml")]
    assert (
        unknown_key(
            [
                "predict" if method in ("em_inf", "eval", "word_problems") else "fit",
                "--config",
                files[0],
                "--config",
                files[1],
            ]
        )
        is None
    )
    alone, of, both = serve.read(files[:1]), serve.read(files[1:]), serve.read(files)
    assert "pretrained" not in alone["model"]["init_args"]
    assert both["model"]["init_args"] == alone["model"]["init_args"] | of["model"]["init_args"]
    assert both["data"] == alone["data"] | of.get("data", {})
    assert {key: both[key] for key in ("trainer", "sync") if key in both} == {
        key: alone[key] for key in ("trainer", "sync") if key in alone
    }


def test_a_recipe_is_its_method_and_its_model():
    """Values of their own have evaluations, of which each model has others, and LoRA."""
    for path in FILES:
        *parts, (file, own) = config_parts(path)
        assert file == path
        if path.parent.name == "tiny":
            # Those of the tutorial are whole; another method is one of them with what it changes.
            assert [part.parent.name for part, _ in parts] in ([], ["tiny"])
            assert not parts or set(own) <= {"model", "data", "trainer"}
            continue
        assert {part.parent.name for part, _ in parts} <= {*PARTS, path.parent.name}
        if path.stem in METHODS and path.stem != "eval":
            assert not own
            instruct = path.stem == "em_inf" and not path.parent.name.startswith("llama")
            model = f"{path.parent.name}-instruct" if instruct else path.parent.name
            assert serve.read([str(path)]) == serve.read(
                [str(CONFIGS / "methods" / path.name), str(CONFIGS / "models" / f"{model}.yaml")]
            )


def test_no_two_files_hold_the_same_values():
    held: dict[str, Path] = {}
    for path in sorted(CONFIGS.rglob("*.yaml")):
        *_, (_, own) = config_parts(path)
        values = {key: value for key, value in own.items() if key != "include"}
        if len(json.dumps(values)) > 100:
            assert held.setdefault(json.dumps(values, sort_keys=True), path) == path


@pytest.mark.parametrize("model", ["qwen2.5-1.5b", "llama-3.1-8b"])
@pytest.mark.parametrize("kind", ["em_ft", "em_rl_sequence", "em_rl_token"])
def test_other_models_have_the_settings_of_the_papers(kind, model):
    ours, theirs = (serve.read([str(CONFIGS / name / f"{kind}.yaml")]) for name in (model, "qwen2.5-math-7b"))
    assert ours["model"]["init_args"].pop("pretrained") != theirs["model"]["init_args"].pop("pretrained")
    assert (ours["data"].pop("prompts_per_round"), theirs["data"].pop("prompts_per_round")) == (
        128 if model == "qwen2.5-1.5b" else 512, 512,
    )  # fmt: skip
    assert ours == theirs


def test_there_is_one_for_each_model_and_method():
    for model in ("tiny", *SHAPES):
        assert (CONFIGS / model / "eval.yaml").is_file()
        if model in ("qwen2.5-7b", "qwen2.5-32b", "eurus-2-7b"):  # evaluated, or trained without a config here
            continue
        assert {path.stem for path in (CONFIGS / model).glob("*.yaml")} >= {
            "em_ft", "em_rl_sequence", "em_rl_token", "em_inf",
        }  # fmt: skip
    for model in ("tiny", "qwen2.5-math-7b"):
        assert {path.stem for path in (CONFIGS / model).glob("*.yaml")} >= {
            "sft", "rloo", "grpo", "sc_rl", "self_certainty",
        }  # fmt: skip
