"""Benchmarks and prompt sets: how a row becomes a prompt, how a completion is graded."""

from emlit.tasks.aime import AIME24, AIME22to24
from emlit.tasks.amc import AMC
from emlit.tasks.answers import extract_answer, extract_boxed, math_equal
from emlit.tasks.base import Grade, Row, Task
from emlit.tasks.benchmark import Benchmark
from emlit.tasks.gsm8k import GSM8K
from emlit.tasks.math500 import MATH500
from emlit.tasks.minerva import MinervaMath
from emlit.tasks.olympiadbench import OlympiadBench
from emlit.tasks.prompts import HubDataset, PromptFile
from emlit.tasks.tiny import TinyArithmetic
from emlit.tasks.ugphysics import UGPhysics
from emlit.tasks.votes import answer_classes

__all__ = [
    "AIME24",
    "AMC",
    "AIME22to24",
    "Benchmark",
    "GSM8K",
    "Grade",
    "HubDataset",
    "MATH500",
    "MinervaMath",
    "OlympiadBench",
    "PromptFile",
    "Row",
    "Task",
    "TinyArithmetic",
    "UGPhysics",
    "answer_classes",
    "extract_answer",
    "extract_boxed",
    "math_equal",
]
