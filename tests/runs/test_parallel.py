"""Two processes and more, as users start them."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from transformers import AutoModelForCausalLM

import cli
from emlit.report import read_predictions
from emlit.tiny import MODEL_DIR
from tests.servers import free_port, serving

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}
FSDP = ("--config=configs/trainer/fsdp.yaml", "--trainer.precision=32-true")
SMALL = (
    "--data.prompts_per_round=8", "--data.samples_per_prompt=4", "--data.train.n=64", "--data.evaluation.n=8",
    "--data.evaluation_samples=2", "--guard.mode=off", "--summary.enabled=false", "--trainer.accelerator=cpu",
    "--trainer.callbacks=null",
)  # fmt: skip


def command(run_dir: Path, *arguments: str, config: str = "em_rl_token", steps: int = 5) -> list[str]:
    engine = () if any("engine" in each for each in arguments) else ("--data.engine=TransformersEngine",)
    return [
        "cli.py", "fit", "--config", f"configs/tiny/{config}.yaml", *(a for a in arguments if "--config" in a), *engine,
        *SMALL, f"--run_dir={run_dir}", f"--trainer.max_steps={steps}", *(a for a in arguments if "--config" not in a),
    ]  # fmt: skip


def fit(run_dir: Path, *arguments: str, **options) -> None:
    subprocess.run(
        [sys.executable, *command(run_dir, *arguments, **options)], cwd=ROOT, check=True, env=ENVIRONMENT, timeout=300
    )


def assert_same(one: Path, other: Path, atol: float) -> None:
    """Exports, parameter by parameter."""
    states = [AutoModelForCausalLM.from_pretrained(each / "export").state_dict() for each in (one, other)]
    for name, tensor in states[0].items():
        torch.testing.assert_close(states[1][name], tensor, rtol=0, atol=atol, msg=name)


@pytest.fixture(scope="module")
def token_run(tmp_path_factory) -> Path:
    """Five steps of EM-RL-token in one process."""
    run_dir = tmp_path_factory.mktemp("one")
    cli.main(command(run_dir)[1:])
    return run_dir


@pytest.mark.parametrize(
    "config", ["em_rl_token", *(pytest.param(each, marks=pytest.mark.nightly) for each in ("em_ft", "em_rl_sequence"))]
)
def test_one_process_with_eight_groups_is_two_with_four(config, token_run, tmp_path):
    one = token_run if config == "em_rl_token" else tmp_path / "one"
    if one != token_run:
        fit(one, config=config)
    fit(tmp_path / "two", *FSDP, "--trainer.devices=2", "--data.micro_batch_prompts=2", config=config)
    assert_same(one, tmp_path / "two", atol=1e-5)
    assert (tmp_path / "two/checkpoints/last.ckpt/__1_0.distcp").is_file()


@pytest.mark.nightly
def test_a_round_need_not_be_shared_evenly(tmp_path):
    """Of seven prompts in four micro-batches the second process has three, and takes part in the fourth too."""
    odd = ("--data.prompts_per_round=7", "--trainer.accumulate_grad_batches=4")
    fit(tmp_path / "one", *odd, steps=3)
    fit(tmp_path / "two", *FSDP, *odd, "--trainer.devices=2", steps=3)
    assert_same(tmp_path / "one", tmp_path / "two", atol=1e-5)
    fit(tmp_path / "ddp", *odd, "--trainer.devices=2", "--trainer.strategy=ddp", steps=3)
    assert_same(tmp_path / "one", tmp_path / "ddp", atol=1e-5)


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("config", "arguments"),
    [
        ("cure", ()),
        ("etmr", ("--data.samples_per_prompt=5",)),  # a root and four branches
        ("ttrl", ()),
        ("hapo", ()),  # largest values and the old policy, of all processes
        ("siren", ()),
        ("aepo", ("--data.rollouts.share=0.5", "--data.rollouts.target=0.3")),
        ("spear", ("--data.rollouts.size=3", "--data.rollouts.warmup=0", "--model.reward=TokenEntropyReward")),
    ],
)
def test_methods_of_two_processes_are_those_of_one(config, arguments, tmp_path):
    fit(tmp_path / "one", *arguments, config=config, steps=4)
    fit(tmp_path / "two", *FSDP, *arguments, "--trainer.devices=2", config=config, steps=4)
    assert_same(tmp_path / "one", tmp_path / "two", atol=1e-5)
    fit(tmp_path / "ddp", *arguments, "--trainer.devices=2", "--trainer.strategy=ddp", config=config, steps=4)
    assert_same(tmp_path / "one", tmp_path / "ddp", atol=1e-5)


PARTS = "--data.micro_batch_prompts=1"  # as many micro-batches as a process has prompts


@pytest.mark.nightly
def test_a_run_goes_on_with_other_numbers_of_processes(token_run, tmp_path):
    """From a folder of shards: two processes, one, two."""
    for steps, devices in ((2, 2), (3, 1), (5, 2)):
        fit(tmp_path, *FSDP, PARTS, f"--trainer.devices={devices}", "--ckpt_path=auto", steps=steps)
    assert_same(token_run, tmp_path, atol=1e-5)


@pytest.mark.nightly
def test_a_checkpoint_in_one_file_is_anybodys(token_run, tmp_path):
    """One process without FSDP2, two with it, one without, and two that make a folder of it."""
    in_one_file = (*FSDP, "--trainer.devices=2", "--trainer.strategy.save_distributed_checkpoint=false")
    in_a_folder = (*FSDP, "--trainer.devices=2")
    for steps, strategy in ((1, ()), (2, in_one_file), (3, ()), (5, in_a_folder)):
        fit(tmp_path, *strategy, PARTS, "--ckpt_path=auto", steps=steps)
    assert_same(token_run, tmp_path, atol=1e-5)
    assert (tmp_path / "checkpoints/last.ckpt").is_dir()


@pytest.mark.nightly
def test_as_on_gpus(tmp_path):
    """bfloat16 computes, layers are recomputed, and what evaluates and watches scores in step."""
    fit(
        tmp_path, FSDP[0], "--trainer.devices=2", "--model.gradient_checkpointing=true", "--summary.enabled=true",
        "--data.evaluation.n=5", "--guard.mode=warn", "--guard.every_n_steps=1", "--guard.prompts=5",
        "--sync.max_gap=0.1", steps=2,
    )  # fmt: skip
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["steps"] == 2
    assert summary["after"]["mean_entropy"] != summary["before"]["mean_entropy"]
    assert [each["step"] for each in summary["guard"]["signals"]] == [0, 1, 2]
    assert 1e-5 < max(curve(tmp_path, "sync/logprob_gap_max")) < 0.2


@pytest.mark.nightly
def test_a_guard_hands_over_the_kept_step_in_shards(tmp_path):
    """Any drift from the start fires, and none of the start's own signals does: the start is exported again."""
    fit(
        tmp_path, *FSDP, "--trainer.devices=2", "--guard.mode=stop", "--guard.every_n_steps=1", "--guard.patience=1",
        "--guard.prompts=4", "--guard.limits.start_entropy=0", "--guard.limits.start_contested=1",
        "--guard.limits.kl=0", "--summary.enabled=true", "--model.learning_rate=1e-2",
        config="em_ft", steps=2,
    )  # fmt: skip
    guard = json.loads((tmp_path / "summary.json").read_text())["guard"]
    assert (guard["kept_step"], guard["stop_step"]) == (0, 1)
    state = AutoModelForCausalLM.from_pretrained(tmp_path / "export").state_dict()
    start = AutoModelForCausalLM.from_pretrained(MODEL_DIR).state_dict()
    assert all(torch.equal(state[name], tensor) for name, tensor in start.items())


