"""Completions that branch off from others where the model was least certain."""

from collections.abc import Sequence

from torch import Tensor

from emlit.errors import ConfigError, require_at_least
from emlit.rollouts.base import Branch, Rollouts, SampledRound


class CURE(Rollouts):
    """Re-concatenation at critical tokens (CURE's first stage, arXiv 2508.11016).

    Of each prompt samples_per_prompt / (1 + branches) completions are sampled; each is cut before one of its tokens of
    highest entropy, drawn evenly from `top`, and continued `branches` times. All of them are one group. As released, 4
    completions, 3 branches each and the highest 20 of those tokens that are not the first and whose text has two
    characters or more; where there is none, the branch starts from the prompt.

    The group's baseline mixes completions from different starts, as in the released code. That code cuts a prefix that
    does not fit its longest prompt, at the end where the critical token is; here prompt and prefix are always shorter
    than the completion that they come from, and fit. A branch may have sampling.max_tokens tokens of its own.

    Args:
        branches: of each completion
        top: tokens of highest entropy that one is drawn from
        characters: the fewest that a token's text has, blanks aside
    """

    waves = 2

    def __init__(self, branches: int = 3, top: int = 20, characters: int = 2) -> None:
        require_at_least(1, "CURE", branches=branches, top=top, characters=characters)
        self.branches, self.top, self.characters = branches, top, characters

    def check(self, samples: int) -> None:
        _require_multiple(samples, 1 + self.branches, "CURE")

    def first(self, samples: int) -> int:
        return samples // (1 + self.branches)

    def more(self, sampled: SampledRound) -> list[Branch]:
        branches = []
        for number, (group, stats) in enumerate(zip(sampled.groups, sampled.stats(), strict=True)):
            for i, (completion, each) in enumerate(zip(group.completions, stats, strict=True)):
                critical = self._critical(completion.tokens, each.entropy, sampled)
                draw = sampled.generator(sampled.places[number], i)
                cut = draw.choice(critical) if critical else 0
                branches += [Branch(number, completion.tokens[:cut])] * self.branches
        return branches

    def _critical(self, tokens: list[int], entropy: Tensor, sampled: SampledRound) -> list[int]:
        found: list[int] = []
        for place in _by_entropy(entropy):
            # A special token has no text.
            if place and len(sampled.decode([tokens[place]]).strip()) >= self.characters:
                found.append(place)
            if len(found) == self.top:
                break
        return found


class EntropyTree(Rollouts):
    """Trees that fork at the tokens of highest entropy (ETTRL's ETMR, arXiv 2508.11356).

    Of each prompt samples_per_prompt / (1 + forks * branches) completions are sampled; each is cut before its `forks`
    tokens of highest entropy, the first one aside, and continued `branches` times from each. The paper has 12
    completions of 2 forks and 2 branches: 60 in all, for about 60 % of the tokens. It has no code; that the token at
    the fork is drawn anew is emlit's reading. All completions are one group; with `MajorityReward` all of them vote.

    Args:
        forks: of each completion; in one of fewer tokens its forks are used in turn
        branches: from each fork
    """

    waves = 2

    def __init__(self, forks: int = 2, branches: int = 2) -> None:
        require_at_least(1, "EntropyTree", forks=forks, branches=branches)
        self.forks, self.branches = forks, branches

    def check(self, samples: int) -> None:
        _require_multiple(samples, 1 + self.forks * self.branches, "EntropyTree")

    def first(self, samples: int) -> int:
        return samples // (1 + self.forks * self.branches)

    def more(self, sampled: SampledRound) -> list[Branch]:
        branches = []
        for number, (group, stats) in enumerate(zip(sampled.groups, sampled.stats(), strict=True)):
            for completion, each in zip(group.completions, stats, strict=True):
                places = [place for place in _by_entropy(each.entropy) if place][: self.forks] or [0]
                for fork in range(self.forks):
                    cut = places[fork % len(places)]
                    branches += [Branch(number, completion.tokens[:cut])] * self.branches
        return branches


def _by_entropy(entropy: Tensor) -> Sequence[int]:
    """The places of tokens (length,), the highest entropy first; of equal ones the earlier."""
    return entropy.argsort(descending=True, stable=True).tolist()


def _require_multiple(samples: int, size: int, name: str) -> None:
    if samples % size:
        raise ConfigError(
            f"data.samples_per_prompt is {samples}, but {name} makes {size} completions of each that it starts with; "
            f"set it to a multiple of {size}"
        )
