"""Prompts become completions become tensors: the on-policy stream and the RolloutDataModule."""

from emlit.rollout.batch import Group, RolloutBatch, collate, pad_rows, partition
from emlit.rollout.datamodule import LearnsFrom, RolloutDataModule
from emlit.rollout.prompts import Prompt, PromptBatch, encode, render, request_seed
from emlit.rollout.solutions import SolutionStream, with_solutions
from emlit.rollout.stream import RolloutStream, RoundShape

__all__ = [
    "Group",
    "LearnsFrom",
    "Prompt",
    "PromptBatch",
    "RolloutBatch",
    "RolloutDataModule",
    "RolloutStream",
    "RoundShape",
    "SolutionStream",
    "collate",
    "encode",
    "pad_rows",
    "partition",
    "render",
    "request_seed",
    "with_solutions",
]