@pytest.mark.nightly
def test_adapters_train_in_shards(tmp_path):
    sharded = (*FSDP, "--model.lora.r=8")
    fit(tmp_path / "one", *sharded, "--trainer.devices=1", steps=2)
    fit(tmp_path / "two", *sharded, "--trainer.devices=2", steps=1)
    fit(tmp_path / "two", *sharded, "--trainer.devices=2", "--ckpt_path=last", steps=2)
    assert_same(tmp_path / "one", tmp_path / "two", atol=1e-5)


@pytest.mark.nightly
def test_nodes_can_hold_replicas(token_run, tmp_path):
    """Two nodes of one process each, under torchrun: shards within a node, replicas over both."""
    port = free_port()
    arguments = command(
        tmp_path, "--config=configs/trainer/multi_node.yaml", "--trainer.precision=32-true", "--trainer.num_nodes=2",
        "--trainer.devices=1", "--data.micro_batch_prompts=2",
    )  # fmt: skip
    nodes = [
        subprocess.Popen(
            [sys.executable, "-m", "torch.distributed.run", "--nnodes=2", f"--node-rank={rank}", "--nproc-per-node=1",
             "--master-addr=127.0.0.1", f"--master-port={port}", *arguments],
            cwd=ROOT, env=ENVIRONMENT,
        )
        for rank in range(2)
    ]  # fmt: skip
    assert [node.wait(timeout=300) for node in nodes] == [0, 0]
    assert_same(token_run, tmp_path, atol=1e-5)


@pytest.mark.nightly
def test_each_process_has_an_engine_that_sleeps_while_it_trains(token_run, tmp_path):
    """WeightSync compares log-probabilities on every process, and its limit is 1e-3 nats."""
    fit(tmp_path, *FSDP, "--trainer.devices=2", "--data.engine=VLLMEngine", "--data.engine.sleep=true", steps=3)
    gaps = curve(tmp_path, "sync/logprob_gap_max")
    assert len(gaps) == 3
    assert max(gaps) < 1e-4


