"""Signals and kills inside a batch, a probe, an evaluation and a start; what is said meanwhile."""

import hashlib
import json
import os
import re
import signal
import time
from pathlib import Path

import pytest
import torch

import cli
from emlit import progress
from emlit.callbacks import progress as shown
from emlit.callbacks.progress_display import Lines
from emlit.modules import EMFT, CausalLM, causal_lm
from emlit.records import Completion, Request
from emlit.resilience.files import write_whole
from emlit.resilience.unheard_signals import UnheardSignals
from emlit.sampled_completions import SampledCompletions
from emlit.tasks import TinyArithmetic
from tests.slow_engine import SlowEngine
from tests.unit.metrics.test_completions import prediction
from tests.unit.test_progress import Clock

ROOT = Path(__file__).parents[2]


@pytest.fixture
def engine():
    SlowEngine.reset()
    yield SlowEngine
    SlowEngine.reset()


def run(command: str, run_dir: Path, *arguments: str, config: str = "em_inf") -> None:
    cli.main(
        [command, "--config", str(ROOT / f"configs/tiny/{config}.yaml"), f"--run_dir={run_dir}",
         "--data.engine=tests.slow_engine.SlowEngine", "--data.evaluation.n=8", "--data.evaluation_samples=2",
         *arguments]
    )  # fmt: skip


def fit(run_dir: Path, *arguments: str) -> dict:
    run(
        "fit", run_dir, "--data.train.n=16", "--data.prompts_per_round=4", "--data.samples_per_prompt=1",
        "--data.sampling.max_tokens=24", "--trainer.max_steps=4", "--checkpoint.every_n_steps=100",
        "--guard.prompts=16", "--guard.every_n_steps=2", "--summary.every_n_steps=2", *arguments, config="em_ft",
    )  # fmt: skip
    return json.loads((run_dir / "summary.json").read_text())


def kill_self(number: int):
    return staticmethod(lambda *_, **__: os.kill(os.getpid(), number))


def at_completion(wanted: int, number: int = signal.SIGTERM):
    return staticmethod(lambda told: os.kill(os.getpid(), number) if told == wanted else None)


STRATEGIES = [
    {"class_path": "emlit.strategies.Sampled", "init_args": {}},
    {"class_path": "emlit.strategies.SelfConsistency", "init_args": {"votes": 3}},
    {"class_path": "emlit.strategies.IterativeRefinement", "init_args": {"drafts": 2}},
]


STRATEGIC = ("--trainer.callbacks=null", f"--data.strategies={json.dumps(STRATEGIES)}")


@pytest.fixture(scope="module")
def predicted(tmp_path_factory):
    """The predictions of the run that nothing happens to, and how many completions they took."""
    directory = tmp_path_factory.mktemp("whole")
    SlowEngine.reset()
    run("predict", directory, *STRATEGIC)
    return (directory / "predictions.jsonl").read_bytes(), sum(SlowEngine.asked)


@pytest.mark.parametrize(
    "at",
    [5, 16 + 20, pytest.param(16 + 48 + 20, marks=pytest.mark.nightly)],
    ids=["sampled", "votes", "drafts"],
)
def test_predict_goes_on_inside_a_batch(at, predicted, engine, tmp_path, run_sentence):
    whole, asked = predicted
    engine.on_completion = at_completion(at)
    message = run_sentence(run, "predict", tmp_path / "run", *STRATEGIC, status=143)
    kept = sum(1 for _ in (tmp_path / "run/predictions.sampled.rank0.jsonl").open())
    assert 1 <= kept <= at
    assert f"stopped by SIGTERM; kept: every finished batch and {kept} completions of the next; resume with:" in message
    first = json.loads((tmp_path / "run/predictions.sampled.rank0.jsonl").read_text().splitlines()[0])
    assert {"task", "id", "sample", "completion", "decoding", "tokens"} <= first.keys()
    engine.reset()
    run("predict", tmp_path / "run", *STRATEGIC)
    assert sum(engine.asked) == asked - at
    assert (tmp_path / "run/predictions.jsonl").read_bytes() == whole
    assert not list((tmp_path / "run").glob("predictions.*rank*"))


def test_a_kill_in_the_middle_of_a_line_costs_that_line(engine, tmp_path, run_sentence):
    engine.on_completion = at_completion(7)
    run_sentence(run, "predict", tmp_path, status=143)
    file = tmp_path / "predictions.sampled.rank0.jsonl"
    whole = file.read_bytes()
    file.write_bytes(whole[:-40])
    engine.reset()
    run("predict", tmp_path)
    assert engine.asked == [16 - 6]


