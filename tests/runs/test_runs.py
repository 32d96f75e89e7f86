"""Whole runs on the embedded reasoner, through the command line."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

import cli
from emlit.callbacks.weight_sync import WeightSync
from emlit.engines import installed
from emlit.report import read_predictions

ROOT = Path(__file__).parents[2]
ENGINES = ["VLLMEngine", "TransformersEngine"]
SMALL = [
    "--data.evaluation.n=16",
    "--data.evaluation_samples=4",
    "--data.prompts_per_round=8",
    "--trainer.max_steps=4",
    "--data.train.n=64",
]


def fit(config: str, run_dir: Path, *arguments: str, engine: str = "TransformersEngine") -> dict:
    cli.main(
        ["fit", "--config", str(ROOT / f"configs/tiny/{config}.yaml"), f"--run_dir={run_dir}",
         f"--data.engine=emlit.engines.{engine}", *SMALL, *arguments]
    )  # fmt: skip
    return json.loads((run_dir / "summary.json").read_text())


def scalars(run_dir: Path) -> dict[str, dict[int, float]]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(run_dir / "tensorboard")).Reload()
    return {tag: {e.step: e.value for e in events.Scalars(tag)} for tag in events.Tags()["scalars"]}


@pytest.mark.parametrize(
    ("config", "engine"),
    [
        ("em_ft", "TransformersEngine"),
        ("em_rl_sequence", "TransformersEngine"),
        ("em_rl_token", "TransformersEngine"),
        ("em_rl_token", "VLLMEngine"),
        pytest.param("em_ft", "VLLMEngine", marks=pytest.mark.nightly),
        pytest.param("em_rl_sequence", "VLLMEngine", marks=pytest.mark.nightly),
    ],
)
def test_fit_leaves_a_whole_run(config, engine, tmp_path):
    summary = fit(config, tmp_path / "run", "--trainer.accumulate_grad_batches=2", engine=engine)
    assert summary["steps"] == 4
    for end in ("before", "after"):
        assert {"pass@1", "greedy", "format_rate", "mean_entropy", "mean_length"} <= summary[end].keys()
    curves = scalars(tmp_path / "run")
    # A point is an optimiser step, not a micro-batch.
    assert sorted(curves["entropy/token_mean"]) == [1, 2, 3, 4]
    assert max(curves["sync/logprob_gap_max"].values()) < 1e-4
    assert ("reward/mean" in curves) == config.startswith("em_rl")
    for name in ("entropy/fraction_above_tau", "length/mean", "length/truncated", "accuracy/pass@1", "time/generate"):
        assert name in curves
    assert (tmp_path / "run/checkpoints/last.ckpt").is_file()
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "run/export")
    checkpoint = torch.load(tmp_path / "run/checkpoints/last.ckpt", weights_only=True)
    assert checkpoint["global_step"] == 4
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, checkpoint["state_dict"][f"model.{name}"])
    assert AutoTokenizer.from_pretrained(tmp_path / "run/export").chat_template


# What each baseline's curves must have, beside those of every run.
BASELINES = {
    "sft": set(),
    "rloo": {"reward/mean", "accuracy/pass@1"},
    "grpo": {"reward/mean", "accuracy/pass@1"},
    "sc_rl": {"reward/mean", "accuracy/pass@1"},
    "self_certainty": {"reward/mean", "accuracy/pass@1"},
}


@pytest.mark.parametrize(
    "config",
    [
        pytest.param(each, marks=pytest.mark.nightly) if each in ("grpo", "self_certainty") else each
        for each in BASELINES
    ],
)
def test_baselines_leave_a_whole_run(config, tmp_path):
    summary = fit(
        config, tmp_path, "--trainer.max_steps=2", "--trainer.accumulate_grad_batches=2", "--data.prompts_per_round=4",
        "--data.evaluation.n=4", "--data.evaluation_samples=2",
    )  # fmt: skip
    assert summary["steps"] == 2
    assert {"pass@1", "greedy", "mean_entropy"} <= summary["after"].keys()
    curves = scalars(tmp_path)
    assert sorted(curves["loss/total"]) == [1, 2]
    assert BASELINES[config] <= curves.keys()
    if config == "sft":  # nobody sampled the solutions
        assert not {"sync/logprob_gap", "accuracy/pass@1", "format/rate", "reward/mean"} & curves.keys()
        assert curves["length/truncated"] == {1: 0, 2: 0}
    else:
        assert max(curves["sync/logprob_gap_max"].values()) < 1e-4
    if config in ("rloo", "grpo"):
        assert curves["reward/mean"] == pytest.approx(curves["accuracy/pass@1"])
    assert (tmp_path / "export/model.safetensors").exists()


@pytest.mark.nightly
def test_sft_lowers_its_loss_and_the_engine_follows(tmp_path):
    summary = fit("sft", tmp_path, "--trainer.max_steps=8", "--model.learning_rate=1e-3", "--data.prompts_per_round=32")
    losses = scalars(tmp_path)["loss/total"]
    assert losses[8] < losses[1] / 2
    # Solutions have 30 tokens; evaluated by the engine, which nothing but the pushed weights could tell.
    assert summary["after"]["mean_length"] > summary["before"]["mean_length"] + 8


def test_weighted_rewards_have_curves_of_their_own(tmp_path):
    fit(
        "rloo", tmp_path, "--trainer.max_steps=1", "--model.reward=WeightedRewards",
        "--model.reward.rewards=[VerifiedAnswerReward, SelfCertaintyReward]", "--model.reward.weights=[1, 0.5]",
    )  # fmt: skip
    curves = scalars(tmp_path)
    answer, certainty = curves["reward/verified_answer"][1], curves["reward/self_certainty"][1]
    assert curves["reward/mean"][1] == pytest.approx(answer + 0.5 * certainty, rel=1e-5)
    assert answer == pytest.approx(curves["accuracy/pass@1"][1])


def test_a_checkpoint_of_another_model(tmp_path, run_sentence):
    fit("em_ft", tmp_path / "run")
    other = tmp_path / "other"
    from emlit.tiny import MODEL_DIR

    config = AutoModelForCausalLM.from_pretrained(MODEL_DIR).config
    config.num_hidden_layers, config.layer_types = 2, config.layer_types[:2]
    AutoModelForCausalLM.from_config(config).save_pretrained(other)
    AutoTokenizer.from_pretrained(MODEL_DIR).save_pretrained(other)
    message = run_sentence(
        fit, "em_ft", tmp_path / "run", f"--model.pretrained={other}", "--ckpt_path=last", "--trainer.max_steps=5"
    )
    assert re.search(r"holds the weights of tiny, not of .*other", message)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_push_that_does_not_arrive_is_noticed(engine, tmp_path, monkeypatch, run_sentence):
    from emlit.callbacks import weight_sync

    # named_parameters() names a tied head once, and vLLM on the CPU then keeps its old copy; transformers ties its own.
    def stale(module):
        names = dict(module.model.named_parameters())
        if engine == "TransformersEngine":
            names.pop("model.embed_tokens.weight")
        yield from names.items()

    monkeypatch.setattr(weight_sync, "engine_weights", stale)
    monkeypatch.setattr("emlit.callbacks.hf_export.engine_weights", stale)
    arguments = ("em_ft", tmp_path / "run", "--model.learning_rate=1e-3")
    assert "trainer and sampler disagree" in run_sentence(fit, *arguments, engine=engine)


def test_without_weight_sync_the_run_stops(tmp_path, monkeypatch, run_sentence):
    monkeypatch.setattr(WeightSync, "on_train_batch_end", lambda *args: None)
    assert "add callbacks.WeightSync" in run_sentence(fit, "em_ft", tmp_path / "run")


def predict(run_dir: Path, *arguments: str, engine: str = "TransformersEngine") -> list:
    cli.main(
        ["predict", "--config", str(ROOT / "configs/tiny/em_inf.yaml"), f"--run_dir={run_dir}",
         "--data.evaluation.n=16", "--data.evaluation_samples=4", "--data.evaluation_batch_size=4",
         f"--data.engine=emlit.engines.{engine}", *arguments]
    )  # fmt: skip
    return read_predictions(run_dir / "predictions.jsonl")


@pytest.mark.parametrize("engine", ["VLLMEngine", pytest.param("TransformersEngine", marks=pytest.mark.nightly)])
def test_em_inf_lowers_the_sampled_entropy(engine, tmp_path):
    plain = predict(tmp_path / "plain", "--trainer.callbacks=null", engine=engine)
    lowered = predict(tmp_path / "lowered", engine=engine)
    assert [(p.task, p.id, p.sample) for p in plain] == [(p.task, p.id, p.sample) for p in lowered]
    assert len(plain) == 64
    assert sum(p.mean_entropy for p in lowered) < sum(p.mean_entropy for p in plain)
    report = json.loads((tmp_path / "lowered/report.json").read_text())
    assert report[0]["decoding"] == "EM-INF (released), T=1"
    assert report[0]["pass@1"] == pytest.approx(sum(p.correct for p in lowered) / 64)
    assert "| T=1 | 16 | 64 |" in (tmp_path / "plain/report.md").read_text()


def test_predictions_survive_a_kill(tmp_path, monkeypatch):
    whole = predict(tmp_path / "whole")
    from emlit.callbacks import PredictionWriter

    write, batches = PredictionWriter.on_predict_batch_end, []

    def dies(self, *args, **kwargs):
        if len(batches) == 2:
            raise KeyboardInterrupt
        batches.append(1)
        write(self, *args, **kwargs)

    monkeypatch.setattr(PredictionWriter, "on_predict_batch_end", dies)
    with pytest.raises(SystemExit):
        predict(tmp_path / "killed")
    part = tmp_path / "killed/predictions.rank0.jsonl"
    with part.open("a") as file:
        file.write('{"task": "tiny", "id": "half a li')
    assert len(part.read_text().splitlines()) == 33
    monkeypatch.setattr(PredictionWriter, "on_predict_batch_end", write)
    assert predict(tmp_path / "killed") == whole
    assert predict(tmp_path / "killed") == whole  # and a third time, with nothing left to do


@pytest.mark.nightly
def test_predictions_of_other_settings_do_not_mix(tmp_path, run_sentence):
    predict(tmp_path / "run")
    shorter = "--data.sampling.max_tokens=24"
    assert "other settings (strategy 'EM-INF" in run_sentence(predict, tmp_path / "run", shorter)
    assert "other settings (seed" in run_sentence(predict, tmp_path / "run", "--seed_everything=1")
    assert len(predict(tmp_path / "run", shorter, "--writer.overwrite=true")) == 64
    # Another decoding is another strategy, and stands beside the first.
    both = predict(tmp_path / "run", shorter, "--data.sampling.temperature=0.5")
    assert {p.decoding for p in both} == {"EM-INF (released), T=1", "EM-INF (released), T=0.5"}


def test_a_trained_checkpoint_reaches_the_engine(tmp_path, run_sentence):
    fit("em_ft", tmp_path / "fit", "--model.learning_rate=1e-3")
    trained = predict(
        tmp_path / "ckpt", f"--ckpt_path={tmp_path / 'fit/checkpoints/last.ckpt'}", "--trainer.callbacks=null"
    )
    exported = predict(tmp_path / "export", f"--model.pretrained={tmp_path / 'fit/export'}", "--trainer.callbacks=null")
    assert [p.completion for p in trained] == [p.completion for p in exported]
    assert "other settings" in run_sentence(predict, tmp_path / "ckpt", "--trainer.callbacks=null")
    assert [p.completion for p in trained] != [
        p.completion for p in predict(tmp_path / "base", "--trainer.callbacks=null")
    ]


@pytest.mark.nightly
def test_a_run_killed_in_its_last_evaluation_gets_to_it(tmp_path, monkeypatch):
    from emlit.callbacks import RunSummary

    finish = RunSummary.on_train_end

    def dies(self, *args):
        raise KeyboardInterrupt

    monkeypatch.setattr(RunSummary, "on_train_end", dies)
    with pytest.raises(SystemExit):
        fit("em_ft", tmp_path / "run", "--checkpoint.every_n_steps=3")
    monkeypatch.setattr(RunSummary, "on_train_end", finish)
    assert fit("em_ft", tmp_path / "run", "--ckpt_path=last")["steps"] == 4
    assert (tmp_path / "run/export/model.safetensors").exists()


@pytest.mark.nightly
def test_measuring_first_does_not_block_or_blot_the_run(tmp_path):
    tiny = [
        "--config",
        str(ROOT / "configs/tiny/em_ft.yaml"),
        f"--run_dir={tmp_path}",
        "--data.engine=TransformersEngine",
    ]
    cli.main(["validate", *tiny, *SMALL])
    fit("em_ft", tmp_path)
    before = scalars(tmp_path)
    cli.main(["validate", *tiny, *SMALL, "--ckpt_path=last"])
    assert scalars(tmp_path) == before


def test_validate_measures(tmp_path, capsys):
    cli.main(
        ["validate", "--config", str(ROOT / "configs/tiny/em_inf.yaml"), f"--run_dir={tmp_path}",
         "--data.evaluation.n=16", "--data.evaluation_samples=4", "--data.engine=TransformersEngine"]
    )  # fmt: skip
    printed = capsys.readouterr().out
    assert "pass@1" in printed
    assert "validation/pass@1" not in printed  # the report stands in for Lightning's own table
    assert (tmp_path / "report.md").is_file()


def test_prompts_without_labels_train(tmp_path):
    (tmp_path / "p.jsonl").write_text(
        "".join(json.dumps({"prompt": f"What is {i}+10-4?"}) + "\n" for i in range(10, 20))
    )
    task = [
        "--data.train=emlit.tasks.PromptFile",
        f"--data.train.path={tmp_path / 'p.jsonl'}",
        "--data.evaluation=emlit.tasks.PromptFile",
        f"--data.evaluation.path={tmp_path / 'p.jsonl'}",
    ]
    cli.main(
        ["fit", "--config", str(ROOT / "configs/tiny/em_rl_token.yaml"), f"--run_dir={tmp_path / 'run'}", *task,
         "--data.engine=TransformersEngine", "--data.prompts_per_round=4", "--trainer.max_steps=2"]
    )  # fmt: skip
    summary = json.loads((tmp_path / "run/summary.json").read_text())
    assert summary["after"]["pass@1"] is None
    assert summary["after"]["mean_entropy"] > 0
    assert "accuracy/pass@1" not in scalars(tmp_path / "run")


@pytest.mark.nightly
@pytest.mark.parametrize("lora", [(), ("--model.lora.r=16",)], ids=["whole", "lora"])
def test_two_processes_train_as_one_does(lora, tmp_path):
    """DDP on the CPU: the ranks share a round, and the normaliser is the whole round's."""
    exported, curves = [], []
    for devices in (1, 2):
        run_dir = tmp_path / str(devices)
        subprocess.run(
            [sys.executable, "cli.py", "fit", "--config", "configs/tiny/em_rl_token.yaml", f"--run_dir={run_dir}",
             *lora, "--data.engine=TransformersEngine", "--trainer.accelerator=cpu", f"--trainer.devices={devices}",
             f"--trainer.strategy={'auto' if devices == 1 else 'ddp'}", "--summary.enabled=false", *SMALL,
             "--trainer.gradient_clip_val=null"],
            cwd=ROOT, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        curves.append(scalars(run_dir))
        exported.append(AutoModelForCausalLM.from_pretrained(run_dir / "export").state_dict())
    for name, tensor in exported[0].items():
        torch.testing.assert_close(exported[1][name], tensor, rtol=0, atol=1e-5)
    # AdamW hides a wrong factor in the loss; these do not.
    for name in (
        "loss/total", "optimizer/gradient_norm", "reward/mean", "accuracy/pass@1", "entropy/token_mean",
        "entropy/top20_share", "loss/top20_share", "entropy/end_token", "entropy_by_position/40-50",
        "advantage/abs_mean",
    ):  # fmt: skip
        assert curves[1][name] == pytest.approx(curves[0][name], rel=1e-3), name


STRATEGIES = [
    {"class_path": "emlit.strategies.Sampled", "init_args": {"temperature": 0}},
    {"class_path": "emlit.strategies.SelfConsistency", "init_args": {"votes": 2, "em_inf": "released"}},
]


@pytest.mark.nightly
def test_an_evaluation_goes_on_where_it_was_killed(tmp_path, monkeypatch):
    from emlit.callbacks import PredictionWriter

    arguments = ("--trainer.callbacks=null", f"--data.strategies={json.dumps(STRATEGIES)}")
    whole = predict(tmp_path / "whole", *arguments)
    assert {p.decoding for p in whole} == {"greedy", "self-consistency of 2 + EM-INF (released), T=1"}
    assert len(whole) == 16 + 64
    write, batches = PredictionWriter.on_predict_batch_end, []

    def dies(self, *args, **kwargs):
        if len(batches) == 6:  # four batches are greedy
            raise KeyboardInterrupt
        batches.append(1)
        write(self, *args, **kwargs)

    monkeypatch.setattr(PredictionWriter, "on_predict_batch_end", dies)
    with pytest.raises(SystemExit):
        predict(tmp_path / "killed", *arguments)
    monkeypatch.setattr(PredictionWriter, "on_predict_batch_end", write)
    assert predict(tmp_path / "killed", *arguments) == whole
    rows = {row["decoding"]: row for row in json.loads((tmp_path / "killed/report.json").read_text())}
    assert rows["greedy"]["samples"] == 16
    assert rows["greedy"]["seconds"] > 0
    pairs = json.loads((tmp_path / "killed/comparisons.json").read_text())
    assert [(pair["first"], pair["problems"]) for pair in pairs] == [("greedy", 16)]
    # A strategy more is answered alone, beside the others.
    more = [*STRATEGIES, {"class_path": "emlit.strategies.Sampled", "init_args": {"min_p": 0.2}}]
    found = predict(tmp_path / "killed", arguments[0], f"--data.strategies={json.dumps(more)}")
    assert found[: len(whole)] == whole
    assert {p.decoding for p in found[len(whole) :]} == {"T=1, min-p 0.2"}


def test_the_same_seed_gives_the_same_evaluation(tmp_path):
    arguments = ("--trainer.callbacks=null", f"--data.strategies={json.dumps(STRATEGIES)}")
    assert predict(tmp_path / "one", *arguments) == predict(tmp_path / "two", *arguments)


@pytest.mark.nightly
def test_two_processes_predict_as_one_does(tmp_path):
    written = []
    for devices in (1, 2):
        run_dir = tmp_path / str(devices)
        subprocess.run(
            [sys.executable, "cli.py", "predict", "--config", "configs/tiny/em_inf.yaml", f"--run_dir={run_dir}",
             "--data.engine=TransformersEngine", "--data.evaluation.n=15", "--data.evaluation_samples=2",
             "--trainer.accelerator=cpu", f"--trainer.devices={devices}", "--trainer.callbacks=null",
             f"--data.strategies={json.dumps(STRATEGIES)}",
             f"--trainer.strategy={'auto' if devices == 1 else 'ddp'}"],
            cwd=ROOT, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        found = read_predictions(run_dir / "predictions.jsonl")
        written.append({(p.decoding, p.id, p.sample): (p.completion, p.correct, p.tokens, p.vote) for p in found})
        assert len(found) == 15 + 30
        assert len(written[-1]) == 45
        assert not list(run_dir.glob("predictions.rank*"))
    assert written[0] == written[1]


def test_vllm_is_installed_for_these_tests():
    assert installed()


@pytest.mark.nightly
def test_profile_says_where_the_time_goes(tmp_path):
    fit("em_ft", tmp_path, "--profile=simple")
    table = (tmp_path / "fit-profile.txt").read_text()
    for action in ("run_training_batch", "train_dataloader_next", "WeightSync.on_train_batch_end"):
        assert action in table


@pytest.mark.parametrize(
    ("config", "engine"),
    [
        ("em_rl_token", "TransformersEngine"),
        pytest.param("em_rl_token", "VLLMEngine", marks=pytest.mark.nightly),
        pytest.param("em_ft", "TransformersEngine", marks=pytest.mark.nightly),
        pytest.param("em_ft", "VLLMEngine", marks=pytest.mark.nightly),
    ],
)
def test_lora_trains_from_any_config(config, engine, tmp_path):
    fit(config, tmp_path, "--model.lora.r=8", "--model.learning_rate=2e-3", engine=engine)
    curves = scalars(tmp_path)
    # The engine has the merged weights, the trainer base and adapters.
    assert max(curves["sync/logprob_gap"].values()) < 5e-6
    assert max(curves["sync/logprob_gap_max"].values()) < 1e-4
    assert ("kl/ref" in curves) == (config == "em_rl_token")
    checkpoint = torch.load(tmp_path / "checkpoints/last.ckpt", weights_only=True)
    assert checkpoint["state_dict"]
    assert all(".lora_" in name for name in checkpoint["state_dict"])
    assert checkpoint["emlit"]["lora"] == {"r": 8, "alpha": 32, "target_modules": "all-linear"}
    from peft import PeftModel

    from emlit.tiny import MODEL_DIR

    base = AutoModelForCausalLM.from_pretrained(MODEL_DIR)
    merged = AutoModelForCausalLM.from_pretrained(tmp_path / "export")
    tokens = torch.arange(3, 40).unsqueeze(0)
    assert not torch.allclose(base(tokens).logits, merged(tokens).logits, atol=1e-3)
    adapter = PeftModel.from_pretrained(base, tmp_path / "export/adapter")
    torch.testing.assert_close(adapter(tokens).logits, merged(tokens).logits, rtol=0, atol=1e-4)


@pytest.mark.nightly
def test_a_resumed_lora_run_is_the_same_run(tmp_path, run_sentence):
    lora = ("--model.lora.r=8", "--model.learning_rate=2e-3", "--summary.enabled=false")

    def run(name: str, *arguments: str) -> dict:
        cli.main(
            ["fit", "--config", str(ROOT / "configs/tiny/em_ft.yaml"), f"--run_dir={tmp_path / name}",
             "--data.engine=TransformersEngine", *SMALL, *arguments]
        )  # fmt: skip
        return torch.load(tmp_path / name / "checkpoints/last.ckpt", weights_only=True)["state_dict"]

    whole = run("whole", *lora)
    run("parts", *lora, "--trainer.max_steps=2")
    for other, expected in (
        ((), "holds LoRA adapters that do not fit this run; set --model.lora.r 8"),
        (("--model.lora.r=4",), "set --model.lora.r 8 --model.lora.alpha 32"),
    ):
        assert expected in run_sentence(run, "parts", "--ckpt_path=last", *other)
    parts = run("parts", *lora, "--ckpt_path=last")
    assert parts.keys() == whole.keys()
    assert all(torch.equal(tensor, parts[name]) for name, tensor in whole.items())
    # Without LoRA, into a run with it.
    run("plain", "--summary.enabled=false", "--trainer.max_steps=1")
    assert "holds whole weights, but lora is set" in run_sentence(run, "plain", *lora, "--ckpt_path=last")


@pytest.mark.nightly
def test_a_lora_checkpoint_answers_as_its_export_does(tmp_path, run_sentence):
    fit("em_ft", tmp_path / "fit", "--model.learning_rate=2e-3", "--model.lora.r=8")
    checkpoint = f"--ckpt_path={tmp_path / 'fit/checkpoints/last.ckpt'}"
    plain = "--trainer.callbacks=null"
    assert "set --model.lora.r 8" in run_sentence(predict, tmp_path / "refused", checkpoint, plain)
    trained = predict(tmp_path / "ckpt", checkpoint, "--model.lora.r=8", plain)
    exported = predict(tmp_path / "export", f"--model.pretrained={tmp_path / 'fit/export'}", plain)
    assert [p.completion for p in trained] == [p.completion for p in exported]
    assert [p.mean_entropy for p in trained] == pytest.approx([p.mean_entropy for p in exported], abs=1e-4)
    assert [p.completion for p in trained] != [p.completion for p in predict(tmp_path / "base", plain)]