@pytest.mark.nightly
def test_two_processes_train_from_one_server(tmp_path):
    """Both gather every weight, the first sends it; and the server may be a round ahead."""
    with serving(tmp_path / "log.txt") as server:
        both = (*FSDP, "--trainer.devices=2", f"--engine=server:{server.url}")
        fit(tmp_path / "in_turn", *both, steps=2)
        late = ("--data.rounds_ahead=1", "--model.policy_update=TruncatedImportanceSampling")
        fit(tmp_path / "ahead", *both, *late, steps=2)
    assert len(gaps := curve(tmp_path / "in_turn", "sync/logprob_gap_max")) == 2
    assert max(gaps) < 1e-4
    assert curve(tmp_path / "ahead", "sync/staleness") == [0, 1]


def curve(run_dir: Path, name: str) -> list[float]:
    events = EventAccumulator(str(run_dir / "tensorboard"))
    events.Reload()
    return [event.value for event in events.Scalars(name)]


@pytest.mark.nightly
@pytest.mark.parametrize("victim", [0, 1])
def test_a_lost_process_ends_the_run(victim, tmp_path):
    """Within 30 seconds, with the command that resumes it, and with no process left."""
    process = subprocess.Popen(
        [sys.executable, *command(tmp_path, *FSDP, "--trainer.devices=2", "--checkpoint.every_n_steps=1", steps=1000)],
        cwd=ROOT, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    while not (tmp_path / "checkpoints/last.ckpt").exists():
        assert process.poll() is None
        time.sleep(0.2)
    (child,) = children(process.pid)
    os.kill((process.pid, child)[victim], signal.SIGKILL)
    began = time.monotonic()
    told = process.communicate(timeout=30)[1]
    while Path(f"/proc/{child}").exists() and time.monotonic() < began + 30:
        time.sleep(0.2)
    assert not Path(f"/proc/{child}").exists()
    (sentence,) = [line for line in told.splitlines() if line.startswith("emlit: error")]
    gone = ("the process that started this run's others is gone", "process 1 of 0 to 1 was ended by SIGKILL")
    assert gone[victim] in sentence
    assert "--ckpt_path auto" in sentence
    assert "Traceback" not in told
    if victim == 1:
        assert process.returncode == 1


def children(pid: int) -> list[int]:
    """Those that Lightning has started: a math task's helper is none of them."""
    found = (Path("/proc") / str(pid) / "task" / str(pid) / "children").read_text().split()
    return [int(each) for each in found if b"cli.py" in Path(f"/proc/{each}/cmdline").read_bytes()]


@pytest.mark.nightly
def test_three_processes_predict_as_one_does(tmp_path):
    """Seven problems in batches of two: the processes have different numbers of batches, and score in step."""
    written = []
    for devices in (1, 3):
        run_dir = tmp_path / str(devices)
        subprocess.run(
            [sys.executable, "cli.py", "predict", "--config=configs/tiny/em_inf.yaml", *FSDP, f"--run_dir={run_dir}",
             "--data.engine=TransformersEngine", "--data.evaluation.n=7", "--data.evaluation_samples=2",
             "--data.evaluation_batch_size=2", "--model.scoring_tokens=64", "--trainer.accelerator=cpu",
             f"--trainer.devices={devices}", "--trainer.callbacks=null"],
            cwd=ROOT, check=True, env=ENVIRONMENT, timeout=300,
        )  # fmt: skip
        found = read_predictions(run_dir / "predictions.jsonl")
        assert len(found) == 14
        written.append({(p.id, p.sample): (p.completion, p.correct) for p in found})
        assert len(written[-1]) == 14
        assert all(p.mean_entropy > 0 for p in found)
        assert not list(run_dir.glob("predictions.rank*"))
        assert json.loads((run_dir / "report.json").read_text())
    assert written[0] == written[1]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--trainer.strategy=fsdp"], "use FSDP2: --config configs/trainer/fsdp.yaml"),
        (["--trainer.strategy=fsdp_cpu_offload"], "use FSDP2"),
        ([*FSDP[:1], "--trainer.precision=bf16-true"], "trainer.precision is bf16-true"),
        ([*FSDP[:1], "--trainer.strategy.timeout_minutes=0"], "timeout_minutes of FSDP2 is 0"),
    ],
)
def test_what_cannot_be_is_one_sentence(arguments, told, tmp_path, run_sentence):
    assert told in run_sentence(cli.main, command(tmp_path, *arguments)[1:])


def test_a_folder_of_shards_is_read_by_a_strategy_that_shards(tmp_path, run_sentence):
    (tmp_path / "checkpoints/last.ckpt").mkdir(parents=True)
    sentence = run_sentence(cli.main, command(tmp_path, "--ckpt_path=last")[1:])
    assert "a folder of shards" in sentence
    assert "--trainer.strategy fsdp2" in sentence