def test_completions_that_somebody_else_wrote_are_sampled_again(tmp_path):
    good = {
        "decoding": "a", "seed": 2**62, "tokens": [1, 2], "logprobs": None, "finish_reason": "stop", "replayed": None,
        "seconds": 1.5,
    }  # fmt: skip
    changes = [{"decoding": ["a"]}, {"tokens": "12"}, {"tokens": [1.5]}, {"tokens": [10**400]}, {"logprobs": [-1]}]
    changes += [{"logprobs": []}, {"finish_reason": "x"}, {"replayed": 1}, {"seconds": float("nan")}, {"seconds": "1"}]
    lines = [json.dumps(good | change | {"seed": 1}) for change in changes]
    lines += ["[" * 100_000, "1" * 5000, "[]", "\xff", '{"seed": 1}', json.dumps(good | {"seed": 1, "stats": [1]})]
    lines += [json.dumps(good | {"seed": 3, "stats": [[-1.0], [0.5, 1.0]]})]
    lines += [json.dumps(good | {"seed": 4, "stats": [[-1.0, -0.5], [0.5, 1.0]]}), json.dumps(good)]
    (tmp_path / "given").write_bytes("\n".join(lines).encode("latin-1"))
    store = SampledCompletions(tmp_path / "own")
    store.load([tmp_path / "given"])
    assert store.kept == 3
    assert store.find("a", Request([], 2**62)).completion == Completion([1, 2], None, "stop")
    assert store.find("a", Request([], 3)).completion.stats is None
    assert store.find("a", Request([], 4)).completion.stats.entropy.tolist() == [0.5, 1.0]


@pytest.mark.parametrize(
    ("file", "content", "expected"),
    [
        ("predictions.settings.json", "[1]", r"settings.json does not hold a run's settings"),
        ("predictions.settings.json", '{"strategies": 5}', r"strategies is 5"),
        ("predictions.settings.json", "{}", r"other settings"),
        ("predictions.jsonl", json.dumps(prediction("a", 0, "1", True).to_dict()), r"answers t by T=1, which its"),
    ],
)  # fmt: skip
def test_predict_beside_what_somebody_else_wrote(file, content, expected, engine, tmp_path, run_sentence):
    write_whole(tmp_path / file, f"{content}\n")
    message = run_sentence(run, "predict", tmp_path)
    assert re.search(f"{expected}.*choose another --run_dir or set --writer.overwrite true", message)
    assert not engine.asked


def test_validate_says_that_it_keeps_nothing(engine, tmp_path, run_sentence):
    engine.on_completion = at_completion(3, signal.SIGINT)
    message = run_sentence(run, "validate", tmp_path, status=130)
    assert "stopped by SIGINT; validate keeps nothing until it ends; repeat the command: " in message
    assert "cli.py validate" in message


@pytest.mark.parametrize(
    ("where", "number"),
    [("engine", signal.SIGTERM), ("engine", signal.SIGINT), ("model", signal.SIGINT), ("prompts", signal.SIGTERM)],
)
def test_a_start_is_left_at_once(where, number, engine, tmp_path, monkeypatch, run_sentence):
    before = signal.getsignal(number)
    if where == "engine":
        engine.on_start = kill_self(number)
    elif where == "model":
        monkeypatch.setattr(causal_lm, "load_policy", kill_self(number).__func__)
    else:
        monkeypatch.setattr(TinyArithmetic, "rows", kill_self(number).__func__)
    message = run_sentence(run, "predict", tmp_path, status=128 + number)
    assert re.search(rf"stopped by {number.name}; kept: every finished batch; resume with: .*predict", message)
    assert signal.getsignal(number) is before
    assert signal.set_wakeup_fd(-1) == -1


def probes(summary: dict) -> list:
    return summary["guard"]["signals"]


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    """The summary of the run that nothing happens to."""
    SlowEngine.reset()
    summary = fit(tmp_path_factory.mktemp("whole"))
    assert SlowEngine.asked[:6] == [64, 16, 8, 4, 4, 64]
    return summary


# Probe at the start 64 completions, evaluations 16 sampled and 8 greedy, 4 of a round, later probes 64.
@pytest.mark.parametrize(
    ("at", "saved"),
    [
        pytest.param(10, None, marks=pytest.mark.nightly),
        (64 + 10, None),
        pytest.param(64 + 24 + 8 + 10, 2, marks=pytest.mark.nightly),
        (64 + 24 + 8 + 64 + 10, 2),
    ],
    ids=["the start probe", "the evaluation before training", "a probe", "an evaluation"],
)
def test_fit_leaves_probes_and_evaluations(at, saved, fitted, engine, tmp_path, run_sentence):
    engine.on_completion = at_completion(at)
    message = run_sentence(fit, tmp_path / "run", status=143)
    if saved is None:
        assert "stopped by SIGTERM; kept: no checkpoint yet" in message
    else:
        assert re.search(rf"stopped by SIGTERM after step {saved}; kept: step {saved} in .*last\.ckpt", message)
    engine.reset()
    again = fit(tmp_path / "run", "--ckpt_path=auto")
    assert probes(again) == probes(fitted)
    assert again["curve"] == fitted["curve"]


