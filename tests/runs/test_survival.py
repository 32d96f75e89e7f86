"""Runs that are killed, stopped, starved of disk or memory, or fed nan, and go on."""

import functools
import os
import re
import resource
import signal
import subprocess
import sys

import pytest
import torch
from transformers import AutoModelForCausalLM

import cli
from emlit.callbacks import HFExport, RunCheckpoint
from emlit.engines import TransformersEngine, VLLMEngine
from emlit.modules import EMRL
from tests.runs.test_runs import ROOT, predict, scalars

STEPS = 5


def train(
    run_dir, *arguments: str, steps: int = STEPS, engine: str = "TransformersEngine", config="em_rl_token"
) -> dict:
    """EM-RL with a KL penalty, two micro-batches and epochs of two rounds; the last checkpoint.

    Without the guard, whose probes would be among the calls of the engine that are counted here.
    """
    cli.main(
        ["fit", "--config", str(ROOT / f"configs/tiny/{config}.yaml"), f"--run_dir={run_dir}",
         f"--data.engine={engine}", "--data.train.n=16", "--data.evaluation.n=2", "--data.evaluation_samples=2",
         "--data.prompts_per_round=8", "--data.samples_per_prompt=2", "--summary.enabled=false", "--guard.mode=off",
         "--trainer.accumulate_grad_batches=2", "--model.kl_weight=0.01", f"--trainer.max_steps={steps}", *arguments]
    )  # fmt: skip
    return last(run_dir)


def last(run_dir) -> dict:
    return torch.load(run_dir / "checkpoints/last.ckpt", weights_only=True)


