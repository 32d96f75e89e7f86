"""Benchmarks and prompt sets: how a row becomes a prompt, how a completion is graded."""

from emlit.sandbox import ExecutionResult, run_python
from emlit.tasks.answers import extract_answer, extract_boxed, math_equal
from emlit.tasks.base import Grade, Row, Task
from emlit.tasks.prompts import HubDataset, PromptFile
from emlit.tasks.tiny import TinyArithmetic
from emlit.tasks.votes import answer_classes

__all__ = [
    "ExecutionResult",
    "Grade",
    "HubDataset",
    "PromptFile",
    "Row",
    "Task",
    "TinyArithmetic",
    "answer_classes",
    "extract_answer",
    "extract_boxed",
    "math_equal",
    "run_python",
]
