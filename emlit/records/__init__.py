"""The data that the rooms hand to each other, from a problem's row to the batch that is trained on."""

from emlit.records.answer_classes import answer_classes, semantic_entropy
from emlit.records.groups import Group
from emlit.records.prompts import Grader, Prompt
from emlit.records.requests import NEXT_TURN, AnswerKey, Completion, FinishReason, Request, request_seed
from emlit.records.rollout_batch import RolloutBatch, sent
from emlit.records.rows import Grade, Message, Row
from emlit.records.sampling import Sampling
from emlit.records.turns import Ask, Reply, Sampler, ScoredAnswer, Turn

__all__ = [
    "NEXT_TURN", "AnswerKey", "Ask", "Completion", "FinishReason", "Grade", "Grader", "Group", "Message", "Prompt",
    "Reply", "Request", "RolloutBatch", "Row", "Sampler", "Sampling", "ScoredAnswer", "Turn", "answer_classes",
    "request_seed", "semantic_entropy", "sent",
]  # fmt: skip
