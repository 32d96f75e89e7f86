"""Benchmarks and prompt sets: how a row becomes a prompt, how a completion is graded."""

from emlit.grading import extract_answer, extract_boxed, math_equal
from emlit.records import Grade, Message, Row, answer_classes
from emlit.sandbox import ExecutionResult, run_python
from emlit.tasks.aime import AIME24, AIME22to24
from emlit.tasks.amc import AMC
from emlit.tasks.base import Task
from emlit.tasks.benchmark import Benchmark, read_from
from emlit.tasks.code_blocks import extract_code
from emlit.tasks.gsm8k import GSM8K
from emlit.tasks.humaneval import HumanEval
from emlit.tasks.leetcode import LeetCode
from emlit.tasks.livecodebench import LiveCodeBench
from emlit.tasks.math500 import MATH500
from emlit.tasks.mbpp import MBPP
from emlit.tasks.minerva import MinervaMath
from emlit.tasks.olympiadbench import OlympiadBench
from emlit.tasks.prompts import HubDataset, PromptFile
from emlit.tasks.scicode import SciCode
from emlit.tasks.streamed import StreamedPrompts
from emlit.tasks.tiny import TinyArithmetic
from emlit.tasks.ugphysics import UGPhysics
from emlit.tasks.word_problems import SVAMP, ASDiv

__all__ = [
    "MATH500", "MBPP", "Benchmark", "ExecutionResult", "Grade", "HubDataset", "HumanEval", "LeetCode", "LiveCodeBench",
    "Message", "AIME24", "AMC", "AIME22to24", "GSM8K", "MinervaMath", "OlympiadBench", "PromptFile", "Row", "SciCode",
    "StreamedPrompts", "Task", "TinyArithmetic", "UGPhysics", "SVAMP", "ASDiv", "answer_classes", "extract_answer",
    "extract_boxed", "extract_code", "math_equal", "read_from", "run_python",
]  # fmt: skip
