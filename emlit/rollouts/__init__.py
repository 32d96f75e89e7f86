"""Where a round's completions come from: votes, branches, other temperatures, replays."""

from emlit.rollouts.base import Branch, Rollouts, SampledRound, Score, TrainedRound
from emlit.rollouts.vote_more import VoteMore

__all__ = [
    "Branch",
    "Rollouts",
    "SampledRound",
    "Score",
    "TrainedRound",
    "VoteMore",
]
