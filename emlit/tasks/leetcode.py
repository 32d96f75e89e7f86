"""LeetCode contest problems of July 2023 to January 2024, as collected for DeepSeek-Coder (arXiv 2401.14196)."""

import threading
from typing import Any

from emlit.records import Row
from emlit.sandbox import ExecutionResult
from emlit.tasks.benchmark import Hub
from emlit.tasks.programs import CodeBenchmark
from emlit.tasks.templates import ACTIONS, PRESENT_THE_CODE

# As LeetCode has it in front of a solution. math's pow takes no modulus, so Python's own comes last.
PREAMBLE = """
import bisect, collections, functools, heapq, itertools, math, operator, random, re, string
from typing import *
from collections import *
from functools import *
from itertools import *
from bisect import *
from heapq import *
from math import *
from builtins import pow

class ListNode:
    def __init__(self, val=0, next=None):
        self.val, self.next = val, next

class TreeNode:
    def __init__(self, val=0, left=None, right=None):
        self.val, self.left, self.right = val, left, right
"""


class LeetCode(CodeBenchmark):
    """180 methods of a class Solution."""

    name = "leetcode"
    hub = Hub("TechxGenus/LeetCode-Contest")
    system_prompt = ACTIONS

    def row(self, fields: dict[str, Any], where: str) -> Row:
        return Row(
            id=str(fields["task_id"]),
            prompt=fields["prompt_sft"] + PRESENT_THE_CODE,
            answer=fields["test"],
        )

    def wanted(self, row: Row) -> tuple[str]:
        return ("Solution",)

    def run(self, row: Row, program: str, stop: threading.Event) -> ExecutionResult:
        return self.run_tests(program, row.fields["test"], ["Solution"], stop, PREAMBLE)
