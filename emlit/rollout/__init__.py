"""Prompts become completions become tensors: the on-policy stream and the RolloutDataModule."""

from emlit.records import Group, Prompt, RolloutBatch, request_seed
from emlit.rollout.batch import collate, pad_rows, partition
from emlit.rollout.chat import Chat
from emlit.rollout.datamodule import LearnsFrom, RolloutDataModule
from emlit.rollout.prompts import PromptList, Prompts, render
from emlit.rollout.round_plan import RoundPlan
from emlit.rollout.solutions import SolutionStream, with_solutions
from emlit.rollout.stream import RolloutStream
from emlit.rollout.training_prompts import LazyPrompts, training_prompts

__all__ = [
    "Chat", "Group", "LazyPrompts", "LearnsFrom", "Prompt", "PromptList", "Prompts", "RolloutBatch",
    "RolloutDataModule", "RolloutStream", "RoundPlan", "SolutionStream", "collate", "pad_rows", "partition", "render",
    "request_seed", "training_prompts", "with_solutions",
]  # fmt: skip
