"""Prompts become completions become tensors: the on-policy stream and the RolloutDataModule."""

from emlit.rollout.batch import Group, RolloutBatch, collate, pad_rows, partition
from emlit.rollout.datamodule import RolloutDataModule
from emlit.rollout.prompts import Prompt, PromptBatch, render, request_seed
from emlit.rollout.stream import RolloutStream, RoundShape

__all__ = [
    "Group",
    "Prompt",
    "PromptBatch",
    "RolloutBatch",
    "RolloutDataModule",
    "RolloutStream",
    "RoundShape",
    "collate",
    "pad_rows",
    "partition",
    "render",
    "request_seed",
]
