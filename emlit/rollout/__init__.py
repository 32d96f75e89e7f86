"""Prompts become completions become tensors: the on-policy stream and the RolloutDataModule."""

from emlit.rollout.batch import Group, RolloutBatch, collate, pad_rows, partition
from emlit.rollout.datamodule import LearnsFrom, RolloutDataModule
from emlit.rollout.prompt_batches import PromptBatch, evaluation_batches, prediction_batches
from emlit.rollout.prompts import Prompt, encode, render, request_seed
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
    "evaluation_batches",
    "pad_rows",
    "partition",
    "prediction_batches",
    "render",
    "request_seed",
    "with_solutions",
]
