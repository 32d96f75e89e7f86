"""samples.jsonl: a line a completion, through kills and resumes."""

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import get_type_hints

from emlit.json_files import json_object
from emlit.resilience.files import append_to, flush, replacing, writing
from emlit.resilience.marks import create
from emlit.samples.sample import Sample

log = logging.getLogger(__name__)
_FIELDS = get_type_hints(Sample)


class SampleStore:
    """The samples of a run on disk; in memory only where each begins, as the file grows as long as the run goes on.

    Attributes:
        places: for each step, where in the file the lines of its samples begin, in bytes
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.places: dict[int, list[int]] = {}

    def load(self, last_step: int) -> None:
        """Find what an earlier part of the run left, and drop what comes after `last_step`, the checkpoint's.

        A line that a kill cut short is dropped too.

        Raises:
            StorageError: the file system refused
        """
        self.places = {}
        if not self.path.exists():
            return
        with replacing(self.path) as scratch, self.path.open("rb") as old, create(scratch) as new:
            for number, line in enumerate(old, 1):
                if line.endswith(b"\n") and (step := self._step(line, number)) is not None and step <= last_step:
                    self.places.setdefault(step, []).append(new.tell())
                    new.write(line)

    def _step(self, line: bytes, number: int) -> int | None:
        try:
            found = json_object(line, _FIELDS, alone=True)
            json.dumps(found, allow_nan=False)  # a browser could not read nan, nor then the rest of the page
            return found["step"]
        except ValueError as error:
            log.warning("%s, line %d is no sample and is dropped (%s)", self.path, number, error)
            return None

    def append(self, samples: Sequence[Sample]) -> None:
        """Add the samples of one step; on disk when this returns."""
        lines = [json.dumps(asdict(sample), ensure_ascii=True, separators=(",", ":")) for sample in samples]
        places = []
        with writing(self.path), append_to(self.path) as file:
            if self.places and file.tell() <= max(map(max, self.places.values())):
                self.places.clear()  # the file was emptied or removed during the run
            for line in lines:
                places.append(file.tell())
                file.write(f"{line}\n".encode())
            flush(file)
        self.places[samples[0].step] = places

    def spread(self, completions: int) -> list[str]:
        """The samples of at most so many completions: of the first step, of the last, and evenly of those between."""
        steps = sorted(self.places)
        if sum(map(len, self.places.values())) > completions:
            points = max(2, completions // max(map(len, self.places.values())))
            steps = sorted({steps[round(i * (len(steps) - 1) / (points - 1))] for i in range(points)})
        return [line for step in steps for line in self.read(step)]

    def read(self, step: int) -> list[str]:
        """The samples of a step as JSON."""
        lines = []
        with self.path.open("rb") as file:
            for place in self.places[step]:
                file.seek(place)
                lines.append(file.readline().decode("utf-8", errors="replace").rstrip("\n"))
        return lines
