"""Options of training in whole runs: several updates a round, masks, the entropy floor."""

import pytest
import torch

from tests.runs.test_runs import fit, scalars


@pytest.mark.parametrize("engine", ["TransformersEngine", pytest.param("VLLMEngine", marks=pytest.mark.nightly)])
def test_a_round_of_several_updates_with_ppo(engine, tmp_path):
    arguments = ["--model.policy_update=PPO", "--data.updates_per_round=2", "--trainer.accumulate_grad_batches=2"]
    summary = fit("em_rl_token", tmp_path / "run", *arguments, "--model.learning_rate=1e-3", engine=engine)
    assert summary["steps"] == 4
    curves = scalars(tmp_path / "run")
    assert sorted(curves["importance/ratio"]) == [1, 2, 3, 4]
    # The first update of a round is on-policy, where trainer and sampler agree; the second is not.
    assert sorted(curves["sync/logprob_gap"]) == [1, 3]
    assert max(curves["sync/logprob_gap_max"].values()) < 1e-4
    for step in (1, 3):
        assert curves["importance/ratio_max"][step] == pytest.approx(1, abs=1e-4)
        assert curves["policy/clipped"][step] == 0
        assert curves["importance/ratio_max"][step + 1] > 1.01
    assert max(curves["importance/capped"].values()) < 0.1


@pytest.mark.nightly
def test_resume_between_rounds_of_several_updates(tmp_path):
    arguments = [
        "--model.policy_update=TruncatedImportanceSampling",
        "--data.updates_per_round=2",
        "--model.entropy_floor.floor=0.5",
        "--checkpoint.every_n_steps=1",
    ]
    fit("em_rl_token", tmp_path / "whole", *arguments, "--trainer.max_steps=4")
    fit("em_rl_token", tmp_path / "parts", *arguments, "--trainer.max_steps=2")
    fit("em_rl_token", tmp_path / "parts", *arguments, "--trainer.max_steps=4", "--ckpt_path=last")
    whole, parts = (
        torch.load(tmp_path / name / "checkpoints/last.ckpt", weights_only=True) for name in ("whole", "parts")
    )
    assert whole["emlit"] == parts["emlit"]
    assert whole["emlit"]["plug_ins"]["EntropyFloor"]["alpha"] > 0
    for name, tensor in whole["state_dict"].items():
        assert torch.equal(tensor, parts["state_dict"][name]), name


@pytest.mark.nightly
@pytest.mark.parametrize("config", ["spear", "cure", "etmr", "aepo", "ttrl", "hapo", "steer", "siren", "t1"])
def test_resume_with_rollouts_and_lagged_statistics(config, tmp_path):
    arguments = ["--checkpoint.every_n_steps=1", "--trainer.accumulate_grad_batches=2", "--guard.mode=off"]
    arguments += ["--data.rollouts.size=4", "--data.rollouts.warmup=4"] if config == "spear" else []
    fit(config, tmp_path / "whole", *arguments, "--trainer.max_steps=4")
    fit(config, tmp_path / "parts", *arguments, "--trainer.max_steps=2")
    fit(config, tmp_path / "parts", *arguments, "--trainer.max_steps=4", "--ckpt_path=last")
    whole, parts = (
        torch.load(tmp_path / name / "checkpoints/last.ckpt", weights_only=True) for name in ("whole", "parts")
    )
    for name, tensor in whole["state_dict"].items():
        assert torch.equal(tensor, parts["state_dict"][name]), name
    curves = scalars(tmp_path / "whole")
    assert max(curves["sync/logprob_gap_max"].values()) < 1e-4
    if config == "spear":  # older weights sampled what is replayed
        assert max(curves["importance/ratio_max"].values()) > 1.01
    assert "samples.html" in [each.name for each in (tmp_path / "whole").iterdir()]


@pytest.mark.nightly
def test_an_entropy_floor_holds(tmp_path):
    """At ten times the config's rate entropy falls to 0.1 nats within 6 steps; a floor of 0.3 keeps it near there."""
    common = ["--model.learning_rate=1e-3", "--trainer.max_steps=12", "--data.prompts_per_round=32"]
    fit("em_ft", tmp_path / "free", *common)
    fit("em_ft", tmp_path / "held", *common, "--model.entropy_floor.floor=0.3", "--model.entropy_floor.step=1")
    free, held = (scalars(tmp_path / name)["entropy/token_mean"] for name in ("free", "held"))
    assert min(free.values()) < 0.1
    assert held[12] > 2 * free[12]
    assert max(scalars(tmp_path / "held")["entropy_floor/coefficient"].values()) > 0


def test_masked_truncation_trains_on_the_rest(tmp_path):
    # Half of the completions are longer than 16 tokens.
    fit("em_ft", tmp_path, "--data.mask_truncated=true", "--data.sampling.max_tokens=16")
    curves = scalars(tmp_path)
    assert all(0 < share < 1 for share in curves["length/truncated"].values())
