"""What a person sees who types something wrong: one sentence, soon, before any model loads."""

import ctypes
import os
import re
import resource
import subprocess
import sys
from pathlib import Path

import pytest

import cli
from emlit import pretrained
from emlit.errors import ConfigError
from emlit.modules import EMFT

ROOT = Path(__file__).parents[2]
FT = ["fit", "--config", str(ROOT / "configs/tiny/em_ft.yaml")]
RL = ["fit", "--config", str(ROOT / "configs/tiny/em_rl_token.yaml")]
PPO = ["--model.policy_update=PPO"]
SFT = ["fit", "--config", str(ROOT / "configs/tiny/sft.yaml")]
INF = ["predict", "--config", str(ROOT / "configs/tiny/em_inf.yaml")]


@pytest.fixture
def sentence(monkeypatch, tmp_path, capsys):
    """Run the command line; return its error, having made sure that no model was loaded."""

    def no_model(*args, **kwargs):
        raise AssertionError("a model was loaded")

    monkeypatch.setattr(pretrained, "load_model", no_model)
    monkeypatch.setattr("emlit.engines.VLLMEngine.start", no_model)
    monkeypatch.setattr("emlit.engines.TransformersEngine.start", no_model)

    def run(*arguments: str) -> str:
        extra = [] if any(a.startswith("--run_dir") for a in arguments) else [f"--run_dir={tmp_path / 'run'}"]
        with pytest.raises(SystemExit) as caught:
            cli.main([*arguments, *extra])
        assert caught.value.code == 2
        message = capsys.readouterr().err.strip().splitlines()[-1]
        assert message.startswith("emlit: error: ")
        return message

    return run


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([*FT, "--model.learning_rat=1"], r"learning_rat: there is no such key; did you mean model\.learning_rate"),
        ([*FT, "--trainer.max_step=1"], r"trainer\.max_step: there is no such key; did you mean trainer\.max_steps"),
        (
            [*FT, "--data.sampling.temprature=1"],
            r"data\.sampling\.temprature.*did you mean data\.sampling\.temperature",
        ),
        ([*FT, "--model.learning_rate=fast"], r"model\.learning_rate: expected float, got 'fast'"),
        (
            [*FT, "--model.pretrained=null"],
            r"error: model\.pretrained: it cannot be null; give it a value, or leave it out",
        ),
        ([*FT, "--model.pretrained", "~"], r"model\.pretrained: it cannot be null"),
        ([*FT, "--model.pretrained=~nosuchuser/x"], r"pretrained is ~nosuchuser/x, and there is no such directory"),
        ([*FT, "--model.learning_rate"], r"error: model\.learning_rate: its value is missing"),
        ([*FT, "--trainer.max_steps", "--model.lora.r=2"], r"error: trainer\.max_steps: its value is missing"),
        ([*FT, "--"], r"error: -- stands alone; arguments are --key value"),
        ([*FT, "stray"], r"error: stray stands behind no key"),
        ([*FT, "--trainer.precision=fp17"], r"trainer\.precision: it must be int or .*bf16-mixed.*, got 'fp17'"),
        ([*FT, "--trainer.limit_train_batches=0"], r"limit_train_batches is 0; it must be above 0, or nothing is done"),
        ([*FT, "--trainer.max_epochs=0"], r"trainer\.max_epochs is 0; it must be at least 1"),
        ([*INF, "--trainer.limit_predict_batches=0"], r"limit_predict_batches is 0; it must be above 0"),
        (["validate", *FT[1:], "--trainer.limit_val_batches=0"], r"limit_val_batches is 0; it must be above 0"),
        (
            ["validate", *FT[1:], "--preflight.metrics+=tests.own_plug_ins.NoInit"],
            r"error: preflight\.metrics: no init",
        ),
        ([*RL, "--model.reward=tests.own_plug_ins.NoReward"], r"error: model\.reward: no reward"),
        ([*FT, "--profile=fast"], "profile: it must be one of simple, advanced, pytorch"),
        ([*FT, "--profile=simple", "--trainer.profiler=simple"], "profile and trainer.profiler are both set"),
        (
            [*FT, "--model.entropy_head=lger"],
            r"model\.entropy_head: it must be one of torch, liger, logits, got 'lger'",
        ),
        (
            [*FT, "--data.evaluation=NoSuch"],
            r"data\.evaluation: there is no NoSuch; give a class path, as my_package\.NoSuch$",
        ),
        ([*RL, "--model.loss_terms+=emlit.rewards.WeightedRewards"], "loss_terms: it must be a class below LossTerm$"),
        ([*RL, "--model.loss_terms+=emlit.losses.LossTerm"], "loss_terms: it is abstract; give a class below it, and"),
        ([*FT, "--data.engine.dtype=bfloat16"], r"data\.engine: it is abstract; give a class below it, and then"),
        ([*FT, "--data.evaluation=emlit.tasks.Nope"], r"data\.evaluation: problem with given class_path .*Nope'$"),
        ([*FT, "--data.prompts_per_round=x"], r"data\.prompts_per_round: expected int, got 'x'"),
        ([*FT, "--data.prompts_per_round=0"], r"prompts_per_round is 0; it must be at least 1"),
        ([*FT, "--data.sampling.temperature=-1"], r"temperature is -1\.0; it must not be negative"),
        ([*FT, "--data.sampling.temperature=0"], r"sampling\.temperature is 0, but training needs samples"),
        ([*FT, "--data.sampling.top_p=0.9"], r"top_p.*filter_training_samples"),
        (["fit", *INF[1:]], r"model is CausalLM, which has no objective to train; set model to EMFT, EMRL or SFT"),
        ([*FT, "--trainer.accumulate_grad_batches=1000"], r"accumulate_grad_batches is 1000.*data\.prompts_per_round"),
        ([*FT, "--data.sampling.max_tokens=600"], r"max_tokens is 600, which leaves no room"),
        ([*FT, "--model.pretrained=./nowhere"], r"pretrained is \./nowhere, and there is no such directory"),
        ([*RL, "--model.reward=emlit.rewards.Happiness"], r"model\.reward: .*emlit\.rewards\.Happiness"),
        ([*RL, "--model.reward=Happiness"], r"model\.reward: .*Happiness"),
        (
            [
                *RL,
                "--model.reward=WeightedRewards",
                "--model.reward.rewards=[TokenEntropyReward]",
                "--model.reward.weights=[1,2]",
            ],
            r"weights has 2 numbers for 1 rewards",
        ),
        ([*RL, "--model.reward=VerifiedAnswerReward", "--model.reward.format_weight=-1"], r"format_weight is -1"),
        ([*RL, "--model.advantage=GRPO", "--model.advantage.scale_rewards=maybe"], r"advantage\.scale_rewards"),
        ([*SFT, "--data.samples_per_prompt=4"], r"samples_per_prompt is 4, but SFT learns from the one solution"),
        ([*SFT, "--data.context=40", "--data.sampling.max_tokens=1"], r"tiny, \S+: the solution has \d+ tokens"),
        ([*RL, "--data.samples_per_prompt=1"], r"data\.samples_per_prompt is 1, but RLOO compares"),
        ([*RL, "--model.reward.reduction=median"], r"model\.reward\.reduction"),
        ([*FT, "--trainer.accumulate_grad_batches=0"], r"accumulate_grad_batches is 0; it must be at least 1"),
        ([*FT, "--data.context=100000"], r"data\.context is 100000, but tiny has 512 positions"),
        ([*FT, "--trainer.strategy=fdsp"], r"fdsp"),
        ([*FT, "--model.weight_decay=-1"], r"weight_decay is -1"),
        ([*FT, f"--ckpt_path={ROOT / 'README.md'}"], r"README\.md, which is not a checkpoint of emlit"),
        ([*FT, f"--run_dir={ROOT / 'README.md'}"], r"README\.md cannot be used: it is a file"),
        (
            [*FT, f"--export.dirpath={ROOT / 'docs'}"],
            r"export\.dirpath is .*docs, which holds .*, which emlit did not write",
        ),
        ([*FT, "--run_dir=x", "--export.dirpath=x/checkpoints"], r"x/checkpoints, which the run uses itself; name"),
        ([*FT, "--model.kl_estimator=k1"], r"model\.kl_estimator: it must be one of k2, k3, got 'k1'"),
        ([*FT, "--model.entropy_floor.floor=-1"], r"floor of EntropyFloor is -1\.0; it must be positive"),
        ([*RL, "--data.updates_per_round=4"], r"updates_per_round is 4, but Reinforce is right only for"),
        ([*RL, "--data.rounds_ahead=1", "--engine=server"], r"rounds_ahead is 1, but Reinforce is right only for"),
        (
            [*RL, "--data.rounds_ahead=1", *PPO, "--engine=transformers"],
            r"rounds_ahead is 1, but \w+ samples with weights that change",
        ),
        ([*RL, "--data.rounds_ahead=2", *PPO], r"data\.rounds_ahead"),
        ([*RL, "--engine=server:localhost:8000"], r"urls has localhost:8000; a URL begins with http://"),
        ([*RL, "--engine=serve"], r"engine is serve; it must be one of .*server:URL"),
        ([*RL, "--data.updates_per_round=3", *PPO], r"prompts_per_round is 64, which 3 updates cannot share"),
        ([*RL, "--data.updates_per_round=64", *PPO], r"max_steps is 32, which ends inside a round of 64 updates"),
        (
            [*RL, *PPO, "--data.sampling.top_p=0.9", "--data.filter_training_samples=true"],
            r"importance weights of PPO would be wrong",
        ),
        ([*RL, *PPO, "--data.updates_per_round=4", "--trainer.max_time=00:00:01:00"], r"trainer\.max_time.*updates"),
        ([*RL, *PPO, "--model.policy_update.clip=0"], r"clip of PPO is 0\.0; it must be positive"),
        ([*FT, "--ckpt_path=last"], r"ckpt_path is last, but there is no .*last\.ckpt"),
        ([*INF, "--ckpt_path=auto"], r"ckpt_path is auto, which is for fit"),
        ([*FT, "--non_finite.max_in_a_row=0"], r"max_in_a_row of SkipNonFinite is 0; it must be at least 1"),
        ([*FT, "--ckpt_path=nowhere.ckpt"], r"ckpt_path is nowhere\.ckpt, but there is no"),
        ([*FT, "--trainer.callbacks+=callbacks.EMInference"], r"EMInference.*no place in fit"),
        (["fit", "--config", "nowhere.yaml"], r"config: there is no file nowhere\.yaml$"),
        (["fit"], r"model: it is required; give a --config"),
        (["fitt"], r"fitt: there is no such command; did you mean fit\?"),
        ([*FT, "--trainer.precision=8"], r"precision: it must be 64 or 32 .* or 32-true .*, got '8'"),
        ([*FT, "--trainer.gradient_clip_val=x"], r"gradient_clip_val: it must be int or float, got 'x'"),
        ([*FT, "--trainer.gradient_clip_val=-1"], r"gradient_clip_val is -1; it must be at least 0"),
        ([*FT, "--trainer.max_steps=0"], r"max_steps is 0; it must be at least 1, or -1"),
        ([*FT, "--trainer.max_epochs=0"], r"max_epochs is 0; it must be at least 1, or -1"),
        ([*FT, "--trainer.num_sanity_val_steps=-5"], r"num_sanity_val_steps is -5; it must be at least 0, or -1"),
        ([*FT, "--trainer.check_val_every_n_epoch=-3"], r"check_val_every_n_epoch is -3; it must be at least 1"),
        ([*FT, "--trainer.default_root_dir=/proc"], "default_root_dir is set; set run_dir"),
        ([*FT, "--data.prompts_per_round=99999999999999999999"], r"prompts_per_round is 9+; it must be at most"),
        ([*FT, "--data.sampling.temperature=1e300"], r"sampling\.temperature is 1e\+300; it must be at most 100"),
        ([*FT, "--model.learning_rate=1e30"], r"learning_rate is 1e\+30; it must be at most 100"),
        ([*FT, "--run_dir="], "run_dir is empty"),
        ([*FT, "--ckpt_path="], "ckpt_path is empty"),
        ([*FT, "--ckpt_path=/dev"], "ckpt_path is /dev, which is neither"),
        ([*FT, "--export.dirpath= "], "export.dirpath is empty"),
        ([*FT, "--model.pretrained="], "pretrained is empty|pretrained is , "),
        ([*FT, "--trainer.devices=99999999999999999999"], "devices is 9+; it must be at most"),
    ],
)
def test_wrong_arguments(sentence, arguments, expected):
    assert re.search(expected, sentence(*arguments))


