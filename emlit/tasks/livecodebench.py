"""LiveCodeBench, code generation, release v2 (Jain et al., arXiv 2403.07974)."""

import base64
import io
import json
import pickle
import re
import threading
import time
import zlib
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

from emlit.errors import ConfigError, DataError
from emlit.records import Row
from emlit.sandbox import ExecutionResult, Limits, run_python
from emlit.sources import SourceRow, file_rows, hub_rows
from emlit.tasks.benchmark import Hub
from emlit.tasks.program_names import in_one
from emlit.tasks.programs import CodeBenchmark
from emlit.tasks.templates import EXPERT_PROGRAMMER, LIVECODEBENCH, READ_STDIN, STARTER_CODE

# Release v2 is the first two files of the data set.
_FILES = ("test.jsonl", "test2.jsonl")
_NUMBER = re.compile(r"[+-]?(?:[0-9]++(?:\.[0-9]*+)?+|\.[0-9]++)(?:[eE][+-]?[0-9]++)?+")
# What the released grader has in front of a solution (lcb_runner/evaluation/testing_util.py), and its limits.
_MODULES = (
    "string, re, datetime, collections, heapq, bisect, copy, math, random, statistics, itertools, functools, operator, "
    "io, sys, json"
)
PREAMBLE = f"""
{"; ".join(f"from {module} import *" for module in f"{_MODULES}, builtins, typing".split(", "))}
import {_MODULES}
sys.setrecursionlimit(50_000)
sys.set_int_max_str_digits(50_000)
"""
# Runs beside the tests: JSON has no tuples.
_CHECKS = """
import json as _json
def _plain(value):
    return [_plain(each) for each in value] if isinstance(value, (list, tuple)) else value
"""


class LiveCodeBench(CodeBenchmark):
    """Contest problems by date, so that those younger than a model can be told from those that it may have seen.

    Args:
        path: a local file in the published schema; from the hub unless set
        n: the first so many problems of the time span
        timeout: seconds of wall time for a problem's tests together
        start: the first contest date that counts, YYYY-MM-DD
        end: the last one; the released scripts score 2023-05-01 to 2024-05-31
        benchmark: as of ProgramBenchmark
    """

    name = "livecodebench"
    hub = Hub("livecodebench/code_generation_lite")
    system_prompt = EXPERT_PROGRAMMER

    def __init__(
        self,
        path: str | None = None,
        n: int | None = None,
        timeout: float = 60.0,
        start: str = "2023-05-01",
        end: str = "2024-05-31",
        **benchmark: Any,
    ) -> None:
        super().__init__(path, n, timeout=timeout, **benchmark)
        self.start, self.end = (_date(name, value) for name, value in (("start", start), ("end", end)))
        if self.end < self.start:
            raise ConfigError(f"end is {end}, before start, {start}; swap them")

    def _source(self) -> Iterator[SourceRow]:
        if self.path is None:
            files = [f"hf://datasets/{self.hub.path}/{file}" for file in _FILES]
            source = hub_rows("json", None, "train", files)
        else:
            source = file_rows(self.path)
        for where, fields in source:
            if isinstance(fields, DataError) or self._in_span(fields, where):
                yield where, fields

    def _in_span(self, fields: dict[str, Any], where: str) -> bool:
        try:
            return self.start <= datetime.fromisoformat(str(fields["contest_date"])).date() <= self.end
        except (KeyError, ValueError):
            raise DataError(f"{where}: no contest_date that is a date, which {self.name} needs") from None

    def row(self, fields: dict[str, Any], where: str) -> Row:
        starter = fields.get("starter_code") or ""
        how = STARTER_CODE.format(code=starter) if starter else READ_STDIN
        tests = _tests(fields["public_test_cases"]) + _tests(fields["private_test_cases"])
        if not tests:
            raise ValueError("it has no test")
        if not all(isinstance(test.get(part), str) for test in tests for part in ("input", "output")):
            raise ValueError("it has a test whose input or output is no text")
        metadata = fields.get("metadata") or {}
        metadata = json.loads(metadata) if isinstance(metadata, str) else metadata
        function = metadata.get("func_name")
        if not (function is None or isinstance(function, str) and function.isidentifier()):
            raise ValueError("its func_name is no name of a function")
        return Row(
            id=str(fields["question_id"]),
            prompt=LIVECODEBENCH.format(question=fields["question_content"], format=how),
            answer=json.dumps(tests[0]),
            fields={"tests": tests, "function": function, "difficulty": fields.get("difficulty")},
        )

    def wanted(self, row: Row) -> tuple[str, ...]:
        return () if row.fields["function"] is None else ("Solution", row.fields["function"])

    def run(self, row: Row, program: str, stop: threading.Event) -> ExecutionResult:
        tests, function = row.fields["tests"], row.fields["function"]
        if function is not None:
            return self.run_tests(program, _calls(tests, function), ["Solution", function], stop, PREAMBLE)
        ends = time.monotonic() + self.timeout
        for number, test in enumerate(tests, 1):
            left = ends - time.monotonic()
            if left <= 0:
                return ExecutionResult(False, f"timeout before test {number}")
            kept = 64 + 8 * len(test["output"]) // 1024  # KiB: twice as much, of four bytes each
            result = run_python(
                in_one(PREAMBLE, program),
                left,
                self.memory_mb,
                stdin=test["input"],
                limits=Limits(output_kb=kept),
                stop=stop,
                unsafe_code=self.unsafe_code,
            )
            # What a program prints is the proof, so it may also leave by exit().
            if not (result.ok or result.reason.startswith("exit: 0 ")):
                return result
            cut = len(result.stdout.encode()) >= kept * 1024
            if cut or not _same_output(result.stdout, test["output"]):
                return ExecutionResult(False, f"output of test {number}", result.stdout, result.stderr, result.seconds)
        return ExecutionResult(True, "ok")


