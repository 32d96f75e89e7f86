"""Entropic particle filtering: many beginnings of a reply, of which the confident ones go on (arXiv 2510.05825)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch

from emlit import progress
from emlit.errors import ConfigError, require_at_least
from emlit.functional import annealed_weights, systematic_resampling
from emlit.records import Ask, Completion, FinishReason, Reply, Sampler, Sampling, Turn, request_seed
from emlit.strategies.base import Strategy
from emlit.strategies.confidence import mean_logprob, require_draws

_LEAST = 1e-7  # of a confidence and its complement, as in its_hub: at 1 the log-odds would be infinite


@dataclass(frozen=True)
class Particle:
    """A reply so far.

    Attributes:
        tokens: of all its steps
        logprobs: theirs, nats
        text: theirs
        weight: logarithm of its weight, by its last step alone
        ended: why nothing follows; None while it goes on
    """

    tokens: list[int]
    logprobs: list[float]
    text: str
    weight: float = 0.0
    ended: FinishReason | None = None


def step_weight(logprob: float, weight: Literal["odds", "probability"]) -> float:
    """The logarithm of a step's weight: of s / (1 - s), or of s, where s = exp(mean log-probability of its tokens).

    s is kept within [1e-7, 1 - 1e-7], and is 1e-7 where the mean is nan.
    """
    s = _LEAST if math.isnan(logprob) else min(max(math.exp(min(logprob, 0.0)), _LEAST), 1 - _LEAST)
    return math.log(s / (1 - s)) if weight == "odds" else math.log(s)


class ParticleFiltering(Strategy):
    """Particles grow step by step; after each, all are drawn anew by how sure the model was of their last step.

    Label-free: in place of a process reward model's score, whose log-odds weigh a particle in the paper, stands the
    model's own confidence, as in the public fork of its_hub: exp of the mean log-probability of the step's tokens. (On
    average that is minus their entropy, which engines do not report.) Weights are not carried from step to step.
    Resampling is systematic; where few particles have most of the weight in the first half of the steps, weights are
    flattened (`annealed_weights`). At the end the particle with the greatest weight counts, the first of equals; one
    that was cut at max_tokens only where all were.

    Beware: a short step of one sure phrase outweighs a long one that works something out, so that particles that say
    little, or end at once, win. `stop: null` makes all steps as long as each other.

    Args:
        particles: replies that are alive at once
        steps: at most so many; the last one goes on to the reply's end
        step_tokens: a step is over after so many tokens; max_tokens / steps unless set
        stop: a step is over after this text, too; null for none
        weight: a step weighs its odds s / (1 - s), as the paper has it for scores, or its probability s
        options: as of Sampled
    """

    needs_logprobs = True

    def __init__(
        self,
        particles: int = 4,
        steps: int = 8,
        step_tokens: int | None = None,
        stop: str | None = "\n\n",
        weight: Literal["odds", "probability"] = "odds",
        **options: Any,
    ) -> None:
        require_at_least(2, particles=particles, steps=steps)
        require_at_least(1, step_tokens=step_tokens)
        if stop == "":
            raise ConfigError("stop is empty, which would end every step at once; set it to null for none")
        if weight not in ("odds", "probability"):
            raise ConfigError(f"weight is {weight!r}; it must be odds or probability")
        super().__init__(**options)
        self.particles, self.steps, self.step_tokens = particles, steps, step_tokens
        self.stop, self.weight = stop, weight

    @property
    def kind(self) -> str:
        return f"particle filtering of {self.particles}, {self.steps} steps"

    def sampling(self, default: Sampling) -> Sampling:
        sampling = super().sampling(default)
        require_draws(sampling, self)
        spent = (self.steps - 1) * max(1, self._step_tokens(sampling))
        if sampling.max_tokens <= spent:
            raise ConfigError(
                f"data.sampling.max_tokens is {sampling.max_tokens}, but ParticleFiltering may take {spent} before its "
                "last step; raise it, or lower steps or step_tokens"
            )
        return sampling

    def _step_tokens(self, sampling: Sampling) -> int:
        return self.step_tokens or sampling.max_tokens // self.steps

    def turn(self, asks: Sequence[Ask], sample: Sampler) -> list[Turn | None]:
        clouds = [[Particle([], [], "")] * self.particles for _ in asks]
        prompts: list[list[int]] = [[] for _ in asks]
        sampled = [0] * len(asks)
        with progress.phase("filtering", self.steps, "steps") as phase:
            for step in range(1, self.steps + 1):
                growing = [(i, slot) for i, cloud in enumerate(clouds) for slot, p in enumerate(cloud) if not p.ended]
                if not growing:
                    break
                replies = sample([self._ask(asks[i], clouds[i][slot], slot, step) for i, slot in growing])
                for (i, slot), reply in zip(growing, replies, strict=True):
                    clouds[i][slot] = self._grown(clouds[i][slot], reply, asks[i], last=step == self.steps)
                    if reply is not None:
                        prompts[i] = prompts[i] or reply.prompt
                        sampled[i] += len(reply.completion.tokens)
                if step < self.steps:
                    clouds = [self._resampled(ask, cloud, step) for ask, cloud in zip(asks, clouds, strict=True)]
                phase.advance()
        chosen = map(self._chosen, clouds)
        return [
            Turn(Reply(prompt, Completion(p.tokens, p.logprobs, p.ended or "length"), p.text), len(prompt), count)
            if prompt
            else None  # it has outgrown the context
            for p, prompt, count in zip(chosen, prompts, sampled, strict=True)
        ]

    def _sampling(self, ask: Ask) -> Sampling:
        return self.sampling(Sampling()) if ask.sampling is None else ask.sampling

    def _ask(self, ask: Ask, particle: Particle, slot: int, step: int) -> Ask:
        sampling = self._sampling(ask)
        tokens = self._step_tokens(sampling)
        if step == self.steps:  # every step before may have had all of its tokens
            sampling = replace(sampling, max_tokens=sampling.max_tokens - tokens * (self.steps - 1))
        else:
            stop = sampling.stop if self.stop is None else [*sampling.stop, self.stop]
            sampling = replace(sampling, max_tokens=tokens, stop=stop)
        number = ask.sample * self.particles + slot
        return replace(ask, sample=number, draft=ask.draft + step - 1, given=particle.tokens, sampling=sampling)

    def _grown(self, particle: Particle, reply: Reply | None, ask: Ask, last: bool) -> Particle:
        """The particle after one more step."""
        if reply is None:  # the context is full
            return replace(particle, ended="length")
        completion, before = reply.completion, particle.text.rstrip("\ufffd")  # of half a character
        said = reply.text[len(before) :]
        goes_on = last is False and self.stop is not None and self.stop in said
        goes_on = goes_on and not any(each in said for each in self._sampling(ask).stop)
        return Particle(
            [*particle.tokens, *completion.tokens],
            [*particle.logprobs, *(completion.logprobs or ())],
            reply.text,
            step_weight(mean_logprob(completion, self), self.weight),
            "stop" if completion.finish_reason == "stop" and not goes_on else None,
        )

    def _resampled(self, ask: Ask, cloud: list[Particle], step: int) -> list[Particle]:
        """As many particles, drawn by their weights; which ones follows from their tokens, and so from the seed."""
        if all(particle.ended for particle in cloud):
            return cloud
        weights = annealed_weights(torch.tensor([p.weight for p in cloud], dtype=torch.float64), step / self.steps)
        tokens: list[int | str] = []
        for particle in cloud:
            tokens += [*particle.tokens, "end"]
        seed = request_seed("resampling", ask.prompt.task.name, ask.prompt.row.id, ask.sample, ask.turn, step, *tokens)
        return [cloud[index] for index in systematic_resampling(weights, seed / 2**63)]

    @staticmethod
    def _chosen(cloud: list[Particle]) -> Particle:
        """The particle that counts; max takes the first of equals."""
        return max(cloud, key=lambda particle: (particle.ended == "stop", particle.weight))
