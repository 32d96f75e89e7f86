"""samples.jsonl: a line a completion, through kills and resumes."""

import json
import logging
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from emlit.samples.sample import Sample

log = logging.getLogger(__name__)


class SampleStore:
    """The samples of a run, on disk and in memory.

    Attributes:
        lines: for each step, its samples as JSON
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines: dict[int, list[str]] = {}

    def load(self, last_step: int) -> None:
        """Read what an earlier part of the run left, and drop what comes after `last_step`, the checkpoint's.

        A line that a kill cut short is dropped too.
        """
        self.lines = {}
        if not self.path.exists():
            return
        content = self.path.read_text(encoding="utf-8", errors="replace").split("\n")
        for number, line in enumerate(content[:-1], 1):  # a whole line has a newline behind it
            try:
                step = Sample(**json.loads(line)).step
            except (json.JSONDecodeError, TypeError) as error:
                log.warning("%s, line %d is no sample and is dropped (%s)", self.path, number, error)
                continue
            if step <= last_step:
                self.lines.setdefault(step, []).append(line)
        replace_whole(self.path, "".join(f"{line}\n" for lines in self.lines.values() for line in lines))

    def append(self, samples: Sequence[Sample]) -> None:
        """Add the samples of one step; on disk when this returns."""
        lines = [json.dumps(asdict(sample), ensure_ascii=True, separators=(",", ":")) for sample in samples]
        with self.path.open("a", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines)
            file.flush()
            os.fsync(file.fileno())
        self.lines[samples[0].step] = lines

    def spread(self, completions: int) -> list[str]:
        """The samples of at most so many completions: of the first step, of the last, and evenly of those between."""
        steps = sorted(self.lines)
        if sum(map(len, self.lines.values())) > completions:
            points = max(2, completions // max(map(len, self.lines.values())))
            steps = sorted({steps[round(i * (len(steps) - 1) / (points - 1))] for i in range(points)})
        return [line for step in steps for line in self.lines[step]]


def replace_whole(path: Path, content: str) -> None:
    """Write a file so that a reader, or a kill, finds the old one or the new one and nothing between."""
    scratch = path.with_name(path.name + ".partial")
    with scratch.open("w", encoding="utf-8") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(scratch, path)
