"""Where a round's completions come from: votes, branches, other temperatures, replays."""

from emlit.rollouts.aepo import AEPO
from emlit.rollouts.base import Branch, Rollouts, SampledRound, Score, TrainedRound
from emlit.rollouts.branching import CURE, EntropyTree
from emlit.rollouts.replay import Replay
from emlit.rollouts.vote_more import VoteMore

__all__ = [
    "AEPO", "CURE", "Branch", "EntropyTree", "Replay", "Rollouts", "SampledRound", "Score", "TrainedRound", "VoteMore",
]  # fmt: skip
