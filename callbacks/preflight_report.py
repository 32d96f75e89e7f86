"""Before training: what `validate` measures, and what the literature makes of it."""

import json
import re
from collections.abc import Collection
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lightning as L
from lightning.pytorch.trainer.states import TrainerFn
from rich.table import Table
from rich.text import Text
from torchmetrics import Metric

from emlit import progress
from emlit.curves.tensorboard import writers
from emlit.errors import ConfigError
from emlit.metrics import Answers, AnswerTable, Interval
from emlit.modules import CausalLM
from emlit.predictions import Prediction
from emlit.preflight import Scoring, TokenMetric
from emlit.preflight.expectations import Setting, expectations
from emlit.preflight.figures import figures
from emlit.preflight.measurements import measure
from emlit.preflight.model_facts import ModelFacts, model_facts
from emlit.preflight.own_metric import OwnMetric
from emlit.preflight.report import MEANINGS, UNITS, TaskReport, ends, to_markdown
from emlit.resilience.files import replacing, write_whole
from emlit.resilience.marks import create
from emlit.rollout.trainer import Trainer
from emlit.terminal import Terminal

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_STYLES = {"good": "green", "caution": "yellow", "warning": "bold red"}


class PreflightReport(L.Callback):
    """Measure the evaluation prompts of `validate`; say whether the literature expects entropy minimisation to help.

    Prints a table and one sentence a finding in place of Lightning's own table, and writes report.md, report.json,
    preflight/<task>/*.png and TensorBoard's `preflight/…` (docs/preflight.md). In a directory where `predict` left its
    report, the files are preflight.md and preflight.json.

    Args:
        resamples: of the bootstrap over problems, for what is no share
        metrics: more of them, each by its class path: `emlit.preflight.TokenEntropies` and its kin, or one of one's
            own, a torchmetrics Metric whose `update` takes a list of predictions of one task (a `TokenMetric`'s also
            what they were made of); in the report without an interval, under its `name` or that of
            its class, numbered where that is taken; `compute` gives a number, a `TokenMetric`'s several by name
        enabled: False leaves `validate` with Lightning's table alone
    """

    def __init__(self, resamples: int = 1000, metrics: list[Metric] | None = None, enabled: bool = True) -> None:
        if resamples < 100:
            raise ConfigError(f"resamples of PreflightReport is {resamples}; a 95 % interval needs at least 100")
        self.resamples, self.metrics, self.enabled = resamples, metrics or [], enabled
        self.tables: dict[str, AnswerTable] = {}
        self.own: dict[str, list[OwnMetric]] = {}

    def preflight(self, trainer: Trainer, module: CausalLM, stage: str) -> None:
        if stage != "validate" or not self.enabled:
            return
        prompts = len(trainer.datamodule.evaluation_prompts)
        if prompts < trainer.world_size:
            raise ConfigError(
                f"data.evaluation has {prompts} prompts, fewer than the {trainer.world_size} processes that answer "
                "them; lower trainer.devices"
            )
        for metric in self.metrics:
            if isinstance(metric, TokenMetric):
                _require_policy(metric, module)
            OwnMetric(metric).require_usable()
        self.model: ModelFacts = model_facts(module.pretrained, module.trust_remote_code)
        self.checkpoint = trainer.ckpt_path

    def _runs(self, trainer: Trainer) -> bool:
        return self.enabled and trainer.state.fn == TrainerFn.VALIDATING

    def on_validation_start(self, trainer: Trainer, pl_module: CausalLM) -> None:
        if self._runs(trainer):
            names = [task.name for task in trainer.datamodule.evaluation_tasks]
            self.tables = {name: AnswerTable().to(pl_module.device) for name in names}
            self.own = {name: [OwnMetric(each, pl_module.device) for each in self.metrics] for name in names}
            trainer.validate_loop.verbose = False  # its table would repeat this report's

    def on_validation_batch_end(
        self, trainer: Trainer, pl_module: CausalLM, outputs: list[Prediction], *_: Any
    ) -> None:
        if not self._runs(trainer):
            return
        for name, table in self.tables.items():
            places = [place for place, prediction in enumerate(outputs) if prediction.task == name]
            if mine := [outputs[place] for place in places]:
                table.update(mine)
                for metric in self.own[name]:
                    if metric.reads_tokens:
                        answers = [pl_module.scored_answers[place] for place in places]
                        metric.update(mine, answers, Scoring(pl_module.score_completions, pl_module.data.tokenizer))
                    else:
                        metric.update(mine)

    def on_validation_end(self, trainer: Trainer, pl_module: CausalLM) -> None:
        if not self._runs(trainer):
            return
        answers = {name: table.answers() for name, table in self.tables.items()}
        own = {name: [metric.values() for metric in found] for name, found in self.own.items()}
        if trainer.is_global_zero:
            self._report(trainer, {name: found for name, found in answers.items() if len(found)}, own)

    @progress.phase("writing the report")
    def _report(
        self, trainer: Trainer, answers: dict[str, Answers], own: dict[str, list[dict[str, float] | None]]
    ) -> None:
        data = trainer.datamodule
        departs = _departs(trainer)
        name = "plain" if data.sampling.decoding is None else type(data.sampling.decoding).__name__
        decoding = f"{name}, T={data.sampling.temperature:g}"
        reports, pictures, failures = [], {}, []
        directory = Path(trainer.default_root_dir)
        for name, found in answers.items():
            measured = measure(found, self.resamples, data.seed)
            setting = Setting(name, data.sampling.max_tokens, departs)
            reports.append(TaskReport(name, decoding, measured, expectations(measured, self.model, setting)))
            for metric, values in zip(self.own[name], own[name], strict=True):
                if values is None:
                    failures.append(f"{metric.name} has no number for {name}: its {metric.failure}")
                known = () if metric.reads_tokens else (*UNITS, *MEANINGS)  # a TokenMetric of emlit has names there
                for key, value in (values or {}).items():
                    free = _free(key, {*reports[-1].row(), *known})
                    measured.values[free] = Interval(value)
            drawn = figures(found, measured, f"{name}: {measured.problems} problems, {len(found)} completions")
            pictures[name] = _save(drawn, directory, name)
            _to_tensorboard(trainer, reports[-1], drawn)
        facts = {
            "model": self.model.name + ("" if self.checkpoint is None else f", checkpoint {self.checkpoint}"),
            "decoding": decoding,
            "samples of each problem": data.evaluation_samples,
            "seed": data.seed,
            "intervals": f"95 %, over problems; {self.resamples} resamples for what is no share",
        }
        if failures:
            facts["preflight.metrics"] = "; ".join(failures)
        text = to_markdown(reports, facts, pictures)
        stem = "preflight" if (directory / "predictions.settings.json").exists() else "report"
        write_whole(directory / f"{stem}.md", text)
        rows = [report.row() for report in reports]
        write_whole(directory / f"{stem}.json", json.dumps(rows, indent=2) + "\n")
        for writer in writers(trainer):
            writer.add_text("preflight", text, trainer.global_step)
        console = Terminal()
        for report in reports:
            _print(console, report)
        for failure in failures:
            console.print(Text(f"preflight.metrics: {failure}"), soft_wrap=True)
        console.named("report", directory / f"{stem}.md")


