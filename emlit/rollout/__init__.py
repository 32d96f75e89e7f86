"""Prompts become completions become tensors: the on-policy stream and the RolloutDataModule."""

from emlit.answering import PromptBatch
from emlit.records import Group, Prompt, RolloutBatch, request_seed
from emlit.rollout.batch import collate, pad_rows, partition
from emlit.rollout.chat import Chat
from emlit.rollout.datamodule import LearnsFrom, RolloutDataModule
from emlit.rollout.prompt_batches import evaluation_batches, prediction_batches
from emlit.rollout.prompts import PromptList, Prompts, render
from emlit.rollout.round_plan import RoundPlan
from emlit.rollout.solutions import SolutionStream, with_solutions
from emlit.rollout.stream import RolloutStream
from emlit.rollout.training_prompts import LazyPrompts, training_prompts

__all__ = [
    "Chat",
    "Group",
    "LazyPrompts",
    "LearnsFrom",
    "Prompt",
    "PromptBatch",
    "PromptList",
    "Prompts",
    "RolloutBatch",
    "RolloutDataModule",
    "RolloutStream",
    "RoundPlan",
    "SolutionStream",
    "collate",
    "evaluation_batches",
    "pad_rows",
    "partition",
    "prediction_batches",
    "render",
    "request_seed",
    "training_prompts",
    "with_solutions",
]
