"""predictions.jsonl, line by line, through kills and restarts; then the report."""

import json
from pathlib import Path
from typing import Any

import lightning as L
from rich.box import SIMPLE
from rich.table import Table

from emlit import progress
from emlit.callbacks.prediction_settings import differences, settings_of
from emlit.errors import ConfigError, DataError
from emlit.modules import CausalLM
from emlit.predictions import Prediction, count_votes
from emlit.report import (
    Run,
    columns,
    format_value,
    read_predictions,
    read_seconds,
    read_settings,
    truncation_warnings,
    write_report,
)
from emlit.resilience.files import append_to, delete, flush, replacing, write_whole, writing
from emlit.resilience.marks import create, require_own
from emlit.rollout import RolloutDataModule
from emlit.rollout.trainer import Trainer
from emlit.sampled_completions import SampledCompletions
from emlit.terminal import Terminal

_ANEW = "choose another --run_dir or set --writer.overwrite true"


class PredictionWriter(L.Callback):
    """Write each batch of `predict` to disk before the next one starts, and resume where a killed run stopped.

    Inside a batch the completions are on disk as they end, in `predictions.sampled.rankN.jsonl`; a resumed run
    samples the others, and then scores and grades the batch as if it had never been cut. A run's settings stand beside
    its predictions, so that lines of different settings never mix. (A checkpoint is among them where
    `trainer.ckpt_path` is set before `predict`, as the command line does.) Each process writes files of its own; the
    first puts them together at the end.

    Args:
        overwrite: throw away what is there instead of going on
    """

    def __init__(self, overwrite: bool = False) -> None:
        self.overwrite = overwrite

    def preflight(self, trainer: Trainer, module: CausalLM, stage: str) -> None:
        """Raise ConfigError where an earlier run in the same directory had other settings."""
        if stage != "predict":
            return
        self.directory = Path(trainer.default_root_dir)
        self.part = self.directory / f"predictions.rank{trainer.global_rank}.jsonl"
        self.costs = self.directory / f"costs.rank{trainer.global_rank}.jsonl"
        self.whole = self.directory / "predictions.jsonl"
        self.settings_file = self.directory / "predictions.settings.json"
        self.settings = settings_of(trainer, module)
        if self.overwrite or not self.settings_file.exists():
            return
        earlier = read_settings(self.settings_file, _ANEW)
        differing = differences(earlier, self.settings)
        if differing:
            raise ConfigError(
                f"{self.directory} holds predictions made with other settings ({', '.join(differing)}); {_ANEW}"
            )
        self.settings["strategies"] = {**earlier.get("strategies", {}), **self.settings["strategies"]}

    def setup(self, trainer: Trainer, pl_module: CausalLM, stage: str) -> None:
        """Find what an earlier run left."""
        if stage != "predict":
            return
        parts = list(self.directory.glob("predictions.rank*.jsonl"))
        costs = list(self.directory.glob("costs.rank*.jsonl"))
        sampled = self._sampled()
        trainer.strategy.barrier()
        if trainer.is_global_zero:
            for file in (self.whole, *parts, *costs, *sampled):
                require_own(file, instead="choose another --run_dir")
            for file in (self.whole, *parts, *costs, *sampled):
                if self.overwrite:
                    delete(file)
                elif file.exists():
                    _drop_partial_line(file)
            write_whole(self.settings_file, json.dumps(self.settings, indent=2) + "\n")
        trainer.strategy.barrier()
        trainer.datamodule.skip(
            _key(p) for file in (self.whole, *parts) if file.exists() for p in self._known(file, trainer.datamodule)
        )
        store = SampledCompletions(self.directory / f"predictions.sampled.rank{trainer.global_rank}.jsonl")
        store.load(file for file in sampled if file.exists())
        pl_module.keep_completions(store)
        if trainer.is_global_zero and (done := len(trainer.datamodule.finished)):
            progress.say(f"{done} predictions of an earlier run are there, and kept")
        if store.kept and trainer.is_global_zero:
            progress.say(f"{store.kept} completions that an earlier run had sampled are there, and used")

    def _known(self, file: Path, data: RolloutDataModule) -> list[Prediction]:
        """The predictions of a file; DataError where the settings know nothing of one."""
        found, tasks = read_predictions(file), {task.name for task in data.evaluation_tasks}
        for each in found:
            if each.decoding not in self.settings["strategies"] or each.task not in tasks:
                raise DataError(f"{file} answers {each.task} by {each.decoding}, which its settings lack; {_ANEW}")
        return found

    def _sampled(self) -> list[Path]:
        return sorted(self.directory.glob("predictions.sampled.rank*.jsonl"))

    def on_predict_batch_end(self, trainer: Trainer, pl_module: CausalLM, outputs: list[Prediction], *_: Any) -> None:
        if not outputs:  # of a process that only keeps step with others
            return
        kept = "the predictions before this batch are kept; make room and repeat the command"
        _append(self.part, [prediction.to_dict() for prediction in outputs], kept)
        cost = {
            "decoding": outputs[0].decoding,
            "task": outputs[0].task,
            "predictions": len(outputs),
            "seconds": pl_module.sampling_seconds,
        }
        _append(self.costs, [cost], kept)
        assert pl_module.sampled is not None
        pl_module.sampled.clear()

    def teardown(self, trainer: Trainer, pl_module: CausalLM, stage: str) -> None:
        if stage != "predict":
            return
        self._end_sampling(pl_module)
        trainer.strategy.barrier()
        if not trainer.is_global_zero:
            return
        with progress.phase("writing the report"):
            found = self._merge(trainer.datamodule)
            run = self._asked_for(trainer.datamodule, found)
            rows = write_report(self.directory, [run], self.settings["pretrained"])
        console = Terminal()
        tasks = list(dict.fromkeys(row["task"] for row in rows))
        console.print(_table(sorted(rows, key=lambda row: tasks.index(row["task"]))))
        for sentence in truncation_warnings(rows):
            console.print(f"warning: {sentence}", style="bold red", soft_wrap=True, markup=False, highlight=False)
        console.named("predictions", self.whole)
        console.named("report", self.directory / "report.md")

    def on_exception(self, trainer: Trainer, pl_module: CausalLM, exception: BaseException) -> None:
        self._end_sampling(pl_module)

    @staticmethod
    def _end_sampling(module: CausalLM) -> None:
        if module.sampled is not None:
            module.sampled.close()
            module.keep_completions(None)

    def _merge(self, data: RolloutDataModule) -> list[Prediction]:
        """All parts as one file in the order of strategies, tasks, ids and samples, each line once; replaced whole."""
        parts = sorted(self.directory.glob("predictions.rank*.jsonl"))
        found = {
            _key(p): p for file in ([self.whole] if self.whole.exists() else []) + parts for p in read_predictions(file)
        }
        if data.finished:  # what a kill cut in two was counted in two parts
            count_votes(found.values(), data.evaluation_tasks)
        strategies, tasks = list(self.settings["strategies"]), [task.name for task in data.evaluation_tasks]
        ordered = sorted(found, key=lambda key: (strategies.index(key[0]), tasks.index(key[1]), *key[2:]))
        predictions = [found[key] for key in ordered]
        kept = f"all predictions are kept in {self.directory}; make room and repeat the command"
        with replacing(self.whole, kept) as scratch, create(scratch) as file:
            for prediction in predictions:
                file.write(_line(prediction.to_dict()))
        for part in (*parts, *self._sampled()):
            delete(part)
        return predictions

    def _asked_for(self, data: RolloutDataModule, found: list[Prediction]) -> Run:
        """The run, of a strategy that is asked for with fewer samples than before the first so many."""
        wanted = {
            strategy.name(data.sampling): strategy.samples(data.sampling, data.evaluation_samples)
            for strategy in data.all_strategies()
        }
        kept = [p for p in found if p.sample < wanted.get(p.decoding, p.sample + 1)]
        return Run(kept, self.settings, read_seconds(self.directory, kept))


