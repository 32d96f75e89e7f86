"""All that comes out of a sandbox is data from an enemy: it ends as that program's verdict, and nobody else's."""

import json
import random
import socket
import struct

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.hostile.channel import CHANNEL
from emlit.sandbox import run_all, run_python, run_tests
from emlit.sandbox.process import REPORT
from emlit.sandbox.view import INSIDE
from emlit.tasks import MBPP

OURS = [b"ready", b"ok " + b"0f" * 64, b"exception: E: m", b"solution exit: one call", b'{"end": "ok"}', b"{}"]
SAY = """
import os
for number in range(3, 64):
    for text in TEXTS:
        try:
            os.write(number, text)
        except OSError:
            pass
"""


def mutated(chance):
    """One of our messages, some of whose bytes were dropped, doubled or changed."""
    text = bytearray(chance.choice(OURS) + b"\n")
    for _ in range(chance.randrange(4)):
        place = chance.randrange(len(text))
        text[place : place + chance.randrange(2)] = chance.choice(
            [b"", b"\n", b"\xff\xfe", b"[" * 9000, b"9" * 5000, b"NaN", b"\0", bytes([chance.randrange(256)]), text]
        )
    return bytes(text)


@pytest.mark.parametrize(
    ("line", "kind", "content"),
    [
        (b"ready", "ready", b"ready"),
        (b"ok " + b"0f" * 64, "proof", b"0f" * 64),
        (b"exception: E: \xff\xfe", "end", b"exception: E: \xff\xfe"),
        (b"solution exit: x", "end", b"solution exit: x"),
    ],
)
def test_reports(line, kind, content):
    assert {name: found for name, found in REPORT.fullmatch(line).groupdict().items() if found} == {kind: content}


@pytest.mark.parametrize(
    "line",
    [
        b"", b"{}", b'{"ready": true}', b"ready ", b"Ready", b"ok", b"ok 00", b"ok " + b"0F" * 64, b"ok " + b"0" * 129,
        b"sandbox: no", b"stopped: no", b"exception", b"exception: a\nb", b"\xff\xfe", b"exception: " + b"x" * 4096,
    ],
)  # fmt: skip
def test_what_is_no_report(line):
    assert REPORT.fullmatch(line) is None


@given(st.binary(max_size=300) | st.randoms(use_true_random=False).map(lambda chance: mutated(chance)[:-1]))
def test_any_line_is_a_report_or_none(line):
    report = REPORT.fullmatch(line)
    if report is not None:
        assert sum(found is not None for found in report.groups()) == 1


def test_mutated_messages_end_their_own_program_alone(closed):
    chance = random.Random(13)
    texts = [[mutated(chance) for _ in range(3)] for _ in range(8)]
    hostile = [f"TEXTS = {text}\n{SAY}\nos._exit(0)\n" for text in texts]
    jobs = []
    for text in hostile:
        jobs.append(lambda stop, text=text: run_python(text, 5.0, 256, stop=stop, level=closed))
        jobs.append(lambda stop: run_tests("def f(n): return n", "assert f(1) == 1", ["f"], stop=stop, level=closed))
    results = run_all(jobs)
    assert [result.ok for result in results] == [False, True] * len(hostile)
    assert all(result.reason.isprintable() for result in results)


@pytest.mark.parametrize("program", CHANNEL, ids=lambda program: program.name)
def test_what_a_program_says_out_of_turn_is_its_verdict(program):
    result = run_python(f"{program.text}\nassert False", 1.5, 256)
    assert not result.ok
    assert result.reason.isprintable()


def test_a_solution_that_says_that_the_tests_passed_does_not_pass():
    solution = f"def f(n):\n TEXTS = [b'ok ' + b'0' * 128 + b'\\n']\n exec({SAY!r}, dict(TEXTS=TEXTS))\n return n"
    assert not run_tests(solution, "assert f(1) == 2", ["f"], timeout=5.0).ok


def test_hostile_completions_among_honest_ones_are_wrong_and_the_others_graded_as_ever(tmp_path):
    row = {
        "source_file": "x", "task_id": 7, "prompt": "Add.", "code": "def add(a, b):\n  return a + b",
        "test_imports": [], "test_list": ["assert add(1, 2) == 3"],
    }  # fmt: skip
    (tmp_path / "rows.jsonl").write_text(json.dumps(row) + "\n")
    task = MBPP(str(tmp_path / "rows.jsonl"), timeout=3.0)
    add = "def add(a, b): return a + b"
    hostile = [
        f"TEXTS = [b'{{}}\\n']\n{SAY}",
        f"TEXTS = [b'{{\"ready\": true}}\\n', b'ready\\n']\n{SAY}",
        "import ctypes, time\nctypes.CDLL(None).prctl(15, b'\\xff\\xfe', 0, 0, 0)\ntime.sleep(60)",
        "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\nos._exit(0)",
    ]
    programs = [add, *(f"{add}\n{program}" for program in hostile), add.replace("+", "-"), add]
    grades = task.grade_all([(task.rows()[0], f"```python\n{program}\n```") for program in programs])
    assert [grade.correct for grade in grades] == [True, False, False, False, False, False, True]


HEAPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["list", "dict", "set", "deque", "bytearray", "ndarray", "object", "int", "str", "float", "handle", "bytes",
             "complex", "range", "Decimal", "Fraction", "scalar", "tuple", "frozenset", "iterator", "dict_items", "x",
             "named", "type", "plain", "endless", "OrderedDict", "Counter", "defaultdict", "record", "Symbol",
             "objects"]
        ),
        st.lists(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4) | st.lists(st.integers(-1, 4))
            | st.sampled_from(["<f8", "O", "2", "2,-1", "\xff" * 16, "N", "1/0", "sNaN", "a b"]),
            max_size=4,
        ),
    ).map(lambda node: [node[0], *node[1]])
    | st.none() | st.integers(),
    max_size=4,
)  # fmt: skip
MESSAGES = st.fixed_dictionaries(
    {},
    optional={
        "heap": HEAPS | st.none() | st.text(max_size=3),
        "changes": st.dictionaries(st.sampled_from(["0", "-1", "9", "x"]), HEAPS.map(lambda heap: [*heap, None][0])),
        "result": st.none() | st.integers() | st.lists(st.integers(-1, 4), max_size=2) | st.just({}),
        "raised": st.lists(
            st.sampled_from(["ValueError", "exit", "SystemExit", "ExceptionGroup", "\ud800"]) | st.none()
        ),
        "arguments": st.lists(st.none() | st.integers() | st.text(max_size=3)),
        "refused": st.integers() | st.lists(st.none()),
    },
)


class Ended(BaseException):
    pass


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(message=MESSAGES.map(lambda message: json.dumps(message).encode()) | st.binary(max_size=40))
def test_any_answer_is_a_value_or_the_end_of_the_solution(message):
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(INSIDE))
        from remote import Solution

        ours, theirs = socket.socketpair()
        with ours, theirs:
            theirs.sendall(struct.pack(">Q", len(message)) + message)
            theirs.shutdown(socket.SHUT_WR)
            ours.settimeout(5.0)

            def fatal(end, detail):
                raise Ended(f"{end}: {detail}")

            solution, ends = Solution(ours, fatal, {}), ""
            try:
                solution.ask("call", "f", ([1],))
            except Ended as end:
                ends = str(end)
            except Exception:
                assert b'"raised"' in message
            assert ends.partition(":")[0] in ("", "protocol", "crossing", "exit")
