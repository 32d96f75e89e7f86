"""Prompts become graded answers, by way of a strategy and an engine."""

from emlit.answering.answerer import Answered, Answerer, ScoringPolicy
from emlit.answering.prompt_batch import PromptBatch

__all__ = ["Answered", "Answerer", "PromptBatch", "ScoringPolicy"]
