"""A fixed set of prompts that is answered again and again, always with the same seeds, to see a model change."""

import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from emlit import progress
from emlit.collapse.signals import Answered, Signals, is_contested, measure, votes
from emlit.collapse.size import ProbeSize
from emlit.engines import sample
from emlit.errors import ConfigError
from emlit.functional import TokenStats
from emlit.modules import CausalLM
from emlit.processes import all_gather
from emlit.records import Completion, Grade, Prompt, Request, request_seed
from emlit.rollout import Prompts, RolloutDataModule, render
from emlit.tasks import Task

Groups = list[list[Completion]]  # of each prompt
Scores = list[list[TokenStats]]


@dataclass(frozen=True)
class Start:
    """What a prompt was answered before training.

    Attributes:
        vote: the most frequent answer; None where none was found
        completions: the first of them
        logprob: of those together, under the model of the time, nats
    """

    vote: str | None
    completions: Sequence[Completion]
    logprob: float


class Probe:
    """Prompts, and what the model made of them before training. Each process answers its share.

    Args:
        pool: what the prompts are drawn from
        size: how many prompts, and how many completions of each; those at the start vote, and later ones are compared
            with the votes
        seed: of the draw and of every completion
        labelled: whether labels may be read; they are where every prompt has one
    """

    def __init__(
        self,
        pool: Prompts,
        size: ProbeSize,
        seed: int,
        labelled: bool = False,
    ) -> None:
        drawn = random.Random(request_seed(seed, "probe")).sample(range(len(pool)), min(size.prompts, len(pool)))
        # Ids of a streamed set may come twice.
        self.prompts = list({each.row.id: each for each in (pool[index] for index in sorted(drawn))}.values())
        self.size, self.seed = size, seed
        self.labelled = labelled and all(each.row.answer is not None for each in self.prompts)
        self.start: dict[str, Start] = {}  # by the prompt's id, of this process's share
        self.contested: float | None = None  # share of prompts to which the start held two answers

    def measure(self, module: CausalLM) -> Signals:
        """Answer the probe with the engine, score it with the module; the first call is the start."""
        name = "start probe" if self.contested is None else f"probe after step {module.trainer.global_step}"
        with module.measurement(), progress.phase(name):
            return self._measure(module)

    def _measure(self, module: CausalLM) -> Signals:
        trainer = module.trainer
        mine = self.prompts[trainer.global_rank :: trainer.world_size]
        first = self.contested is None
        groups, scored = (self._begin if first else self._again)(module, mine)
        answered = []
        with progress.phase("grading", len(mine), "prompts") as phase:
            for each in zip(mine, groups, scored, strict=True):
                answered.append(self._answered(module, *each))
                phase.advance()
        start = [self.start[prompt.row.id] for prompt in mine]
        before = [each.completions for each in start]
        rescored = scored if first else self._score(module, mine, before)
        lost = sum(each.logprob for each in start) - sum(map(_logprob, rescored))
        length = sum(len(completion.tokens) for group in before for completion in group)
        parts = all_gather((answered, [each.vote for each in start], lost, length))
        return measure(
            [each for part in parts for each in part[0]],
            [vote for part in parts for vote in part[1]],
            kl=sum(part[2] for part in parts) / max(1, sum(part[3] for part in parts)),
            same=self.prompts[0].task.equal,
        )

    def _again(self, module: CausalLM, mine: Sequence[Prompt]) -> tuple[Groups, Scores]:
        groups = self._sample(module, mine, self.size.samples)
        return groups, self._score(module, mine, groups)

    def _begin(self, module: CausalLM, mine: Sequence[Prompt]) -> tuple[Groups, Scores]:
        """Sample the votes; the first completions of each prompt are its start."""
        groups, same = self._sample(module, mine, self.size.start_samples), self.prompts[0].task.equal
        answers = [
            [grade.answer for grade in _grades(module, _unlabelled(prompt), group)]
            for prompt, group in zip(mine, groups, strict=True)
        ]
        held = [each for part in all_gather([is_contested(each, same) for each in answers]) for each in part]
        self.contested = sum(held) / len(held)
        # What the engine knows of them is of these weights, and rounded otherwise than what the model will say later.
        groups = [[replace(each, stats=None) for each in group[: self.size.samples]] for group in groups]
        scored = self._score(module, mine, groups)
        for prompt, given, group, stats in zip(mine, answers, groups, scored, strict=True):
            vote = next((answer for answer, _ in votes(given, same)), None)
            self.start[prompt.row.id] = Start(vote, group, _logprob(stats))
        return groups, scored

    def _sample(self, module: CausalLM, mine: Sequence[Prompt], samples: int) -> Groups:
        requests = [
            Request(prompt.tokens, request_seed(self.seed, "probe", prompt.row.id, sample))
            for prompt in mine
            for sample in range(samples)
        ]
        flat = sample(module.engine, requests, module.data.sampling) if requests else []
        return [flat[first : first + samples] for first in range(0, len(flat), samples)]

    @staticmethod
    def _score(module: CausalLM, mine: Sequence[Prompt], groups: Sequence[Sequence[Completion]]) -> Scores:
        rows = [(prompt.tokens, each) for prompt, group in zip(mine, groups, strict=True) for each in group]
        stats = iter(module.score_drawn([tokens for tokens, _ in rows], [each for _, each in rows]))
        return [[next(stats) for _ in group] for group in groups]

    def _answered(
        self, module: CausalLM, prompt: Prompt, group: Sequence[Completion], stats: Sequence[TokenStats]
    ) -> Answered:
        grades = _grades(module, prompt if self.labelled else _unlabelled(prompt), group)
        return Answered(
            answers=[grade.answer for grade in grades],
            texts=_texts(module, group),
            tokens=[each.tokens for each in group],
            entropies=[each.entropy.mean().item() for each in stats],
            format_ok=[grade.format_ok for grade in grades],
            truncated=[each.finish_reason == "length" for each in group],
            correct=[bool(grade.correct) for grade in grades] if self.labelled else (),
        )

    def state_dict(self) -> dict[str, Any]:
        """Of all processes together; each of them must call it."""
        start = {key: asdict(each) for part in all_gather(self.start) for key, each in part.items()}
        return {"start": start, "contested": self.contested, "labelled": self.labelled}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Raises ConfigError where the state is that of other prompts."""
        ids = {prompt.row.id for prompt in self.prompts}
        if state["start"].keys() != ids:
            raise ConfigError(
                "the checkpoint's run had another probe for its collapse guard: resume with the same seed, data.train, "
                "guard.prompts and guard.labelled, or with --guard.mode off"
            )
        for key, each in state["start"].items():
            completions = [Completion(**completion) for completion in each["completions"]]
            self.start[key] = Start(each["vote"], completions, each["logprob"])
        self.contested = state["contested"]
        self.labelled = state.get("labelled", self.labelled)  # as its earlier scores were made


def _logprob(stats: Sequence[TokenStats]) -> float:
    """log p of a group's completions together."""
    return sum(each.logprob.sum().item() for each in stats)


def labelled_prompts(task: Task, data: RolloutDataModule) -> Prompts:
    """A validation set as a probe's pool; ConfigError where a row has no label."""
    prompts = render(task, data.tokenizer, data.longest_prompt)
    if bare := next((prompt for prompt in prompts if prompt.row.answer is None), None):
        raise ConfigError(
            f"guard.labelled has a row without a label ({bare.row.source or bare.row.id}); label it, or leave "
            "guard.labelled out"
        )
    return prompts


def _unlabelled(prompt: Prompt) -> Prompt:
    return replace(prompt, row=replace(prompt.row, answer=None))


def _grades(module: CausalLM, prompt: Prompt, group: Sequence[Completion]) -> list[Grade]:
    return prompt.task.grade_all([(prompt.row, text) for text in _texts(module, group)])


def _texts(module: CausalLM, group: Sequence[Completion]) -> list[str]:
    return module.data.tokenizer.batch_decode([each.tokens for each in group], skip_special_tokens=True)
