"""Before training: what a model does on a prompt set, and what the literature makes of it."""

from emlit.preflight.answer_utility import AnswerUtility
from emlit.preflight.token_metrics import Scoring, TokenCovariance, TokenEntropies, TokenMetric

__all__ = ["AnswerUtility", "Scoring", "TokenCovariance", "TokenEntropies", "TokenMetric"]