def test_a_mistake_in_a_constructor_of_the_users_own_shows_its_traceback(tmp_path, capsys):
    with pytest.raises(SystemExit):
        cli.main([*RL, f"--run_dir={tmp_path}", "--model.reward=tests.own_plug_ins.Mistaken"])
    shown = capsys.readouterr().err
    assert "own_plug_ins.py" in shown
    assert "KeyError: 'nothing is here'" in shown
    assert shown.strip().splitlines()[-1] == "emlit: error: model.reward: 'nothing is here'"


def test_a_start_that_failed_leaves_nothing(sentence, tmp_path):
    sentence(*FT, f"--run_dir={tmp_path / 'a/b'}", "--data.context=100000")
    assert not (tmp_path / "a").exists()


def test_a_model_is_named_by_text():
    with pytest.raises(ConfigError, match="pretrained is None; name a model"):
        EMFT(pretrained=None)


def test_misspelt_keys_in_a_config(sentence, tmp_path):
    text = (ROOT / "configs/tiny/em_ft.yaml").read_text()
    for right, wrong, expected in (
        ("learning_rate", "learning_rat", r"learning_rat: there is no such key; did you mean model\.learning_rate"),
        ("max_steps", "max_stps", r"trainer\.max_stps: there is no such key; did you mean trainer\.max_steps"),
        ("prompts_per_round", "promts", r"data\.promts: there is no such key"),
    ):
        (tmp_path / "bad.yaml").write_text(re.sub(rf"(?m)^( *){right}:", rf"\1{wrong}:", text))
        assert re.search(expected, sentence("fit", "--config", str(tmp_path / "bad.yaml")))
    (tmp_path / "bad.yaml").write_text("data: [\n")
    assert "parsing config" in sentence("fit", "--config", str(tmp_path / "bad.yaml"))