def _key(prediction: Prediction) -> tuple[str, str, str, int]:
    return prediction.decoding, prediction.task, prediction.id, prediction.sample


def _line(values: dict[str, Any]) -> bytes:
    return (json.dumps(values, ensure_ascii=False) + "\n").encode()


def _append(path: Path, lines: list[dict[str, Any]], kept: str) -> None:
    with writing(path, kept), append_to(path) as file:
        file.write(b"".join(map(_line, lines)))
        flush(file)


_IN_TERMINAL = ("pass@1", "format_rate", "sampled_tokens_an_answer", "seconds_an_answer")


def _table(rows: list[dict[str, Any]]) -> Table:
    """A few decodings of one task with all that is measured of them; more rows with what matters most."""
    table = Table(box=SIMPLE)
    if len(rows) <= 3 and len({row["task"] for row in rows}) == 1:
        table.add_column(rows[0]["task"] if rows else "no predictions")
        for row in rows:
            table.add_column(row["decoding"], justify="right")
        for name in ("problems", "samples", *columns(rows)):
            table.add_row(name, *(format_value(row.get(name)) for row in rows))
        return table
    names = [name for name in columns(rows) if name in _IN_TERMINAL or name.startswith("maj@")]
    for name in ("task", "decoding"):
        table.add_column(name)
    for name in names:
        table.add_column(name.replace("_", " "), justify="right")
    for before, row in zip([None, *rows], rows, strict=False):
        new = before is None or before["task"] != row["task"]
        cells = [row["task"] if new else "", row["decoding"], *(format_value(row.get(name)) for name in names)]
        table.add_row(*cells)
    return table


def _drop_partial_line(path: Path) -> None:
    """Cut what a kill left of a line, so that the next one starts clean."""
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if len(whole) < len(content):
        with path.open("r+b") as file:
            file.truncate(len(whole))
