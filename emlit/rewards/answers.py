"""Rewards that read the answer: the label's verdict, and the group's vote."""

from collections.abc import Sequence

import torch
from torch import Tensor

from emlit.errors import ConfigError, DataError, require_not_negative
from emlit.functional import AnyStats
from emlit.records import Group, Prompt, RolloutBatch, sent
from emlit.rewards.base import Reward


class VerifiedAnswerReward(Reward):
    """1 for a right answer, by the grading of the row's own task, else 0: the paper's labelled RLOO and GRPO.

    Args:
        format_weight: added where the answer stands where the prompt asked for it, right or wrong
    """

    reads_stats = False
    labelled = True

    def __init__(self, format_weight: float = 0.0) -> None:
        require_not_negative(format_weight=format_weight)
        self.format_weight = format_weight

    def __call__(self, batch: RolloutBatch, stats: AnyStats) -> Tensor:
        grades = [grade for group in batch.groups for grade in group.grades]
        values = [float(bool(grade.correct)) + self.format_weight * grade.format_ok for grade in grades]
        return sent(torch.tensor(values), batch.tokens.device)


class VoteFractionReward(Reward):
    """SC-RL: the share of the group's completions with the same answer, itself included; no label needed.

    r_i = 1/N sum_j [a_i = a_j] (arXiv 2505.15134, Sec. 3.3). Answers are the same where the row's task says so. A
    completion without an answer agrees with itself alone and gets 1/N, as in the released code.
    """

    reads_stats = False

    def check(self, prompts: Sequence[Prompt]) -> None:
        super().check(prompts)
        require_votes(prompts, f"{type(self).__name__} cannot vote; choose another reward")

    def __call__(self, batch: RolloutBatch, stats: AnyStats) -> Tensor:
        values = [share for group in batch.groups for share in vote_fractions(group)]
        return sent(torch.tensor(values), batch.tokens.device)


class MajorityReward(VoteFractionReward):
    """TTRL's: 1 for a completion with the answer that most of the group's completions and votes give, else 0.

    No label; silence cannot win, as it can in the released code; of answers with as many votes the first one wins
    (arXiv 2504.16084). `rollouts.VoteMore` adds votes.
    """

    def __call__(self, batch: RolloutBatch, stats: AnyStats) -> Tensor:
        values = []
        for group in batch.groups:
            largest: list[int] = max(group.classes, key=len, default=[])
            majority = set(largest)
            values += [float(number in majority) for number in range(len(group.completions))]
        return sent(torch.tensor(values), batch.tokens.device)


class EMPOReward(VoteFractionReward):
    """EMPO: the share of the group's completions with the same answer, where the group is neither at odds nor settled.

    The vote fraction, but 0 for a completion without an answer, and 0 for all of a group whose semantic entropy is
    ln N, in which no two answers agree, or whose largest share is out of bounds (arXiv 2504.05812, which bounds the
    semantic entropy). With `GRPO` as the advantage, as released, such a group teaches nothing; the released code
    samples other prompts in its place.

    Args:
        least: the least share that a group's most frequent answer must have; 0.3 in the released runs of verl, none
            in those of TRL
        most: and the greatest
    """

    def __init__(self, least: float = 0.0, most: float = 1.0) -> None:
        if not 0 <= least <= most <= 1:
            raise ConfigError(f"EMPOReward's shares are {least} to {most}; they must lie between 0 and 1, least first")
        self.least, self.most = least, most

    def __call__(self, batch: RolloutBatch, stats: AnyStats) -> Tensor:
        values = []
        for group in batch.groups:
            votes = max((len(members) for members in group.classes), default=0)
            share = votes / (len(group.completions) + len(group.votes))
            told = votes > 1 and self.least <= share <= self.most
            silent = [grade.answer is None for grade in group.grades]
            shares = zip(vote_fractions(group), silent, strict=True)
            values += [share if told and not is_silent else 0.0 for share, is_silent in shares]
        return sent(torch.tensor(values), batch.tokens.device)


def require_votes(prompts: Sequence[Prompt], lacks: str) -> None:
    """Raise DataError, with what one lacks, at the first prompt whose answers are programs."""
    for prompt in prompts:
        if not prompt.task.votes:
            raise DataError(
                f"{prompt.where}: answers of {prompt.task.name} are programs, on which {lacks} or other data.train"
            )


def vote_fractions(group: Group) -> list[float]:
    """For each completion of a group, the share of completions, votes among them, with its answer.

    Of one without an answer it is its own share.
    """
    total = len(group.completions) + len(group.votes)
    shares = [1 / total] * total
    for members in group.classes:
        for place in members:
            shares[place] = len(members) / total
    return shares[: len(group.completions)]
