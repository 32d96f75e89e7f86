"""Benchmarks and prompt sets: how a row becomes a prompt, how a completion is graded."""

from emlit.sandbox import ExecutionResult, run_python
from emlit.tasks.answers import extract_answer, extract_boxed, math_equal
from emlit.tasks.base import Grade, Message, Row, Task
from emlit.tasks.benchmark import Benchmark, read_from
from emlit.tasks.math500 import MATH500
from emlit.tasks.prompts import HubDataset, PromptFile
from emlit.tasks.tiny import TinyArithmetic
from emlit.tasks.votes import answer_classes

__all__ = [
    "MATH500",
    "Benchmark",
    "ExecutionResult",
    "Grade",
    "HubDataset",
    "Message",
    "PromptFile",
    "Row",
    "Task",
    "TinyArithmetic",
    "answer_classes",
    "extract_answer",
    "extract_boxed",
    "math_equal",
    "read_from",
    "run_python",
]