def test_bad_prompt_files(sentence, tmp_path):
    task = ["--data.train.class_path=emlit.tasks.PromptFile"]
    path = tmp_path / "p.jsonl"
    assert "no such file" in sentence(*FT, *task, f"--data.train.init_args.path={path}")
    path.touch()
    assert "is empty" in sentence(*FT, *task, f"--data.train.init_args.path={path}")
    path.write_text('{"prompt": "a"}\n{"prompt"\n')
    assert "p.jsonl, line 2: not valid JSON" in sentence(*FT, *task, f"--data.train.init_args.path={path}")
    path.write_text('{"prompt": "' + "7" * 600 + '"}\n')
    assert re.search(r"line 1: the prompt has \d+ tokens", sentence(*FT, *task, f"--data.train.init_args.path={path}"))


def test_labels_and_solutions_that_are_not_there(sentence, tmp_path):
    path = tmp_path / "p.jsonl"
    path.write_text('{"prompt": "a", "answer": "1", "solution": "One: 1"}\n{"prompt": "b"}\n')
    task = ["--data.train.class_path=emlit.tasks.PromptFile", f"--data.train.init_args.path={path}"]
    task.append("--data.evaluation=null")
    rloo = ["fit", "--config", str(ROOT / "configs/tiny/rloo.yaml")]
    assert re.search(r"p\.jsonl, line 2: no label, and VerifiedAnswerReward", sentence(*rloo, *task))
    boxed = sentence(*rloo, *task, "--data.train.init_args.answer_from_solution=true")
    assert re.search(r"p\.jsonl, line 1: the solution has no \\boxed\{\} to take the answer from", boxed)
    assert re.search(r"p\.jsonl, line 2: no solution to learn from; set solution_column", sentence(*SFT, *task))


