"""From a round's prompts to its groups of completions, wave by wave."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from emlit.engines import Engine, sample
from emlit.processes import all_gather
from emlit.records import Completion, Group, Prompt, Request, Sampling, request_seed
from emlit.rollout.round_plan import RoundPlan
from emlit.rollouts import Branch, Rollouts, SampledRound, Score, TrainedRound

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

# A process's prompts of a round, each with its place in the run.
Drawn = Sequence[tuple[int, Prompt]]


@dataclass(frozen=True)
class Trainee:
    """What the policy in training tells of completions that are not trained on yet.

    Attributes:
        score: log p and H of their tokens
        rewards: of groups of them; None for an objective without a reward
    """

    score: Score
    rewards: Callable[[Sequence[Group]], list[list[float]]] | None = None


def _no_trainee(*_: Any) -> Any:
    raise RuntimeError("the rollouts ask the policy in training, but the stream was not given one")


class Waves:
    """Has an engine sample what `Rollouts` ask for.

    Args:
        rollouts: what is asked for, and what is trained on
        engine: what samples
        tokenizer: decodes completions
        sampling: how, unless a wave says
        shape: of a round
        seed: of the run
        prompt_at: the prompt at a place of the run
        trainee: the policy in training; None where the rollouts do not ask it
        gather: a value of every process
    """

    def __init__(
        self,
        rollouts: Rollouts,
        engine: Engine,
        tokenizer: "PreTrainedTokenizerBase",
        sampling: Sampling,
        shape: RoundPlan,
        seed: int,
        prompt_at: Callable[[int], Prompt],
        trainee: Trainee | None = None,
        gather: Callable[[Any], list[Any]] = all_gather,
    ) -> None:
        self.rollouts, self.engine, self.tokenizer, self.sampling = rollouts, engine, tokenizer, sampling
        self.shape, self.seed, self.prompt_at, self.gather = shape, seed, prompt_at, gather
        self.score = trainee.score if trainee is not None else _no_trainee
        self.rewards = trainee.rewards if trainee is not None and trainee.rewards is not None else _no_trainee

    def requests(self, drawn: Drawn) -> list[Request]:
        """Those of the first wave."""
        return [
            Request(prompt.tokens, request_seed(self.seed, "train", place, number))
            for place, prompt in drawn
            for number in range(self.rollouts.first(self.shape.samples))
        ]

    def groups(self, drawn: Drawn, completions: Sequence[Completion]) -> list[Group]:
        """The first wave's completions of each prompt, with their texts."""
        n, texts = self.rollouts.first(self.shape.samples), self._texts(completions)
        return [
            Group(prompt, completions[i * n : (i + 1) * n], texts[i * n : (i + 1) * n], self.decode)
            for i, (_, prompt) in enumerate(drawn)
        ]

    def more(self, number: int, drawn: Drawn, groups: Sequence[Group], version: int) -> Sequence[Group]:
        """The groups with the completions of all further waves."""
        for wave in range(1, self.rollouts.waves):
            branches = self.rollouts.more(self._sampled(number, wave, drawn, groups, version))
            completions = self._branches(wave, drawn, branches)
            texts = self._texts(completions)
            added: list[list[int]] = [[] for _ in groups]
            for i, branch in enumerate(branches):
                added[branch.group].append(i)
            groups = [
                replace(
                    group,
                    completions=[*group.completions, *(completions[i] for i in more)],
                    texts=[*group.texts, *(texts[i] for i in more)],
                )
                for group, more in zip(groups, added, strict=True)
            ]
        return groups

    def trained(self, number: int, drawn: Drawn, groups: Sequence[Group], version: int) -> TrainedRound:
        """What of the groups, which weights of a version have sampled, is trained on.

        Raises:
            ValueError: another number of completions than each prompt, or place apart, should have
        """
        found = self.rollouts.train(self._sampled(number, self.rollouts.waves, drawn, groups, version))
        for chosen, size in ((found.groups, self.shape.samples), (found.apart, 1)):
            for _, group in chosen:
                if len(group.completions) != size:
                    raise ValueError(
                        f"{type(self.rollouts).__name__} trains on {len(group.completions)} completions of a group "
                        f"where there must be {size}"
                    )
        return found

    def decode(self, tokens: list[int]) -> str:
        return str(self.tokenizer.decode(tokens, skip_special_tokens=True))

    def _texts(self, completions: Sequence[Completion]) -> list[str]:
        return self.tokenizer.batch_decode([c.tokens for c in completions], skip_special_tokens=True)

    def _branches(self, wave: int, drawn: Drawn, branches: Sequence[Branch]) -> list[Completion]:
        """The completions of a further wave, in order; those of one temperature are asked for together."""
        counts: dict[int, int] = {}
        asked: dict[float | None, list[tuple[int, Request]]] = {}
        for i, branch in enumerate(branches):
            place, prompt = drawn[branch.group]
            counts[place] = counts.get(place, -1) + 1
            seed = request_seed(self.seed, "train", place, counts[place], wave)
            request = Request([*prompt.tokens, *branch.given], seed)
            asked.setdefault(branch.temperature, []).append((i, request))
        found: dict[int, Completion] = {}
        for temperature, requests in asked.items():
            sampling = self.sampling if temperature is None else replace(self.sampling, temperature=temperature)
            completions = sample(self.engine, [request for _, request in requests], sampling)
            for (i, _), completion in zip(requests, completions, strict=True):
                found[i] = _continued(branches[i], completion)
        return [found[i] for i in range(len(branches))]

    def _sampled(self, number: int, wave: int, drawn: Drawn, groups: Sequence[Group], version: int) -> SampledRound:
        shape, places = self.shape, [place for place, _ in drawn]
        return SampledRound(
            number, wave, shape.samples, shape.prompts, places, groups, self.decode, self.seed, version, self.score,
            self.rewards, self.prompt_at, self.gather, shape.rank, shape.ranks,
        )  # fmt: skip


def _continued(branch: Branch, completion: Completion) -> Completion:
    """What was sampled, behind what was given."""
    assert completion.logprobs is not None
    given = list(branch.given)
    return replace(
        completion,
        tokens=given + completion.tokens,
        logprobs=[0.0] * len(given) + completion.logprobs,
        given=len(given),
        temperature=branch.temperature,
        stats=None,  # of what was given nothing is known
    )