def assert_same(first: dict, second: dict) -> None:
    """Parameters and AdamW's moments bit for bit."""
    assert first["global_step"] == second["global_step"]
    for name, tensor in first["state_dict"].items():
        assert torch.equal(tensor, second["state_dict"][name]), name
    for one, other in zip(first["optimizer_states"], second["optimizer_states"], strict=True):
        for index, state in one["state"].items():
            for name, value in state.items():
                assert torch.equal(value, other["state"][index][name]), (index, name)
    assert first["lr_schedulers"] == second["lr_schedulers"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The run that nothing happens to."""
    run_dir = tmp_path_factory.mktemp("whole")
    return train(run_dir), scalars(run_dir)


def curves_without_times(curves: dict) -> dict:
    return {name: points for name, points in curves.items() if not name.startswith(("time/", "throughput/"))}


@pytest.mark.parametrize("at", [2, 3], ids=["at an epoch's end", "in an epoch"])
def test_resumed_run_is_the_same_run(at, whole, tmp_path):
    train(tmp_path, steps=at)
    assert_same(train(tmp_path, "--ckpt_path=last"), whole[0])
    assert curves_without_times(scalars(tmp_path)) == curves_without_times(whole[1])


@pytest.mark.nightly
def test_resumed_em_ft_is_the_same_run(tmp_path):
    arguments = {"config": "em_ft", "steps": 4}
    expected = train(tmp_path / "whole", **arguments)
    train(tmp_path / "parts", config="em_ft", steps=2)
    assert_same(train(tmp_path / "parts", "--ckpt_path=last", **arguments), expected)


@pytest.mark.nightly
def test_random_generators_are_resumed(tmp_path, monkeypatch):
    """What dropout would draw from."""
    step = EMRL.training_step
    drawn: list[tuple[int, float]] = []

    def draws(self, batch):
        drawn.append((self.trainer.global_step, torch.rand(()).item()))
        return step(self, batch)

    monkeypatch.setattr(EMRL, "training_step", draws)
    train(tmp_path / "whole", steps=3)
    expected, drawn[:] = list(drawn), []
    train(tmp_path / "parts", steps=2)
    train(tmp_path / "parts", "--ckpt_path=last", steps=3)
    assert drawn == expected


@pytest.mark.nightly
def test_resumed_vllm_run_stays_within_the_noise_of_two_runs(tmp_path):
    """vLLM may add up in another order from run to run; a resumed run differs no more than two uninterrupted ones."""
    curves = []
    for name in ("one", "two"):
        train(tmp_path / name, engine="VLLMEngine", steps=4)
        curves.append(scalars(tmp_path / name)["loss/total"])
    train(tmp_path / "parts", engine="VLLMEngine", steps=2)
    train(tmp_path / "parts", "--ckpt_path=last", engine="VLLMEngine", steps=4)
    resumed = scalars(tmp_path / "parts")["loss/total"]
    noise = max(abs(curves[0][step] - curves[1][step]) for step in curves[0])
    assert sorted(resumed) == sorted(curves[0])
    for step, value in resumed.items():
        assert min(abs(value - curve[step]) for curve in curves) <= noise + 1e-6, step


def test_one_command_starts_and_restarts(whole, tmp_path, monkeypatch, run_sentence):
    def dies(self, trainer):
        raise KeyboardInterrupt

    save = RunCheckpoint.save
    monkeypatch.setattr(RunCheckpoint, "save", dies)
    command = (tmp_path, "--ckpt_path=auto", "--checkpoint.every_n_steps=2")
    with pytest.raises(SystemExit):
        train(*command)
    assert (tmp_path / "tensorboard").exists()
    assert not (tmp_path / "checkpoints/last.ckpt").exists()
    monkeypatch.setattr(RunCheckpoint, "save", lambda self, trainer: (save(self, trainer), dies(self, trainer)))
    with pytest.raises(SystemExit):
        train(*command)  # from the start, past the first checkpoint
    assert last(tmp_path)["global_step"] == 2
    monkeypatch.setattr(RunCheckpoint, "save", save)
    assert_same(train(*command), whole[0])
    # A run whose checkpoints were thrown away is not thrown away as well.
    (tmp_path / "checkpoints/last.ckpt").unlink()
    assert "holds an earlier run: start anew" in run_sentence(train, *command)
    assert (tmp_path / "export").exists()


def test_a_signal_in_the_last_step_loses_nothing(whole, tmp_path, monkeypatch, run_sentence):
    export = HFExport.on_train_end

    def interrupted(self, *arguments):
        os.kill(os.getpid(), signal.SIGTERM)
        export(self, *arguments)

    monkeypatch.setattr(HFExport, "on_train_end", interrupted)
    message = run_sentence(train, tmp_path, status=128 + signal.SIGTERM)
    assert re.search(rf"stopped by SIGTERM.*step {STEPS} in .*last\.ckpt", message)
    assert_same(last(tmp_path), whole[0])
    assert (tmp_path / "export/model.safetensors").exists()


@pytest.mark.parametrize(
    ("where", "number", "saved"), [("sampling", signal.SIGTERM, 2), ("training", signal.SIGINT, 3)]
)
def test_a_signal_leaves_with_a_checkpoint(where, number, saved, whole, tmp_path, monkeypatch, run_sentence):
    generate, step = TransformersEngine._generate_batch, EMRL.training_step
    calls = {"sampling": 0, "training": 0}

    def interrupts(name, function):
        @functools.wraps(function)  # Lightning looks at its arguments
        def run(self, *arguments):
            calls[name] += 1
            result = function(self, *arguments)
            # The third round's only batch, or its first micro-batch.
            if name == where and calls[name] == {"sampling": 3, "training": 5}[name]:
                os.kill(os.getpid(), number)
            return result

        return run

    monkeypatch.setattr(TransformersEngine, "_generate_batch", interrupts("sampling", generate))
    monkeypatch.setattr(EMRL, "training_step", interrupts("training", step))
    before = signal.getsignal(number)
    message = run_sentence(train, tmp_path, status=128 + number)
    assert signal.getsignal(number) is before
    assert re.search(rf"stopped by {number.name} after step {saved}.*step {saved} in .*last\.ckpt", message)
    assert message.endswith("--ckpt_path auto")
    assert last(tmp_path)["global_step"] == saved
    assert_same(train(tmp_path, "--ckpt_path=auto"), whole[0])


def test_a_signal_leaves_predict_inside_its_batch(tmp_path, monkeypatch, run_sentence):
    whole = predict(tmp_path / "whole")
    generate, calls = TransformersEngine._generate_batch, []

    def interrupts(self, *arguments):
        calls.append(1)
        completions = generate(self, *arguments)
        if len(calls) == 2:
            os.kill(os.getpid(), signal.SIGTERM)
        return completions

    monkeypatch.setattr(TransformersEngine, "_generate_batch", interrupts)
    message = run_sentence(predict, tmp_path / "run", status=143)
    assert "every finished batch and 16 completions of the next" in message
    assert "--ckpt_path" not in message
    # Batches of 4 problems with 4 samples.
    assert len((tmp_path / "run/predictions.rank0.jsonl").read_text().splitlines()) == 16
    assert predict(tmp_path / "run") == whole
    assert len(calls) == 2 + 2


@pytest.fixture
def small_files():
    """Lets no file grow past a MiB from the moment that it is called: the kernel's own refusal, and no root needed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, hard))
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_keeps_the_last_checkpoint(tmp_path, monkeypatch, small_files, run_sentence):
    write, writes = RunCheckpoint._save, []

    def fills_up(self, trainer):
        writes.append(1)
        if len(writes) == 2:
            small_files()
        write(self, trainer)

    monkeypatch.setattr(RunCheckpoint, "_save", fills_up)
    message = run_sentence(train, tmp_path, "--checkpoint.every_n_steps=2")
    assert re.search(r"last\.ckpt could not be written: File too large; .*last\.ckpt, saved before, is kept", message)
    assert last(tmp_path)["global_step"] == 2
    assert sorted(file.name for file in (tmp_path / "checkpoints").iterdir()) == [".emlit", "last.ckpt"]


def test_a_full_disk_at_the_export(tmp_path, monkeypatch, small_files, run_sentence):
    from emlit.callbacks import HFExport

    export = HFExport.export
    monkeypatch.setattr(HFExport, "export", lambda self, *args: (small_files(), export(self, *args)))
    message = run_sentence(train, tmp_path, "--checkpoint.every_n_steps=1", steps=2)
    assert re.search(r"export could not be written: .*File too large.*; .*last\.ckpt is kept", message)
    assert not list(tmp_path.glob("*export*"))
    assert last(tmp_path)["global_step"] == 2  # from which the export is made


@pytest.mark.nightly
def test_a_full_disk_at_the_predictions(tmp_path, monkeypatch, run_sentence):
    def full(*_):
        raise OSError(28, "No space left on device")

    whole = predict(tmp_path / "whole")
    synced, batches = os.fsync, []

    def fsync(handle):
        if os.readlink(f"/proc/self/fd/{handle}").endswith("rank0.jsonl"):
            batches.append(1)
            if len(batches) == 3:
                full()
        synced(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    message = run_sentence(predict, tmp_path / "run")
    assert re.search(r"predictions\.rank0\.jsonl could not be written: No space left on device; .* are kept", message)
    monkeypatch.setattr(os, "fsync", synced)
    assert predict(tmp_path / "run") == whole


@pytest.mark.nightly
def test_a_full_disk_at_the_curves(tmp_path, monkeypatch, run_sentence):
    from tensorboard.summary.writer import record_writer

    write, writes = record_writer.RecordWriter.write, []

    def full(self, data):
        writes.append(1)
        if len(writes) > 90:  # in the second step
            raise OSError(28, "No space left on device")
        write(self, data)

    monkeypatch.setattr(record_writer.RecordWriter, "write", full)
    message = run_sentence(train, tmp_path, "--checkpoint.every_n_steps=1")
    assert re.search(r"could not be written: No space left on device; what was written before is kept", message)
    assert last(tmp_path)["global_step"] >= 1


@pytest.mark.parametrize(
    ("where", "call", "kept"), [("generate", 3, 2), ("load_weights", 3, 1)], ids=["generate", "load_weights"]
)
def test_a_run_whose_engine_dies_is_resumed_as_the_same_run(
    where, call, kept, whole, tmp_path, monkeypatch, run_sentence
):
    function, calls = getattr(TransformersEngine, where), []

    def dies(self, *arguments, **options):
        calls.append(1)
        if len(calls) == call:
            raise RuntimeError("CUDA error: an illegal memory access was encountered")
        return function(self, *arguments, **options)

    monkeypatch.setattr(TransformersEngine, where, dies)
    every = "--checkpoint.every_n_steps=100" if where == "generate" else "--checkpoint.every_n_steps=1"
    message = run_sentence(train, tmp_path, every)
    assert re.search(r"failed with: RuntimeError: CUDA error: an illegal .*--ckpt_path auto", message)
    assert last(tmp_path)["global_step"] == kept
    assert_same(train(tmp_path, "--ckpt_path=auto"), whole[0])


@pytest.mark.nightly
def test_a_dead_vllm_is_a_sentence(tmp_path, monkeypatch, run_sentence):
    from vllm.v1.engine.exceptions import EngineDeadError

    def dies(self, *arguments, **options):
        raise EngineDeadError

    monkeypatch.setattr(VLLMEngine, "generate", dies)
    message = run_sentence(functools.partial(train, engine="VLLMEngine", steps=3), tmp_path)
    assert re.search("engine failed with: EngineDeadError", message)


def broken(monkeypatch, where: str, steps: tuple[int, ...]) -> None:
    """Make the loss, the log-probabilities or the gradient of the first micro-batch of some steps nan."""
    name = {"loss": "training_step", "logits": "rollout_stats", "gradient": "on_after_backward"}[where]
    intact, seen = getattr(EMRL, name), []

    @functools.wraps(intact)
    def breaks(self, *batch):
        result = intact(self, *batch)
        first = self.trainer.global_step in steps and self.trainer.global_step not in seen
        if not first:
            return result
        seen.append(self.trainer.global_step)
        if where == "gradient":
            next(self.parameters()).grad.view(-1)[0] = float("inf")
            return None
        return result * float("nan") if where == "loss" else type(result)(*(value * float("nan") for value in result))

    monkeypatch.setattr(EMRL, name, breaks)


@pytest.mark.parametrize("where", ["loss", "logits", "gradient"])
def test_a_step_with_nan_is_skipped(where, tmp_path, monkeypatch, caplog):
    broken(monkeypatch, where, steps=(1, 3))
    checkpoint = train(tmp_path, "--checkpoint.every_n_steps=1", "--checkpoint.keep=true", steps=4)
    before, after = (torch.load(tmp_path / f"checkpoints/step-{step}.ckpt", weights_only=True) for step in (1, 2))
    for name, tensor in before["state_dict"].items():
        assert torch.equal(tensor, after["state_dict"][name]), name
    # AdamW has made two steps of four.
    assert {state["step"].item() for state in checkpoint["optimizer_states"][0]["state"].values()} == {2.0}
    assert scalars(tmp_path)["non_finite/skipped"] == {1: 0.0, 2: 1.0, 3: 1.0, 4: 2.0}
    assert "step 2 is skipped" in caplog.text
    assert not (tmp_path / "non_finite").exists()


def test_nan_step_after_step_stops_and_keeps_the_last_good_state(tmp_path, monkeypatch, run_sentence):
    broken(monkeypatch, "logits", steps=(1, 2, 3))
    message = run_sentence(train, tmp_path, "--checkpoint.every_n_steps=1")
    assert re.search(r"the loss is nan in step 4: 3 steps in a row.*step-4\.pt.*last\.ckpt.*export", message)
    first, second = torch.load(tmp_path / "non_finite/step-4.pt", weights_only=True)
    assert first["fault"] == "the loss is nan"
    assert second["fault"] is None
    assert first["tokens"].shape == first["logprobs"].shape
    assert first["logprobs"][first["completion_mask"]].isnan().all()
    assert len(first["texts"]) == len(first["ids"]) == 4
    checkpoint = last(tmp_path)
    assert checkpoint["global_step"] == 3
    exported = AutoModelForCausalLM.from_pretrained(tmp_path / "export").state_dict()
    assert all(torch.equal(tensor, checkpoint["state_dict"][f"model.{name}"]) for name, tensor in exported.items())
    # A resumed run remembers the two before.
    broken(monkeypatch, "logits", steps=(3,))
    assert "3 steps in a row" in run_sentence(train, tmp_path, "--ckpt_path=last")


def separately(run_dir, *arguments: str) -> subprocess.CompletedProcess:
    """A small run in a process of its own."""
    return subprocess.run(
        [sys.executable, "cli.py", "fit", "--config", "configs/tiny/em_rl_token.yaml", f"--run_dir={run_dir}",
         "--data.engine=TransformersEngine", "--trainer.accelerator=cpu", "--summary.enabled=false",
         "--data.train.n=64", "--data.prompts_per_round=4", "--data.samples_per_prompt=2", *arguments],
        cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, timeout=500,
    )  # fmt: skip


@pytest.mark.nightly
def test_a_second_signal_leaves_at_once(tmp_path):
    done = separately(tmp_path, "--checkpoint.every_n_steps=2", "--trainer.callbacks+=tests.breaks.SignalsTwice")
    assert done.returncode == 128 + signal.SIGTERM
    assert "SIGTERM: leaving after step 3" in done.stderr
    assert re.search(r"SIGTERM again: leaving at once; kept: step 2 in .*last\.ckpt", done.stderr)
    assert last(tmp_path)["global_step"] == 2


@pytest.mark.nightly
def test_two_processes_skip_and_leave_together(tmp_path):
    done = separately(
        tmp_path, "--trainer.devices=2", "--trainer.strategy=ddp", "--trainer.callbacks+=tests.breaks.BreaksOnOne"
    )
    assert done.returncode == 128 + signal.SIGTERM, done.stderr[-3000:]
    assert done.stderr.count("stopped by SIGTERM after step 4") == 1
    checkpoint = last(tmp_path)
    assert checkpoint["global_step"] == 4
    assert {state["step"].item() for state in checkpoint["optimizer_states"][0]["state"].values()} == {3.0}
    assert scalars(tmp_path)["non_finite/skipped"] == {1: 0.0, 2: 1.0, 3: 1.0, 4: 1.0}