def test_vllm_that_is_not_installed(sentence, monkeypatch):
    monkeypatch.setattr("emlit.engines.vllm.installed", lambda: False)
    assert "vLLM is not installed" in sentence(*FT, "--data.engine=emlit.engines.VLLMEngine")


def test_vllm_without_the_library_that_its_kernels_need(sentence, monkeypatch):
    if not list(Path(pytest.importorskip("vllm").__path__[0]).glob("_C*.so")):
        pytest.skip("this vLLM has no kernels of its own")
    opened = ctypes.CDLL

    def absent(name, *more, **options):
        if name == "libnuma.so.1":
            raise OSError(f"{name}: cannot open shared object file")
        return opened(name, *more, **options)

    monkeypatch.setattr(ctypes, "CDLL", absent)
    asked = sentence(*FT, "--data.engine=emlit.engines.VLLMEngine")
    assert re.search(r"vLLM needs the library libnuma\.so\.1.*apt-get install libnuma1.*TransformersEngine", asked)


def test_run_directory_that_exists(sentence, tmp_path):
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "summary.json").write_text("{}")
    (tmp_path / "old" / "checkpoints").mkdir()
    (tmp_path / "old" / "checkpoints" / "last.ckpt").touch()
    message = sentence(*FT, f"--run_dir={tmp_path / 'old'}")
    assert "holds an earlier run" in message
    assert "--ckpt_path last" in message
    assert (tmp_path / "old" / "summary.json").exists()
    # auto throws away what a killed run left, and nothing else.
    (tmp_path / "old" / "checkpoints" / "last.ckpt").unlink()
    assert "holds an earlier run" in sentence(*FT, f"--run_dir={tmp_path / 'old'}", "--ckpt_path=auto")
    assert (tmp_path / "old" / "summary.json").exists()


