"""A public benchmark: its rows come from the Hugging Face hub, or from a local file in the same schema."""

from abc import abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from emlit.errors import ConfigError, DataError
from emlit.grading import extract_boxed
from emlit.records import Row
from emlit.sources import SUFFIXES, SourceRow, file_rows, hub_rows, require_file
from emlit.tasks.base import Task
from emlit.tasks.templates import FINAL_ANSWER

OWN = "own"  # the system prompt that a benchmark comes with


class Hub(NamedTuple):
    """Where a benchmark is published: the data set's id, its configuration and its split."""

    path: str
    name: str | None = None
    split: str = "test"


class Benchmark(Task):
    """A benchmark. A new one is a subclass in a file of its own: `name`, `hub`, `row`, and `grade` where it differs.

    Args:
        path: a local JSONL, Parquet or CSV file in the published schema; from the hub unless set
        n: the first so many rows; all unless set
        system_prompt: in place of the benchmark's own; null for none

    Attributes:
        hub: where it is published
    """

    hub: Hub

    def __init__(self, path: str | None = None, n: int | None = None, system_prompt: str | None = OWN) -> None:
        if n is not None and n < 1:
            raise ConfigError(f"n is {n}; {self.name} needs at least 1 row")
        self.path = None if path is None else require_file(path)
        self.n = n
        if system_prompt != OWN:
            self.system_prompt = system_prompt
        self._rows: list[Row] | None = None

    @abstractmethod
    def row(self, fields: dict[str, Any], where: str) -> Row:
        """One row of the source as a problem; `where` it stands is for messages, and set by the caller.

        Its `fields` are those of the source unless set.

        Raises:
            DataError: a field that cannot be used
            KeyError: a field that is not there
        """

    def read_from(self, place: Path) -> None:
        """Read from a local file, or from the file of this benchmark's name in a local directory; not from the hub.

        Raises:
            ConfigError: there is none
        """
        files = [place / f"{self.name}{suffix}" for suffix in SUFFIXES] if place.is_dir() else [place]
        found = next((file for file in files if file.exists()), None)
        if found is None:
            raise ConfigError(
                f"{place} has no file for {self.name}; put {self.name}.jsonl there, in the schema of {self.hub.path}"
                if place.is_dir()
                else f"path is {place}, and there is no such file or directory"
            )
        self.path = require_file(str(found))

    def _source(self) -> Iterator[SourceRow]:
        return hub_rows(*self.hub) if self.path is None else file_rows(self.path)

    def rows(self) -> list[Row]:
        if self._rows is None:
            self._rows = list(self._read())
            if not self._rows:
                raise DataError(f"{self.path or self.hub.path} has no row; {self.name} needs at least one")
        return self._rows

    def _read(self) -> Iterator[Row]:
        seen: set[str] = set()
        for where, fields in self._source():
            if len(seen) == self.n:
                return
            if isinstance(fields, DataError):
                raise fields
            try:
                row = self.row(fields, where)
                row = replace(row, fields=row.fields or fields, source=where)
            except KeyError as error:
                columns = ", ".join(map(str, fields))
                raise DataError(f"{where}: no column {error}, which {self.name} needs; it has {columns}") from None
            except (TypeError, ValueError, AttributeError, IndexError, RecursionError) as error:
                raise DataError(f"{where}: not a row of {self.name} ({error})") from None
            if row.id in seen:
                raise DataError(f"{where}: the id {row.id!r} is there twice; ids must differ")
            seen.add(row.id)
            yield row


def read_from(place: Path, tasks: Iterable[Task]) -> None:
    """Have all benchmarks among the tasks that have no file of their own read from a local file or directory.

    Raises:
        ConfigError: it is not there, lacks a benchmark's file, or is one file for several
    """
    found = [task for task in tasks if isinstance(task, Benchmark) and task.path is None]
    if not found:
        raise ConfigError(f"path is {place}, but no task of evaluation is a benchmark without a path of its own")
    if len(found) > 1 and place.is_file():
        raise ConfigError(f"path is {place}, one file for {len(found)} benchmarks; give a directory with one for each")
    for task in found:
        task.read_from(place)


def first_of(fields: dict[str, Any], *columns: str) -> Any:
    """The first of these columns that a row has: published copies of a benchmark differ in names.

    Raises:
        KeyError: it has none of them
    """
    for column in columns:
        if fields.get(column) is not None:
            return fields[column]
    raise KeyError(" or ".join(columns))


def gold_completion(solution: str | None, answer: str) -> str:
    """A right completion: the worked solution, which is told to end in the box where it does not."""
    if solution is not None and "\\boxed" in solution and extract_boxed(solution) == answer:
        return solution
    ending = FINAL_ANSWER.format(answer=answer)
    return f"{solution.rstrip()}\n\n{ending}" if solution else ending


def row_number(where: str) -> str:
    """The number at the end of where a row stands, an id for rows that bring none."""
    return where.rpartition(" ")[2]
