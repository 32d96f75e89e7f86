"""TensorBoard: what happens to entropy, rewards, lengths and answers, once an optimiser step."""

import time
from typing import Any

import lightning as L
import torch
from lightning.pytorch.loggers import TensorBoardLogger

from callbacks.weight_sync import WeightSync, logprob_gap
from emlit.errors import ConfigError
from emlit.functional import sequence_mean
from emlit.modules import CausalLM, StepRecord


class EntropyCurves(L.Callback):
    """Scalars, a histogram of token entropies and sampled completions; docs/curves.md explains each name.

    The micro-batches of a round are put together, so a point is an optimiser step whatever `accumulate_grad_batches`
    is. The scalars are also in `trainer.callback_metrics`, for Lightning's own EarlyStopping and ModelCheckpoint.

    Args:
        tau: nats; `entropy/fraction_above_tau` is the share of tokens above it
        every_n_steps: optimiser steps from one point to the next
        texts: completions to show at each tenth point; 0 for none
    """

    def __init__(self, tau: float = 0.5, every_n_steps: int = 1, texts: int = 4) -> None:
        if every_n_steps < 1:
            raise ConfigError(f"every_n_steps of EntropyCurves is {every_n_steps}; it must be at least 1")
        self.tau, self.every_n_steps, self.texts = tau, every_n_steps, texts
        self.records: list[StepRecord] = []
        self.gradient_norm = 0.0
        self.last_step = 0

    def on_train_start(self, trainer: L.Trainer, pl_module: CausalLM) -> None:
        self.last_step = trainer.global_step
        self.records.clear()

    def on_before_optimizer_step(self, trainer: L.Trainer, pl_module: CausalLM, optimizer: Any) -> None:
        gradients = [parameter.grad for parameter in pl_module.parameters() if parameter.grad is not None]
        self.gradient_norm = float(torch.nn.utils.get_total_norm(gradients))

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: CausalLM, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        self.records.append(pl_module.record)
        if trainer.global_step == self.last_step:
            return
        step, self.last_step = trainer.global_step, trainer.global_step
        scalars = self._scalars(trainer, seconds=time.perf_counter() - trainer.datamodule.stream.round_started)
        scalars = over_ranks(scalars)
        pl_module.log_dict(scalars, logger=False)
        if step % self.every_n_steps == 0:
            for logger in trainer.loggers:
                logger.log_metrics(scalars, step=step)
            self._pictures(trainer, step)
        self.records.clear()

    def _scalars(self, trainer: L.Trainer, seconds: float) -> dict[str, float]:
        records, data = self.records, trainer.datamodule
        entropy = torch.cat([r.stats.entropy[r.batch.completion_mask] for r in records])
        logprob = torch.cat([r.stats.logprob[r.batch.completion_mask] for r in records])
        completions = [c for r in records for group in r.batch.groups for c in group.completions]
        gaps = [logprob_gap(record) for record in records]
        sync = next((c.seconds for c in trainer.callbacks if isinstance(c, WeightSync)), 0.0)
        generation = data.stream.generation_seconds
        scalars = {
            "entropy/token_mean": entropy.mean().item(),
            "entropy/fraction_above_tau": (entropy > self.tau).float().mean().item(),
            "logprob/token_mean": logprob.mean().item(),
            "length/mean": sum(len(c.tokens) for c in completions) / len(completions),
            "length/truncated": sum(c.finish_reason == "length" for c in completions) / len(completions),
            "sync/logprob_gap": sum(mean for mean, _ in gaps) / len(gaps),
            "sync/logprob_gap_max": max(largest for _, largest in gaps),
            "loss/total": sum(record.loss.item() for record in records),
            "optimizer/gradient_norm": self.gradient_norm,
            "optimizer/learning_rate": trainer.optimizers[0].param_groups[0]["lr"],
            "time/step": seconds,
            "time/generate": generation,
            "time/sync": sync,
            "time/train": max(0.0, seconds - generation - sync),
            "throughput/tokens_per_s": len(entropy) / seconds,
        }
        return scalars | self._extra_values() | self._grades()

    def _extra_values(self) -> dict[str, float]:
        """What the objective recorded: rewards of whole completions, KL of tokens, and so on."""
        found: dict[str, float] = {}
        for name in self.records[0].values:
            if name == "reward":
                grouped = torch.cat([r.values[name].view(-1, r.batch.samples_per_prompt) for r in self.records])
                found["reward/mean"] = grouped.mean().item()
                found["reward/std"] = grouped.std(dim=1).mean().item()
            else:
                tokens = torch.cat([r.values[name][r.batch.completion_mask] for r in self.records])
                found[name if "/" in name else f"{name}/abs_mean"] = tokens.abs().mean().item()
        return found

    def _grades(self) -> dict[str, float]:
        """Format, and accuracy where there are labels: measured, never trained on."""
        grades = [
            group.prompt.task.grade(group.prompt.row, text)
            for record in self.records
            for group in record.batch.groups
            for text in group.texts
        ]
        found = {"format/rate": sum(grade.format_ok for grade in grades) / len(grades)}
        labelled = [grade.correct for grade in grades if grade.correct is not None]
        if labelled:
            found["accuracy/pass@1"] = sum(labelled) / len(labelled)
        return found

    def _pictures(self, trainer: L.Trainer, step: int) -> None:
        writers = [logger.experiment for logger in trainer.loggers if isinstance(logger, TensorBoardLogger)]
        if not writers or not trainer.is_global_zero:
            return
        record = self.records[0]
        entropy = torch.cat([r.stats.entropy[r.batch.completion_mask] for r in self.records])
        for writer in writers:
            writer.add_histogram("entropy/tokens", entropy[entropy.isfinite()].cpu(), step)
            if self.texts and (step // self.every_n_steps) % 10 == 1:
                writer.add_text("samples", self._samples(record), step)

    def _samples(self, record: StepRecord) -> str:
        """A few completions as a Markdown table, the first of each of the first groups."""
        n = record.batch.samples_per_prompt
        means = sequence_mean(record.stats.entropy, record.batch.completion_mask)
        lines = ["| prompt | completion | mean entropy | correct |", "| --- | --- | --- | --- |"]
        for index, group in enumerate(record.batch.groups[: self.texts]):
            row = group.prompt.row
            grade = group.prompt.task.grade(row, group.texts[0])
            prompt = row.messages()[-1]["content"]
            lines.append(f"| {_cell(prompt)} | {_cell(group.texts[0])} | {means[index * n]:.3f} | {grade.correct} |")
        return "\n".join(lines)


def over_ranks(scalars: dict[str, float]) -> dict[str, float]:
    """Of every process together: shares of the loss and tokens add up, the largest gap counts, the rest is averaged."""
    if not torch.distributed.is_initialized() or torch.distributed.get_world_size() == 1:
        return scalars
    found: list[dict[str, float]] = [{} for _ in range(torch.distributed.get_world_size())]
    torch.distributed.all_gather_object(found, scalars)
    merged = {}
    for name in scalars:
        values = [each[name] for each in found if name in each]
        if name in ("loss/total", "throughput/tokens_per_s"):
            merged[name] = sum(values)
        else:
            merged[name] = max(values) if name == "sync/logprob_gap_max" else sum(values) / len(values)
    return merged


def _cell(text: str) -> str:
    return text[:2000].replace("|", "\\|").replace("\n", "<br>")