def test_tokenizer_without_pad_or_end_token(sentence, tmp_path):
    import json
    import shutil

    from emlit.tiny import MODEL_DIR

    model = tmp_path / "model"
    shutil.copytree(MODEL_DIR, model)
    settings = json.loads((model / "tokenizer_config.json").read_text())
    settings |= {"pad_token": None, "eos_token": None}
    (model / "tokenizer_config.json").write_text(json.dumps(settings))
    assert "neither pad_token nor eos_token" in sentence(*FT, f"--model.pretrained={model}")


def run_cli(*arguments: str) -> tuple[subprocess.CompletedProcess, float]:
    """The command line in a process of its own, with its CPU seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        check=False,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return done, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_help_and_a_misspelt_key_are_quick():
    done, seconds = run_cli("cli.py", "fit", "--help")
    assert done.returncode == 0
    assert "--data.prompts_per_round" in done.stdout
    assert "prompts in a round" in done.stdout
    assert seconds < 3
    done, seconds = run_cli("cli.py", *FT, "--model.learning_rat=1")
    assert done.returncode == 2
    assert done.stderr.startswith("emlit: error: model.learning_rat: there is no such key")
    assert seconds < 3


@pytest.mark.nightly
def test_an_error_of_the_parser_has_its_exit_status():
    done, _ = run_cli("cli.py", *FT, "--model.learning_rate=fast")
    assert done.returncode == 2
    assert done.stderr.strip().splitlines()[-1].startswith("emlit: error: model.learning_rate")
    assert "Traceback" not in done.stderr


def test_a_dry_run_shows_what_a_run_would_do_and_leaves_nothing(monkeypatch, tmp_path, capsys):
    def no_model(*args, **kwargs):
        raise AssertionError("a model was loaded")

    monkeypatch.setattr("emlit.engines.TransformersEngine.start", no_model)
    run_dir = tmp_path / "run"
    cli.main([*FT, "--engine=transformers", f"--run_dir={run_dir}", "--dry_run"])
    shown = capsys.readouterr().out
    assert "Compute" in shown
    assert "a round:     256 prompts x 1 samples, 1 optimiser step\n" in shown
    assert "fits: the peak of" in shown
    assert not run_dir.exists()


def test_a_dry_run_that_a_config_asks_for_says_what_memory_it_takes(tmp_path, capsys):
    config = tmp_path / "dry.yaml"
    config.write_text("dry_run: true\n")
    cli.main([*FT, "--config", str(config), "--engine=transformers", f"--run_dir={tmp_path / 'run'}"])
    assert "fits: the peak of" in capsys.readouterr().out


def test_a_dry_run_of_what_this_machine_has_no_memory_for_ends_with_1(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr("emlit.plan.gpus.os.sysconf", lambda name: 4096 if name == "SC_PAGE_SIZE" else 2**14)  # 64 MiB
    with pytest.raises(SystemExit) as end:
        cli.main([*FT, "--engine=transformers", f"--run_dir={tmp_path / 'run'}", "--dry_run"])
    assert end.value.code == 1
    assert "does not fit" in capsys.readouterr().out


def test_a_dry_run_refuses_what_a_run_would(sentence, tmp_path):
    assert "sampling.max_tokens" in sentence(*FT, "--data.sampling.max_tokens=100000", "--dry_run")
