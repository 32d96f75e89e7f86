"""samples.html: completions of the run, every token coloured by its entropy."""

import math
from pathlib import Path
from typing import Any

import lightning as L

from emlit.errors import ConfigError, require_at_least
from emlit.modules import EntropyObjectiveMixin, StepOutput
from emlit.resilience.files import delete, write_whole
from emlit.resilience.marks import require_own
from emlit.rollout import request_seed
from emlit.rollout.trainer import Trainer
from emlit.samples import PageInfo, SampleStore, choose, render, sample_of


class SamplesPage(L.Callback):
    """Keep a few completions of the rounds that are trained on, and write them as a page to read in a browser.

    `samples.jsonl` in the run directory gets them line by line, `samples.html` is written whole from it. A resumed
    run adds to both. With several processes they are the first one's.

    Args:
        every_n_steps: optimiser steps from one look to the next; unless set, a twentieth of the run. The first step and
            the last are always looked at
        completions: at each look; 0 for no page
        max_tokens: kept of a completion; of a longer one, its beginning and its end
        page_completions: shown on the page; of a run with more, those of both ends and evenly spread ones
    """

    def __init__(
        self,
        every_n_steps: int | None = None,
        completions: int = 16,
        max_tokens: int = 512,
        page_completions: int = 400,
    ) -> None:
        require_at_least(1, "SamplesPage", every_n_steps=every_n_steps)
        if completions < 0:
            raise ConfigError(f"completions of SamplesPage is {completions}; it must not be negative (0 is no page)")
        require_at_least(4, "SamplesPage", max_tokens=max_tokens)
        if page_completions < 2 * completions:
            raise ConfigError(
                f"page_completions is {page_completions}, which leaves no room for the first and the last step with "
                f"{completions} completions each; raise it or lower completions"
            )
        self.every_n_steps, self.completions = every_n_steps, completions
        self.max_tokens, self.page_completions = max_tokens, page_completions
        self.records: list[StepOutput] = []
        self.step, self.step_taken = 0, False

    @staticmethod
    def path(trainer: Trainer) -> Path:
        return Path(trainer.default_root_dir) / "samples.html"

    def on_train_start(self, trainer: Trainer, pl_module: EntropyObjectiveMixin) -> None:
        self.step, self.last_step = trainer.global_step, planned_steps(trainer)
        self.records.clear()
        self.store = SampleStore(self.path(trainer).with_suffix(".jsonl"))
        if self._is_on(trainer):
            self.store.load(trainer.global_step)
            if self.store.places:
                self._write(trainer, pl_module)
            else:
                require_own(self.path(trainer))
                delete(self.path(trainer))

    def on_train_batch_end(self, trainer: Trainer, pl_module: EntropyObjectiveMixin, *_: Any) -> None:
        if not self._is_on(trainer):
            return
        if self.step_taken:  # kept until now, for on_train_end
            self.records.clear()
        self.records.append(pl_module.step_output)
        self.step_taken = trainer.global_step != self.step
        if not self.step_taken:
            return
        self.step = trainer.global_step
        if is_due(self.step, self.every_n_steps, self.last_step):
            self._look(trainer, pl_module)

    def on_train_end(self, trainer: Trainer, pl_module: EntropyObjectiveMixin) -> None:
        # A run that was stopped early, by time or by another callback, ends at a step that was not planned.
        if self._is_on(trainer) and self.records and self.step not in self.store.places:
            self._look(trainer, pl_module)
        self.records.clear()

    def _is_on(self, trainer: Trainer) -> bool:
        return self.completions > 0 and trainer.is_global_zero

    def _look(self, trainer: Trainer, module: EntropyObjectiveMixin) -> None:
        data = trainer.datamodule
        seed = request_seed(data.seed, "samples", self.records[0].batch.round)
        chosen = choose(self.records, self.completions, seed)
        self.store.append([sample_of(self.step, *place, data.tokenizer, self.max_tokens) for place in chosen])
        self._write(trainer, module)

    def _write(self, trainer: Trainer, module: EntropyObjectiveMixin) -> None:
        temperature = trainer.datamodule.sampling.temperature
        info = PageInfo(
            run="/".join(self.path(trainer).resolve().parent.parts[-2:]),
            objective=type(module).__name__,
            pretrained=module.pretrained,
            temperature=temperature,
            entropy_temperature=module.entropy_temperature or temperature,
            max_tokens=self.max_tokens,
            page_completions=self.page_completions,
            steps=len(self.store.places),
        )
        write_whole(self.path(trainer), render(info, self.store.spread(self.page_completions)))


def planned_steps(trainer: Trainer) -> int | None:
    """How many optimiser steps the run will have taken at its end; None where nothing says so."""
    steps = trainer.estimated_stepping_batches
    return int(steps) if math.isfinite(steps) and steps > 0 else None


def is_due(step: int, every: int | None, last: int | None) -> bool:
    """Whether to look at a step: the first, the last and every so many.

    Unless `every` is set, a run of known length has about 20 looks, and one of unknown length 20 in its first 200 steps
    and 10 more each time that its length doubles.
    """
    if every is None:
        growing = 10 * 2 ** max(0, math.ceil(math.log2(step / 200)))
        every = growing if last is None else max(1, round(last / 20))
    return step in (1, last) or step % every == 0
