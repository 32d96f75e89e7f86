"""predictions.jsonl, line by line, through kills and restarts; then the report."""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import lightning as L
from rich.console import Console
from rich.table import Table

from callbacks.em_inference import EMInference
from emlit.errors import ConfigError
from emlit.files import flush, put_in_place, write_whole, writing
from emlit.modules import CausalLM
from emlit.predictions import Prediction
from emlit.pretrained import resolve
from emlit.report import format_value, read_predictions, write_report


class PredictionWriter(L.Callback):
    """Write each batch of `predict` to disk before the next one starts, and go on where a killed run stopped.

    A run's settings stand beside its predictions, so that lines of different settings never mix. (A checkpoint is among
    them where `trainer.ckpt_path` is set before `predict`, as the command line does.) Each process writes a
    file of its own; the first puts them together at the end.

    Args:
        overwrite: throw away what is there instead of going on
    """

    def __init__(self, overwrite: bool = False) -> None:
        self.overwrite = overwrite

    def preflight(self, trainer: L.Trainer, module: CausalLM, stage: str) -> None:
        """Raise ConfigError where an earlier run in the same directory had other settings."""
        if stage != "predict":
            return
        self.directory = Path(trainer.default_root_dir)
        self.part = self.directory / f"predictions.rank{trainer.global_rank}.jsonl"
        self.whole = self.directory / "predictions.jsonl"
        self.settings_file = self.directory / "predictions.settings.json"
        self.settings = self._settings(trainer, module)
        if self.overwrite or not self.settings_file.exists():
            return
        earlier = json.loads(self.settings_file.read_text())
        differing = [name for name, value in self.settings.items() if earlier.get(name) != value]
        if differing:
            raise ConfigError(
                f"{self.directory} holds predictions made with other settings ({', '.join(differing)}); choose another "
                "--run_dir or set --writer.overwrite true"
            )

    def setup(self, trainer: L.Trainer, pl_module: CausalLM, stage: str) -> None:
        """Find what an earlier run left."""
        if stage != "predict":
            return
        parts = list(self.directory.glob("predictions.rank*.jsonl"))
        trainer.strategy.barrier()
        if trainer.is_global_zero:
            self.directory.mkdir(parents=True, exist_ok=True)
            for file in (self.whole, *parts):
                if self.overwrite:
                    file.unlink(missing_ok=True)
                elif file.exists():
                    _drop_partial_line(file)
            write_whole(self.settings_file, json.dumps(self.settings, indent=2) + "\n")
        trainer.strategy.barrier()
        trainer.datamodule.finished = {
            (p.task, p.id, p.sample) for file in (self.whole, *parts) if file.exists() for p in read_predictions(file)
        }

    @staticmethod
    def _settings(trainer: L.Trainer, module: CausalLM) -> dict[str, Any]:
        """Everything that a completion depends on."""
        data = trainer.datamodule
        decoding = next((c.decoding for c in trainer.callbacks if isinstance(c, EMInference)), data.engine.decoding)
        prompts = hashlib.sha256()
        for prompt in data.evaluation_prompts:
            prompts.update(repr((prompt.task.name, prompt.row.id, prompt.row.answer, prompt.tokens)).encode())
        return {
            "pretrained": module.pretrained,
            "weights": _fingerprint(Path(resolve(module.pretrained))),
            "checkpoint": None if trainer.ckpt_path is None else _fingerprint(Path(trainer.ckpt_path)),
            "engine": type(data.engine).__name__,
            "engine_dtype": getattr(data.engine, "dtype", None),
            "engine_options": getattr(data.engine, "options", None),
            "scored_in": module.dtype_name if module.score else None,
            "decoding": None if decoding is None else {type(decoding).__name__: asdict(decoding)},
            "sampling": asdict(data.sampling),
            "prompts": prompts.hexdigest(),
            "seed": data.seed,
        }

    def on_predict_batch_end(
        self,
        trainer: L.Trainer,
        pl_module: CausalLM,
        outputs: list[Prediction],
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        lines = "".join(json.dumps(prediction.to_dict(), ensure_ascii=False) + "\n" for prediction in outputs)
        kept = "the predictions before this batch are kept; make room and repeat the command"
        with writing(self.part, kept), self.part.open("a", encoding="utf-8") as file:
            file.write(lines)
            flush(file)

    def teardown(self, trainer: L.Trainer, pl_module: CausalLM, stage: str) -> None:
        if stage != "predict":
            return
        trainer.strategy.barrier()
        if not trainer.is_global_zero:
            return
        self._merge()
        decoding = self.settings["decoding"]
        label = "plain" if decoding is None else next(iter(decoding))
        rows = write_report(
            self.directory,
            f"{label}, T={self.settings['sampling']['temperature']:g}",
            samples=trainer.datamodule.evaluation_samples,
        )
        console = Console()
        console.print(_table(rows))
        console.print(f"predictions: {self.whole}\nreport:      {self.directory / 'report.md'}", soft_wrap=True)

    def _merge(self) -> None:
        """All parts as one file in the order of task, id and sample, each line once; replaced whole."""
        parts = sorted(self.directory.glob("predictions.rank*.jsonl"))
        found = {
            (p.task, p.id, p.sample): p
            for file in ([self.whole] if self.whole.exists() else []) + parts
            for p in read_predictions(file)
        }
        scratch = self.whole.with_suffix(".partial")
        kept = f"all predictions are kept in {self.directory}; make room and repeat the command"
        with writing(self.whole, kept, scratch):
            with scratch.open("w", encoding="utf-8") as file:
                for key in sorted(found):
                    file.write(json.dumps(found[key].to_dict(), ensure_ascii=False) + "\n")
            put_in_place(scratch, self.whole)
        for part in parts:
            part.unlink()


def _table(rows: list[dict[str, Any]]) -> Table:
    """The report on its side: a column a task, so that it fits a terminal."""
    table = Table(title=rows[0]["decoding"] if rows else "no predictions")
    table.add_column("")
    for row in rows:
        table.add_column(row["task"], justify="right")
    for name in dict.fromkeys(name for row in rows for name in row if name not in ("task", "decoding")):
        table.add_row(name, *(format_value(row.get(name)) for row in rows))
    return table


def _fingerprint(path: Path) -> list[list[str | int]] | None:
    """Name, size and time of a checkpoint's or model's weight files; None for a model on the hub."""
    if not path.exists():
        return None
    files = sorted(path.glob("*.safetensors")) if path.is_dir() else [path]
    return [[str(file), file.stat().st_size, file.stat().st_mtime_ns] for file in files]


def _drop_partial_line(path: Path) -> None:
    """Cut what a kill left of a line, so that the next one starts clean."""
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if len(whole) < len(content):
        with path.open("r+b") as file:
            file.truncate(len(whole))