class Listens:
    """A display whose thread is the clock."""

    clock: Clock

    def __init__(self, every: float, call) -> None:
        self.look = call
        self.clock.display = self

    def stop(self) -> None:
        self.clock.display = None


@pytest.fixture
def clock(monkeypatch):
    made = Clock()
    Listens.clock = made
    monkeypatch.setattr(progress, "clock", made)
    monkeypatch.setattr(shown, "Ticker", Listens)
    say = Lines.say
    monkeypatch.setattr(Lines, "say", lambda self, text: (made.said.append((made.now, text)), say(self, text)))
    return made


def turning(clock: Clock, seconds: float, function):
    def slow(*arguments, **options):
        clock.turn(seconds)
        return function(*arguments, **options)

    return slow


@pytest.mark.parametrize("command", ["fit", "predict", "validate"])
def test_no_silence_above_15_seconds(command, clock, engine, tmp_path, monkeypatch, capsys):
    """Everything is slow: reading, loading, starting, sampling, scoring, grading, saving, exporting."""
    from emlit.callbacks import HFExport, RunCheckpoint

    engine.on_start = staticmethod(lambda: clock.turn(100))
    engine.on_completion = staticmethod(lambda number: clock.turn(9))
    monkeypatch.setattr(TinyArithmetic, "rows", turning(clock, 40, TinyArithmetic.rows))
    monkeypatch.setattr(causal_lm, "load_policy", turning(clock, 60, causal_lm.load_policy))
    monkeypatch.setattr(CausalLM, "score_drawn", CausalLM.score_completions)  # as with an engine that knows nothing
    monkeypatch.setattr(CausalLM, "token_stats", turning(clock, 50, CausalLM.token_stats))
    monkeypatch.setattr(EMFT, "entropy_loss", turning(clock, 30, EMFT.entropy_loss))
    monkeypatch.setattr(TinyArithmetic, "grade", turning(clock, 2, TinyArithmetic.grade))
    monkeypatch.setattr(HFExport, "_write", turning(clock, 70, HFExport._write))
    monkeypatch.setattr(torch, "save", turning(clock, 30, torch.save))
    monkeypatch.setattr(RunCheckpoint, "_publish", turning(clock, 45, RunCheckpoint._publish))
    fit(tmp_path, "--trainer.max_steps=2") if command == "fit" else run(command, tmp_path)
    moments = [1000.0, *(now for now, _ in clock.said), clock.now]
    assert max(after - before for before, after in zip(moments, moments[1:], strict=False)) <= 15
    text = "\n".join(text for _, text in clock.said)
    told = ["loading the engine's model, 20 s", "loading the model, 10 s", "sampling: ", "completions/s", "tokens/s",
            "scoring: ", "grading: ", "reading the prompts, 10 s"]  # fmt: skip
    if command == "fit":
        told += ["start probe > sampling: ", "evaluation before training", "step 0/2 > sampling: ", "optimising",
                 "probe after step 2 > ", "evaluation after step 2", "saving a checkpoint", "exporting"]  # fmt: skip
    for words in told:
        assert words in text, words
    said = [text for _, text in clock.said]
    assert [line for line in capsys.readouterr().out.splitlines() if line in said] == said  # each once


def test_it_is_silent_where_that_is_wished(clock, engine, tmp_path):
    run("predict", tmp_path, "--progress.enabled=false")
    assert clock.said == []
    assert clock.display is None


def test_a_signal_is_heard_inside_a_call_that_does_not_come_back():
    heard, unheard = [], []
    before = signal.signal(signal.SIGUSR2, lambda *_: heard.append(time.monotonic()))
    alarm = signal.signal(signal.SIGALRM, lambda *_: None)
    watch = UnheardSignals([signal.SIGUSR2], lambda number: unheard.append((number, time.monotonic())), patience=0.1)
    try:
        os.kill(os.getpid(), signal.SIGUSR2)  # heard at once
        assert heard
        os.kill(os.getpid(), signal.SIGALRM)  # another's
        signal.raise_signal(signal.SIGUSR2)
        hashlib.pbkdf2_hmac("sha256", b"", b"", 3_000_000)
        until = time.monotonic() + 5
        while len(unheard) < 2 and time.monotonic() < until:
            time.sleep(0.01)
    finally:
        watch.close()
        signal.signal(signal.SIGUSR2, before)
        signal.signal(signal.SIGALRM, alarm)
    assert [number for number, _ in unheard] == [signal.SIGUSR2] * 2
    assert signal.set_wakeup_fd(-1) == -1
