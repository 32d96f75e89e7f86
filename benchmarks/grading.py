"""How the mathematics and physics benchmarks are graded: gold completions graded right, and a problem's answer against
the next one's label (`python -m benchmarks.grading --data DIR`, docs/evaluation.md's table).

A file that is not in DIR is left out, and so is a pair whose labels are written alike but for spaces, $ and the name of
what was asked for: 5 and x=5.
"""

import argparse
import re
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.grading_rows import write_rows
from emlit.errors import ConfigError
from emlit.printable import printable
from emlit.tasks import (
    AIME24,
    AMC,
    GSM8K,
    MATH500,
    AIME22to24,
    Benchmark,
    MinervaMath,
    OlympiadBench,
    Row,
    UGPhysics,
)

# The share of gold completions that must be graded right.
BENCHMARKS: list[tuple[Callable[[], Benchmark], float]] = [
    (MATH500, 0.99),
    (AMC, 1.0),
    (AIME24, 1.0),
    (AIME22to24, 1.0),
    (MinervaMath, 0.98),
    (OlympiadBench, 0.99),
    (lambda: UGPhysics("SemiconductorPhysics", "en"), 0.98),
    (GSM8K, 1.0),
]

_SAME_WRITING = re.compile(r"[\s$]|^\$?\s*[A-Za-z]\s*=")


@dataclass
class Measured:
    """What grading one benchmark gave."""

    rows: int = 0
    right: int = 0
    pairs: int = 0
    wrongly: int = 0
    milliseconds: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def row(self, name: str) -> str:
        """A row of the table."""
        mean = sum(self.milliseconds) / len(self.milliseconds)
        return (
            f"| {name} | {self.rows} | {self.right} | {self.right / self.rows:.1%} | {self.pairs} | {self.wrongly} | "
            f"{mean:.1f} | {max(self.milliseconds):.0f} |"
        )


def shifted(rows: list[Row], by: int) -> Iterator[tuple[Row, Row]]:
    """Each row with the one so many further on, the last ones with the first, where their labels differ."""
    for place, row in enumerate(rows):
        other = rows[(place + by) % len(rows)]
        if _SAME_WRITING.sub("", row.answer) != _SAME_WRITING.sub("", other.answer):
            yield row, other


def measure(task: Benchmark, shifts: int) -> Measured:
    """Grade every gold completion against its own row, and against the labels of the next rows."""
    found, rows = Measured(), task.rows()

    def grade(row: Row, completion: str) -> bool:
        started = time.perf_counter()
        correct = task.grade(row, completion).correct
        found.milliseconds.append(1000 * (time.perf_counter() - started))
        return bool(correct)

    grade(rows[0], rows[0].solution)
    found.milliseconds.clear()  # the process of math-verify starts once a run
    for row in rows:
        found.rows += 1
        if grade(row, row.solution):
            found.right += 1
        else:
            found.failures.append(f"{row.source}: the gold completion is graded wrong, label {row.answer!r}")
    for by in range(1, min(shifts, len(rows) - 1) + 1):
        for row, other in shifted(rows, by):
            found.pairs += 1
            if grade(other, row.solution):
                found.wrongly += 1
                found.failures.append(f"{other.source}: {row.answer!r} is graded right against {other.answer!r}")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="the directory with math500.jsonl and its like")
    parser.add_argument("--shifts", type=int, default=1, help="compare with the labels of so many further rows")
    parser.add_argument("--smoke", action="store_true", help="on a few rows of its own")
    parser.add_argument("--run_dir", type=Path, default=Path("runs/grading"), help="where --smoke writes its rows")
    arguments = parser.parse_args()
    if not arguments.smoke and arguments.data is None:
        parser.error("--data names the directory with the benchmarks' files")
    place = write_rows(arguments.run_dir) if arguments.smoke else arguments.data
    print("| benchmark | rows | gold graded right | share | shifted pairs | graded right | ms a grade | slowest |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    failures, beyond = [], []
    for make, limit in BENCHMARKS:
        task = make()
        try:
            task.read_from(place)
        except ConfigError as error:
            print(f"{task.name}: {error}", file=sys.stderr)
            continue
        found = measure(task, arguments.shifts)
        print(found.row(task.name), flush=True)
        failures += found.failures
        if found.wrongly or found.right < limit * found.rows:
            beyond.append(task.name)
    print(*(f"\n- {printable(line)}" for line in failures), sep="")
    if beyond:
        print(f"beyond the limits: {', '.join(beyond)}", file=sys.stderr)
    return bool(beyond)


if __name__ == "__main__":
    sys.exit(main())
