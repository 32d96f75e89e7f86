"""Benchmarks and prompt sets: how a row becomes a prompt, how a completion is graded."""

from emlit.tasks.answers import extract_answer, extract_boxed, math_equal
from emlit.tasks.base import Grade, Row, Task
from emlit.tasks.prompts import HubDataset, PromptFile
from emlit.tasks.tiny import TinyArithmetic

__all__ = [
    "Grade",
    "HubDataset",
    "PromptFile",
    "Row",
    "Task",
    "TinyArithmetic",
    "extract_answer",
    "extract_boxed",
    "math_equal",
]