def _date(name: str, value: str) -> date:
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise ConfigError(f"{name} is {value!r}; it must be a date such as 2023-05-01") from None


def _calls(tests: list[dict[str, Any]], function: str) -> str:
    """A test a line: arguments are lines of JSON, and so is what is expected.

    As the released grader has it: one object of class Solution answers them all, or a function where there is none.
    """
    lines = [f"_call = Solution().{function} if 'Solution' in globals() else {function}"]
    for number, test in enumerate(tests, 1):
        arguments = test["input"].strip("\n").split("\n")  # other separators of lines may stand in a text
        lines.append(
            f"assert _plain(_call(*map(_json.loads, {arguments!r}))) == "
            f"_plain(_json.loads({test['output']!r})), 'test {number}'"
        )
    return _CHECKS + "\n".join(lines)


def _same_output(printed: str, expected: str) -> bool:
    """Line by line, spaces at the ends aside; numbers as numbers where the text differs.

    As the released grader has it: 0.50 is 0.5, 1e3 is 1000, and 0010 is 10. It also takes what only Python's Decimal
    calls a number, 1_000 or digits of other scripts; here that is text, and so are infinities.
    """
    lines, wanted = ([line.strip() for line in text.strip().split("\n")] for text in (printed, expected))
    return len(lines) == len(wanted) and all(map(_same_line, lines, wanted))


def _same_line(line: str, wanted: str) -> bool:
    if line == wanted:
        return True
    words, others = line.split(), wanted.split()
    if len(words) != len(others) or not all(map(_NUMBER.fullmatch, [*words, *others])):
        return False
    try:  # as Decimal, since floats of more than 2^53 lose their last digits
        return all(Decimal(a) == Decimal(b) for a, b in zip(words, others, strict=True))
    except InvalidOperation:  # an exponent that is too large for it
        return False


class _TextOnly(pickle.Unpickler):
    """The private tests are a pickled text: anything in it that would run code is refused."""

    def find_class(self, module: str, name: str) -> NoReturn:
        raise pickle.UnpicklingError(f"private tests hold {module}.{name}")


def _tests(encoded: str) -> list[dict[str, Any]]:
    """Test cases: JSON, or JSON pickled, compressed and in base 64.

    Raises:
        ValueError: neither
    """
    try:
        return json.loads(encoded)
    except (ValueError, RecursionError):
        pass
    try:
        text = _TextOnly(io.BytesIO(zlib.decompress(base64.b64decode(encoded)))).load()
        return json.loads(text)
    except Exception as error:  # a pickle can fail in every way
        raise ValueError(f"its tests cannot be read: {error}") from None