def _free(name: str, taken: Collection[str]) -> str:
    """The name, with a number behind it where emlit or another metric has it."""
    names = chain([name], (f"{name} ({number})" for number in count(2)))
    return next(each for each in names if each not in taken)


def _require_policy(metric: TokenMetric, module: CausalLM) -> None:
    name = type(metric).__name__
    if not module.score:
        raise ConfigError(
            f"model.score is false, and {name} of preflight.metrics reads the model's entropies; set it to true"
        )
    if metric.asks_policy and module.sharding is not None:
        raise ConfigError(
            f"{name} of preflight.metrics scores completions of its own, which a model cut over processes cannot; "
            "leave it out, or run validate without trainer.strategy FSDP2"
        )


def _departs(trainer: Trainer) -> str | None:
    """What made the completions other than the model's own at temperature 1."""
    data = trainer.datamodule
    parts = [] if data.sampling.decoding is None else [type(data.sampling.decoding).__name__]
    if data.sampling.temperature != 1:
        parts.append(f"temperature {data.sampling.temperature:g}")
    if data.sampling.filtered:
        parts.append("top_p, top_k or min_p")
    return " and ".join(parts) or None


def _save(drawn: "dict[str, Figure]", directory: Path, task: str) -> list[str]:
    """Write the pictures; return their paths from `directory`."""
    folder = Path("preflight") / re.sub(r"[^\w.-]+", "_", task)
    for name, figure in drawn.items():
        with replacing(directory / folder / f"{name}.png") as scratch, create(scratch) as file:
            figure.savefig(file, format="png")
    return [str(folder / f"{name}.png") for name in drawn]


def _to_tensorboard(trainer: Trainer, report: TaskReport, drawn: "dict[str, Figure]") -> None:
    step, task = trainer.global_step, report.task
    scalars = {f"preflight/{task}/{name}": each.value for name, each in report.measured.values.items()}
    for logger in trainer.loggers:
        logger.log_metrics(scalars, step=step)
    for writer in writers(trainer):
        for name, figure in drawn.items():
            writer.add_figure(f"preflight/{task}/{name}", figure, step, close=False)


def _print(console: Terminal, report: TaskReport) -> None:
    measured = report.measured
    table = Table(title=f"{report.task}: {measured.problems} problems, {measured.completions} completions")
    table.add_column(report.decoding)
    table.add_column("value", justify="right")
    table.add_column("95 % interval", justify="right")
    for name, each in measured.values.items():
        table.add_row(Text(name), f"{each.value:.3f}", ends(each))
    console.print(table)
    for finding in report.findings:
        console.print(Text(f"{finding.level}: ", _STYLES[finding.level]), end="")
        source = "" if finding.rule == "verdict" else f" ({finding.source})"
        console.print(finding.sentence + source, soft_wrap=True)
