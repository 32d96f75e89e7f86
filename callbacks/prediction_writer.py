"""predictions.jsonl, line by line, through kills and restarts; then the report."""

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import lightning as L
from rich.console import Console
from rich.markdown import Markdown

from emlit.errors import ConfigError
from emlit.modules import CausalLM
from emlit.predictions import Prediction
from emlit.report import read_predictions, to_markdown, write_report


class PredictionWriter(L.Callback):
    """Write each batch of `predict` to disk before the next one starts, and go on where a killed run stopped.

    A run's settings stand beside its predictions, so that lines of different settings never mix. Each process writes a
    file of its own; the first puts them together at the end.

    Args:
        overwrite: throw away what is there instead of going on
    """

    def __init__(self, overwrite: bool = False) -> None:
        self.overwrite = overwrite

    def preflight(self, trainer: L.Trainer, module: CausalLM, stage: str) -> None:
        """Find what an earlier run left; raise ConfigError where its settings were others."""
        if stage != "predict":
            return
        self.directory = Path(trainer.default_root_dir)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.part = self.directory / f"predictions.rank{trainer.global_rank}.jsonl"
        self.whole = self.directory / "predictions.jsonl"
        self.settings = self._settings(trainer, module)
        settings_file = self.directory / "predictions.settings.json"
        if trainer.is_global_zero:
            if self.overwrite:
                for file in (self.whole, settings_file, *self.directory.glob("predictions.rank*.jsonl")):
                    file.unlink(missing_ok=True)
            if settings_file.exists() and json.loads(settings_file.read_text()) != self.settings:
                raise ConfigError(
                    f"{self.directory} holds predictions made with other settings ({settings_file.name}); choose "
                    "another --run_dir or set --writer.overwrite true"
                )
            settings_file.write_text(json.dumps(self.settings, indent=2) + "\n")
        trainer.strategy.barrier()
        done: set[tuple[str, str, int]] = set()
        for file in (self.whole, *self.directory.glob("predictions.rank*.jsonl")):
            if file.exists():
                if trainer.is_global_zero:
                    _drop_partial_line(file)
                trainer.strategy.barrier()
                done |= {(p.task, p.id, p.sample) for p in read_predictions(file)}
        trainer.datamodule.finished = done

    @staticmethod
    def _settings(trainer: L.Trainer, module: CausalLM) -> dict[str, Any]:
        data = trainer.datamodule
        decoding = data.engine.decoding
        return {
            "pretrained": module.pretrained,
            "checkpoint": None if trainer.ckpt_path is None else str(trainer.ckpt_path),
            "decoding": None if decoding is None else {type(decoding).__name__: asdict(decoding)},
            "sampling": asdict(data.sampling),
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
        with self.part.open("a", encoding="utf-8") as file:
            file.write(lines)
            file.flush()
            os.fsync(file.fileno())

    def teardown(self, trainer: L.Trainer, pl_module: CausalLM, stage: str) -> None:
        if stage != "predict":
            return
        trainer.strategy.barrier()
        if not trainer.is_global_zero:
            return
        self._merge()
        decoding = self.settings["decoding"]
        label = "plain" if decoding is None else next(iter(decoding))
        rows = write_report(self.directory, f"{label}, T={self.settings['sampling']['temperature']:g}")
        console = Console()
        console.print(Markdown(to_markdown(rows)))
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
        with scratch.open("w", encoding="utf-8") as file:
            for key in sorted(found):
                file.write(json.dumps(found[key].to_dict(), ensure_ascii=False) + "\n")
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(self.whole)
        for part in parts:
            part.unlink()


def _drop_partial_line(path: Path) -> None:
    """Cut what a kill left of a line, so that the next one starts clean."""
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if len(whole) < len(content):
        with path.open("r+b") as file:
            file.truncate(len(whole))
