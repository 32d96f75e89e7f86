"""The page of a run: when it looks, and what kills and resumes leave of it."""

import json
import math
from pathlib import Path

import pytest
from lightning import Callback

import cli
from emlit.callbacks import SamplesPage
from emlit.callbacks.samples_page import is_due
from emlit.errors import ConfigError
from tests.runs.test_runs import ROOT, scalars


@pytest.mark.parametrize("last", [1, 2, 19, 20, 32, 40, 60, 100, 1000, 12345])
def test_about_twenty_looks_and_both_ends(last):
    due = [step for step in range(1, last + 1) if is_due(step, None, last)]
    assert (due[0], due[-1]) == (1, last)
    assert min(last, 14) <= len(due) <= 30


def test_looks_of_a_run_without_an_end():
    due = [step for step in range(1, 3201) if is_due(step, None, None)]
    # 1 and 20 in the first 200, then 10 in each of 400, 800, 1600 and 3200.
    assert due[:3] == [1, 10, 20]
    assert len(due) == 21 + 4 * 10
    assert due[-2:] == [3040, 3200]


def test_looks_as_often_as_asked():
    assert [step for step in range(1, 11) if is_due(step, 4, 10)] == [1, 4, 8, 10]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"every_n_steps": 0}, "every_n_steps of SamplesPage is 0"),
        ({"completions": -1}, "completions of SamplesPage is -1"),
        ({"max_tokens": 1}, "max_tokens of SamplesPage is 1"),
        ({"page_completions": 20}, "page_completions is 20, which leaves no room"),
    ],
)
def test_wrong_arguments(arguments, expected):
    with pytest.raises(ConfigError, match=expected):
        SamplesPage(**arguments)


def fit(run_dir: Path, *arguments: str, config: str = "em_rl_token") -> None:
    cli.main(
        ["fit", "--config", str(ROOT / f"configs/tiny/{config}.yaml"), f"--run_dir={run_dir}",
         "--data.engine=emlit.engines.TransformersEngine", "--data.prompts_per_round=4", "--data.train.n=64",
         "--data.samples_per_prompt=4", "--summary.enabled=false", "--export.enabled=false",
         "--samples.completions=6", "--samples.every_n_steps=2", *arguments]
    )  # fmt: skip


def samples(run_dir: Path) -> list[dict]:
    return [json.loads(line) for line in (run_dir / "samples.jsonl").read_text().splitlines()]


def page(run_dir: Path) -> list[dict]:
    text = (run_dir / "samples.html").read_text()
    return json.loads(text.split('id="data">', 1)[1].split("</script>", 1)[0])["samples"]


@pytest.mark.nightly
def test_a_run_that_is_killed_and_resumed_has_the_same_samples(tmp_path, monkeypatch):
    fit(tmp_path / "whole", "--trainer.max_steps=5")
    look, micro_batches = SamplesPage._look, "--trainer.accumulate_grad_batches=2"

    def dies_at_4(self, trainer, module):
        look(self, trainer, module)
        if self.step == 4:
            raise KeyboardInterrupt

    monkeypatch.setattr(SamplesPage, "_look", dies_at_4)
    with pytest.raises(SystemExit):
        fit(tmp_path / "parts", "--trainer.max_steps=5", "--checkpoint.every_n_steps=3", micro_batches)
    monkeypatch.setattr(SamplesPage, "_look", look)
    assert sorted({sample["step"] for sample in samples(tmp_path / "parts")}) == [1, 2, 4]
    with (tmp_path / "parts/samples.jsonl").open("a") as file:
        file.write('{"step": 5, "task": "ti')
    fit(tmp_path / "parts", "--trainer.max_steps=5", "--ckpt_path=last", micro_batches)
    whole, parts = samples(tmp_path / "whole"), samples(tmp_path / "parts")
    assert [sample["step"] for sample in whole] == [step for step in (1, 2, 4, 5) for _ in range(4)]
    assert page(tmp_path / "parts") == parts
    assert len(whole) == len(parts)
    for one, other in zip(whole, parts, strict=True):
        assert one["id"] == other["id"]
        assert [token for token, *_ in one["tokens"]] == [token for token, *_ in other["tokens"]]
        # Padded to other widths, the same numbers to rounding.
        for name in ("mean_entropy", "mean_logprob", "reward", "advantage"):
            assert one[name] == pytest.approx(other[name], abs=2e-4), name


def test_what_a_run_leaves(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    fit(tmp_path / "run", "--trainer.max_steps=3", "--samples.max_tokens=8", "--data.sampling.max_tokens=12")
    found = samples(tmp_path / "run")
    assert [sample["step"] for sample in found] == [1] * 4 + [2] * 4 + [3] * 4
    for sample in found:
        assert sample["reward"] == pytest.approx(-sample["mean_entropy"], abs=2e-4)  # EM-RL-token's own definition
        assert sample["correct"] == (sample["answer"] == sample["label"])
        assert (sample["finish_reason"] == "length") == (sample["length"] == 12 and sample["answer"] is None)
        assert len(sample["tokens"]) == min(8, sample["length"])
        assert all(entropy >= 0 >= logprob for _, entropy, logprob in sample["tokens"])
        assert "<|im_start|>user" in sample["input"]
        assert sample["prompt"] in sample["input"]
    curves = scalars(tmp_path / "run")
    for name in ("entropy/top20_share", "loss/top20_share", "entropy_by_position/00-10"):
        assert sorted(curves[name]) == [1, 2, 3]
        assert all(map(math.isfinite, curves[name].values()))
    events = EventAccumulator(str(tmp_path / "run/tensorboard"), size_guidance={"histograms": 0}).Reload()
    assert [event.step for event in events.Histograms("entropy/by_position")] == [1, 2, 3]
    assert "samples.html" in events.Tensors("samples/text_summary")[0].tensor_proto.string_val[0].decode()
    # A new run in the same place does not go on with the old one's samples; without samples there is no page.
    fit(tmp_path / "run", "--trainer.max_steps=1", "--overwrite=true")
    assert {sample["step"] for sample in samples(tmp_path / "run")} == {1}
    fit(tmp_path / "none", "--trainer.max_steps=1", "--samples.completions=0")
    assert not list((tmp_path / "none").glob("samples*"))


class EndsAfterThreeSteps(Callback):
    """Ends a run as a signal or a limit on time does: no step is known to be the last one when it is taken."""

    def on_train_batch_end(self, trainer, *_) -> None:
        trainer.should_stop = trainer.global_step >= 3


def test_a_run_that_ends_early_shows_its_last_step(tmp_path):
    fit(
        tmp_path / "run", "--trainer.max_steps=100000", "--samples.every_n_steps=90000",
        "--trainer.callbacks+=tests.runs.test_samples_page.EndsAfterThreeSteps", config="em_ft",
    )  # fmt: skip
    assert sorted({sample["step"] for sample in samples(tmp_path / "run")}) == [1, 3]
