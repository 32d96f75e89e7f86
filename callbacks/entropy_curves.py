"""TensorBoard: what happens to entropy, rewards, lengths and answers, once an optimiser step."""

import time
from typing import Any

import lightning as L
import torch

from emlit.callbacks.weight_sync import WeightSync, logprob_gap
from emlit.curves.round_tokens import RoundTokens
from emlit.curves.scalars import completion_scalars, over_ranks, token_scalars
from emlit.curves.tensorboard import add_profile, writers
from emlit.errors import require_at_least
from emlit.functional import decile_means, sequence_mean
from emlit.modules import EntropyObjectiveMixin, StepOutput
from emlit.parallel import gradient_norm
from emlit.printable import as_markdown
from emlit.rollout.trainer import Trainer


class EntropyCurves(L.Callback):
    """Scalars, pictures of where entropy sits and sampled completions; docs/curves.md explains each name.

    The micro-batches of a round are put together, so a point is an optimiser step whatever `accumulate_grad_batches`
    is, and so are the processes. The scalars are also in `trainer.callback_metrics`, for Lightning's own EarlyStopping
    and ModelCheckpoint.

    Args:
        tau: nats; `entropy/fraction_above_tau` is the share of tokens above it
        every_n_steps: optimiser steps from one point to the next
        texts: completions to show in the Text tab at each tenth point; 0 for none
    """

    def __init__(self, tau: float = 0.5, every_n_steps: int = 1, texts: int = 4) -> None:
        require_at_least(1, "EntropyCurves", every_n_steps=every_n_steps)
        self.tau, self.every_n_steps, self.texts = tau, every_n_steps, texts
        self.records: list[StepOutput] = []
        self.gradient_norm = torch.zeros(())
        self.last_step = 0
        self.counted_generation = 0.0  # seconds of the round's, in earlier steps
        self.last_end = 0.0  # time.perf_counter() at the end of the last optimiser step

    def on_train_start(self, trainer: Trainer, pl_module: EntropyObjectiveMixin) -> None:
        self.last_step = trainer.global_step
        self.records.clear()

    def on_before_optimizer_step(self, trainer: Trainer, pl_module: EntropyObjectiveMixin, optimizer: Any) -> None:
        self.gradient_norm = gradient_norm(pl_module)

    def on_train_batch_end(self, trainer: Trainer, pl_module: EntropyObjectiveMixin, *_: Any) -> None:
        self.records.append(pl_module.step_output)
        if trainer.global_step == self.last_step:
            return
        step, self.last_step = trainer.global_step, trainer.global_step
        stream = trainer.datamodule.stream
        assert stream is not None
        began = max(stream.round_started, self.last_end)
        self.last_end = time.perf_counter()
        tokens = RoundTokens.of(self.records, pl_module.reduction).over_ranks()
        completions = sum(len(record.batch.tokens) for record in self.records if not record.batch.apart)
        scalars = token_scalars(tokens, self.tau) | over_ranks(completion_scalars(self.records), completions)
        scalars |= over_ranks(self._machinery(trainer, len(tokens), began))
        pl_module.log_dict(scalars, logger=False)
        if self.records[0].batch.sampler_logprobs is not None:
            groups = [group for r in self.records if not r.batch.apart for group in r.batch.groups]
            prompts = [group.prompt for group in groups for _ in group.grades]
            grades = [grade for group in groups for grade in group.grades]
            trainer.datamodule.first_grades.look(prompts, grades, trainer.is_global_zero)
        if step % self.every_n_steps == 0:
            for logger in trainer.loggers:
                logger.log_metrics(scalars, step=step)
            for writer in writers(trainer):
                writer.add_histogram("entropy/tokens", tokens.entropy, step)
                add_profile(writer, "entropy/by_position", decile_means(tokens.entropy, tokens.decile), step)
                if self.texts and (step // self.every_n_steps) % 10 == 1:
                    writer.add_text("samples", self._samples(self.records[0]), step)
        self.records.clear()

    def _machinery(self, trainer: Trainer, tokens: int, began: float) -> dict[str, float]:
        """Losses, gaps and times of this process, of the optimiser step that began at `began`; `tokens` are of all."""
        batch, stream, ends = self.records[0].batch, trainer.datamodule.stream, self.records[-1].batch.ends_round
        assert stream is not None
        seconds = self.last_end - began
        sync = next((c.seconds for c in trainer.callbacks if isinstance(c, WeightSync)), 0.0) if ends else 0.0
        # A round ahead is waited for at the end of the last update that it delays.
        earlier = self.counted_generation if began != stream.round_started else 0.0
        self.counted_generation = stream.generation_seconds
        generation = stream.generation_seconds - earlier
        gaps = {}
        if batch.sampler_logprobs is not None:
            gaps["sync/staleness"] = float(trainer.global_step - 1 - batch.weights_version)
        # Later updates of a round, and rounds ahead, are scored by newer weights than those that sampled them.
        if gaps.get("sync/staleness") == 0:
            own = [record for record in self.records if not record.batch.apart]
            means, largest = torch.stack([logprob_gap(record) for record in own]).unbind(dim=1)
            gaps["sync/logprob_gap"] = means.mean().item()
            gaps["sync/logprob_gap_max"] = largest.max().item()
        return {
            **gaps,
            "loss/total": torch.stack([record.loss for record in self.records]).sum().item(),
            "optimizer/gradient_norm": float(self.gradient_norm),
            "optimizer/learning_rate": trainer.optimizers[0].param_groups[0]["lr"],
            "time/step": seconds,
            "time/generate": generation,
            "time/sync": sync,
            "time/train": max(0.0, seconds - generation - sync),
            "throughput/tokens_per_s": tokens / seconds,
        }

    def _samples(self, record: StepOutput) -> str:
        """A few completions as a Markdown table, the first of each of the first groups."""
        n = record.batch.samples_per_prompt
        means = sequence_mean(record.stats.entropy, record.batch.completion_mask)
        lines = ["| prompt | completion | mean entropy | correct |", "| --- | --- | --- | --- |"]
        for index, group in enumerate(record.batch.groups[: self.texts]):
            row = group.prompt.row
            grade = group.grades[0]
            prompt = row.messages()[-1]["content"]
            lines.append(f"| {_cell(prompt)} | {_cell(group.texts[0])} | {means[index * n]:.3f} | {grade.correct} |")
        lines += ["", "`samples.html` in the run directory has more of them, every token coloured by its entropy."]
        return "\n".join(lines)


def _cell(text: str) -> str:
    return "<br>".join(as_markdown(line, 2000) for line in text[:2000].split("\n"))
